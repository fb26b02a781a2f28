"""Functions that run in a thread of their own while the caller waits, so that he can stop waiting."""

from __future__ import annotations

import contextvars
import functools
import inspect
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Any, ParamSpec, TypeVar

from byzer_nb.errors import BadInputError, ByzerError, WrongTypeError

__all__ = ["CancellationRequested", "run_in_raw_thread", "run_in_thread", "run_in_thread_with_cancel"]

P = ParamSpec("P")
R = TypeVar("R")

EVENT = "cancel_event"


class CancellationRequested(ByzerError):  # noqa: N818  # the documents' name
    """What a function raises that was asked to stop, and does."""

    def __init__(self, message: str = "The task was asked to stop.", *, hint: str = "") -> None:
        super().__init__(message, hint=hint)


def run_in_thread(timeout: float | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A decorator: each call runs in a new thread, and gives its result or raises its error here.

    The caller can be interrupted while he waits. The thread cannot: it ends unheard, as it does after the timeout.

    Args:
        timeout: seconds after which a call raises `TimeoutError`; None and 0 mean no limit.
    """
    limit = _limit(timeout, run_in_thread)

    def decorate(func: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(func)
        def in_thread(*args: P.args, **kwargs: P.kwargs) -> R:
            return _waited(lambda: func(*args, **kwargs), name=_name(func), limit=limit)

        return in_thread

    return decorate


def run_in_raw_thread() -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A decorator: each call runs in a new thread, however long it takes."""
    return run_in_thread()


def run_in_thread_with_cancel(timeout: float | None = None) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """A decorator for functions whose first parameter is `cancel_event`, a `threading.Event` that asks them to stop.

    Each call runs in a new thread. The event is set when the time is over and when the caller is interrupted; a caller
    who gives his own, by name, can set it at any time. A function that stops for it raises `CancellationRequested`,
    and the call then raises `concurrent.futures.CancelledError`.

    Args:
        timeout: seconds after which a call raises `TimeoutError`; None and 0 mean no limit.
    """
    limit = _limit(timeout, run_in_thread_with_cancel)

    def decorate(func: Callable[..., R]) -> Callable[..., R]:
        _check_takes_event(func)

        @functools.wraps(func)
        def in_thread(*args: Any, cancel_event: threading.Event | None = None, **kwargs: Any) -> R:
            stop = threading.Event() if cancel_event is None else cancel_event
            try:
                return _waited(lambda: func(stop, *args, **kwargs), name=_name(func), limit=limit)
            except CancellationRequested as asked:
                raise CancelledError(f"{_name(func)} was cancelled.") from asked
            except (TimeoutError, KeyboardInterrupt):
                stop.set()
                raise

        return in_thread

    return decorate


def _waited(work: Callable[[], R], *, name: str, limit: float | None) -> R:
    result: Future[R] = Future()
    around = contextvars.copy_context()

    def body() -> None:
        try:
            value = around.run(work)
        except BaseException as error:  # raised again where the caller waits
            result.set_exception(error)
        else:
            result.set_result(value)

    threading.Thread(target=body, name=f"{name}-thread", daemon=True).start()
    try:
        return result.result(limit)
    except TimeoutError:
        if result.done():
            raise  # the function's own
        raise TimeoutError(f"{name} did not finish within {limit:g} s.") from None


def _limit(timeout: object, decorator: Callable[..., object]) -> float | None:
    name = decorator.__name__
    if callable(timeout):
        raise WrongTypeError(f"@{name} stands without its parentheses.", hint=f"Write: @{name}()")
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, int | float)):
        raise WrongTypeError(f"timeout is a number of seconds, not {timeout!r}.")
    if timeout is not None and timeout < 0:
        raise BadInputError(f"timeout cannot be negative, and {timeout!r} is.")
    return timeout or None


def _check_takes_event(func: Callable[..., object]) -> None:
    names = list(inspect.signature(func).parameters)
    if names[:1] != [EVENT]:
        raise BadInputError(
            f"{_name(func)} does not take {EVENT} first; it takes: {', '.join(names) or 'nothing'}.",
            hint=f"Write: def {_name(func)}({EVENT}, ...)",
        )


def _name(func: Callable[..., object]) -> str:
    return getattr(func, "__name__", repr(func))
