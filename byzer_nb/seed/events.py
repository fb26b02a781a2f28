"""Callbacks before and after each call of a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, TypeAlias

from byzer_nb.errors import BadInputError, WrongTypeError
from byzer_nb.types import Reply, Usage

EventCallbackResult: TypeAlias = tuple[bool, Any]  # Any: the payload or the results, perhaps changed
EventCallback: TypeAlias = Callable[..., EventCallbackResult]


class EventName(Enum):
    """When a callback is called."""

    BEFORE_CALL_MODEL = "before_call_model"
    AFTER_CALL_MODEL = "after_call_model"


class Events:
    """The callbacks of one client, in the order in which they came."""

    def __init__(self) -> None:
        self._callbacks: dict[EventName, list[EventCallback]] = {}

    def add(self, event: EventName | str, callback: EventCallback) -> None:
        """Call it at every event of that name."""
        try:
            name = EventName(event)
        except ValueError:
            raise BadInputError(
                f"There is no event {event!r}.", hint="Known: " + ", ".join(str(each) for each in EventName)
            ) from None
        if not callable(callback):
            raise WrongTypeError(
                f"A callback is a function, not {callback!r}.", hint="def callback(llm, model, payload)"
            )
        self._callbacks.setdefault(name, []).append(callback)

    def __bool__(self) -> bool:
        return bool(self._callbacks)

    def instead_of(self, event: EventName, llm: object, model: str, value: Any) -> Any | None:
        """What a callback wants in the place of the result; None when all of them let things go on."""
        for callback in self._callbacks.get(event, ()):
            given = callback(llm, model, value)
            if not isinstance(given, tuple) or len(given) != 2:
                raise BadInputError(
                    f"The callback {getattr(callback, '__name__', callback)!r} gave {given!r} and no pair.",
                    hint="It returns (True, None) to go on, or (False, results) to answer in the model's place.",
                )
            goes_on, replacement = given
            if not goes_on:
                return replacement
        return None


def as_reply(results: Any, *, model: str) -> Reply:
    """The answer that a callback gave as a list of `predict`, `metadata` and `input`."""
    if not (isinstance(results, Sequence) and results and isinstance(results[0], Mapping) and "predict" in results[0]):
        raise BadInputError(
            f"A callback gave {results!r} for an answer.", hint="[{'predict': 'text', 'metadata': {}, 'input': {}}]"
        )
    metadata = results[0].get("metadata") or {}
    usage = Usage(
        input_tokens=int(metadata.get("input_tokens_count", 0)),
        output_tokens=int(metadata.get("generated_tokens_count", 0)),
    )
    return Reply(text=str(results[0]["predict"]), usage=usage, model=model)
