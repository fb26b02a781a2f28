"""How a model should answer."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from numbers import Real
from typing import Any

from byzer_nb.errors import BadInputError, WrongTypeError

# The options that are numbers, each with a value that often serves.
NUMBERS = {
    "max_tokens": 512,
    "temperature": 0.7,
    "top_p": 0.9,
    "top_k": 40,
    "seed": 42,
    "presence_penalty": 0.5,
    "frequency_penalty": 0.5,
    "repetition_penalty": 1.1,
    "timeout": 60.0,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatOptions:
    """Everything one may ask of an answer. What is left at None is decided by the engine.

    `continue_last` makes the model go on with a last message of the assistant instead of answering it.
    `extra` goes to the provider's request body, or the engine's sampler, as it is.
    """

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    stop_token_ids: tuple[int, ...] = ()
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repetition_penalty: float | None = None
    continue_last: bool = False
    timeout: float | None = None
    extra: dict[str, Any] = field(default_factory=dict)  # Any: values of a provider's own body

    def __post_init__(self) -> None:
        for name in NUMBERS:
            value = getattr(self, name)
            if value is not None and not isinstance(value, Real):
                raise WrongTypeError(f"{name} is a number, not {value!r}.", hint=_example(name))
        if self.max_tokens is not None and not self.max_tokens >= 1:
            raise _refused("max_tokens", f"max_tokens must be at least 1, not {self.max_tokens!r}.")
        if self.temperature is not None and not self.temperature >= 0:
            raise _refused("temperature", f"temperature cannot be negative, and {self.temperature!r} is.")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise _refused("top_p", f"top_p lies above 0 and at most at 1; {self.top_p!r} does not.")
        if self.timeout is not None and not self.timeout > 0:
            raise _refused("timeout", f"timeout must be above 0 seconds, not {self.timeout!r}.")
        for name in ("stop", "stop_token_ids"):
            value = getattr(self, name)
            if isinstance(value, str) or not isinstance(value, tuple | list):
                raise WrongTypeError(f"{name} is a tuple, not {value!r}.", hint=f"Write: {name}=({value!r},)")
            if not isinstance(value, tuple):
                object.__setattr__(self, name, tuple(value))
        if "" in self.stop:
            raise BadInputError("A stop string cannot be empty.", hint="Leave it out, or write: stop=('END',)")

    def given(self) -> dict[str, Any]:
        """Only what somebody set, by name; a zero was set."""
        return {name: value for name, silent in _SILENT if (value := getattr(self, name)) != silent}

    def over(self, defaults: ChatOptions) -> ChatOptions:
        """These options, and where they are silent those defaults."""
        if defaults is SILENT:
            return self
        given = self.given() if self is not SILENT else {}
        if not given:
            return defaults
        return replace(defaults, **{**given, "extra": {**defaults.extra, **self.extra}})


def _refused(name: str, message: str) -> BadInputError:
    return BadInputError(message, hint=_example(name))


def _example(name: str) -> str:
    return f"For example: {name}={NUMBERS[name]!r}"


OPTION_NAMES = tuple(option.name for option in fields(ChatOptions))
SILENT = ChatOptions()
"""The options of somebody who wants nothing in particular; shared, because most calls want that."""

_SILENT = tuple((name, getattr(SILENT, name)) for name in OPTION_NAMES)
