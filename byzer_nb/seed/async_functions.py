"""Ordinary functions in an async form."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, ParamSpec, TypeVar, cast

from byzer_nb.errors import BadInputError, WrongTypeError

__all__ = ["asyncfy", "asyncfy_with_semaphore"]

P = ParamSpec("P")
R = TypeVar("R")


def asyncfy(func: Callable[P, Any]) -> Callable[P, Awaitable[Any]]:
    """The function as a coroutine function that runs where it is awaited; one that is async already stays as it is."""
    _check(func)
    if inspect.iscoroutinefunction(func):
        return func

    @functools.wraps(func)
    async def in_the_loop(*args: P.args, **kwargs: P.kwargs) -> Any:
        return func(*args, **kwargs)

    return in_the_loop


def asyncfy_with_semaphore(
    func: Callable[P, Any],
    semaphore: AbstractAsyncContextManager[Any] | None = None,
    timeout: float | None = None,
) -> Callable[P, Awaitable[Any]]:
    """The function as a coroutine function that runs in a thread of its own, so that the loop goes on meanwhile.

    Args:
        semaphore: bounds how many calls run at a time, for example `anyio.Semaphore(4)`.
        timeout: seconds after which a call raises `TimeoutError`; an async function is cancelled then, while a thread
            cannot be stopped and ends unheard. None and 0 mean no limit.
    """
    _check(func)
    if timeout is not None and timeout < 0:
        raise BadInputError(f"timeout cannot be negative, and {timeout!r} is.")
    is_async = inspect.iscoroutinefunction(func)
    limit = timeout or None

    @functools.wraps(func)
    async def beside_the_loop(*args: P.args, **kwargs: P.kwargs) -> Any:
        async with semaphore or nullcontext():
            work = func(*args, **kwargs) if is_async else asyncio.to_thread(func, *args, **kwargs)
            try:
                async with asyncio.timeout(limit) as clock:
                    return await cast("Awaitable[Any]", work)
            except TimeoutError as late:
                if not clock.expired():
                    raise  # the function's own
                name = getattr(func, "__name__", repr(func))
                raise TimeoutError(f"{name} did not finish within {limit:g} s.") from late

    return beside_the_loop


def _check(func: object) -> None:
    if not callable(func):
        raise WrongTypeError(f"Only a function can be made async, not {func!r}.")
