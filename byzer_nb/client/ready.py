"""Whether a thing can answer, looked at before anybody is sent to it."""

from __future__ import annotations

import inspect
from reprlib import repr as short

from byzer_nb.errors import BadInputError, WrongTypeError
from byzer_nb.types import ModelCard

SHAPE = "An engine has describe(), an async generator chat(request), and async close(); see byzer_nb.types.Engine."


def check_name(name: object) -> None:
    """Raise unless a model can have this name."""
    if not isinstance(name, str):
        raise WrongTypeError(f"The name of a model is a string, not {short(name)}.", hint="Write: load('chat', engine)")
    if not name:
        raise BadInputError("A model needs a name.", hint="Write: load('chat', engine)")


def check_engine(engine: object) -> None:
    """Raise unless this is an engine."""
    if isinstance(engine, type):
        raise WrongTypeError(
            f"{engine.__name__} is a class of engines and not an engine.", hint=f"Write: {engine.__name__}(...)"
        )
    lacking = [name for name in ("describe", "chat", "close") if not callable(getattr(engine, name, None))]
    if lacking:
        raise WrongTypeError(
            f"{short(engine)} is no engine: it has no {' and no '.join(lacking)}.",
            hint="Write: load(name, 'saas/openai', api_key=...), or give a ready engine. " + SHAPE,
        )
    card = engine.describe()  # type: ignore[attr-defined]
    if not isinstance(card, ModelCard):
        raise WrongTypeError(
            f"{type(engine).__name__}.describe() gives {short(card)} and no ModelCard.",
            hint="It is an ordinary method: def describe(self) -> ModelCard.",
        )
    if inspect.iscoroutinefunction(engine.chat):  # type: ignore[attr-defined]
        raise WrongTypeError(f"{type(engine).__name__}.chat yields nothing.", hint=YIELD)


def not_streaming(given: object, *, model: str) -> WrongTypeError:
    """The error for an engine whose chat gives something else than an async generator."""
    if inspect.iscoroutine(given):
        given.close()
    return WrongTypeError(f"The engine behind {model!r} gave {short(given)} and no async generator.", hint=YIELD)


YIELD = "Write it as an async generator: async def chat(self, request): yield Delta(text=...)"
