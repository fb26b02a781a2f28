"""Another model's answer when the one that was asked fails before its first word."""

from __future__ import annotations

import warnings
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

from byzer_nb.errors import ModelCallError, UnknownModelError
from byzer_nb.types import Delta

OF_THE_REQUEST = frozenset({400, 413, 422})  # another model would most likely refuse it too


async def first_that_answers(
    names: Sequence[str], ask: Callable[[str], AsyncGenerator[Delta, None]]
) -> AsyncGenerator[Delta, None]:
    """The answer of the first model that gives one; its last delta says who that was."""
    for name, next_name in zip(names, [*names[1:], ""], strict=True):
        has_begun = False
        try:
            async with aclosing(ask(name)) as deltas:
                async for delta in deltas:
                    has_begun = True
                    yield delta if delta.finish_reason is None else replace(delta, model=name)
        except (ModelCallError, UnknownModelError) as failed:
            if has_begun or not next_name or getattr(failed, "status", None) in OF_THE_REQUEST:
                raise
            warnings.warn(f"{failed.message} The model {next_name!r} answers instead.", stacklevel=2)
        else:
            return
