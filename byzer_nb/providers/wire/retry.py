"""Another try, later: exponential back-off with jitter, and the provider's own wish where it has one."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from byzer_nb.errors import ModelCallError, RateLimitedError
from byzer_nb.providers.wire.failures import BROKEN, NEVER_THERE

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Backoff:
    """How often, and after what pause in seconds, a call is tried again."""

    retries: int = 10
    first: float = 0.5
    longest: float = 8.0
    longest_wish: float = 60.0  # a provider that asks for more than this is not waited for
    never_there_retries: int = 2  # a wrong host name does not become right by asking eleven times

    def pause(self, tries: int, error: ModelCallError) -> float | None:
        """Seconds to wait after so many failed tries, or None to give up."""
        allowed = min(self.retries, self.never_there_retries) if error.code in NEVER_THERE else self.retries
        if not error.retryable or tries > allowed:
            return None
        if isinstance(error, RateLimitedError) and error.retry_after is not None:
            return error.retry_after if error.retry_after <= self.longest_wish else None
        if tries == 1 and error.code == BROKEN:
            return 0.0  # most likely a pooled connection that the server had closed meanwhile
        return min(self.longest, self.first * 2.0 ** (tries - 1)) * random.uniform(0.5, 1.0)


async def retrying(attempt: Callable[[], Awaitable[T]], *, backoff: Backoff, deadline: float | None = None) -> T:
    """The first success of `attempt`; nothing is awaited past the deadline, a time of the running loop."""
    tries = 0
    while True:
        try:
            return await attempt()
        except ModelCallError as error:
            tries += 1
            pause = backoff.pause(tries, error)
            loop = asyncio.get_running_loop()
            if pause is None or (deadline is not None and loop.time() + pause >= deadline):
                if tries > 1:
                    _tell(error, tries)
                raise
        await asyncio.sleep(pause)


def _tell(error: ModelCallError, tries: int) -> None:
    """Put the number of tries into the message: where only that is shown, it was long silent for no visible reason."""
    end = "" if error.message.endswith((".", "!", "?")) else "."
    error.message = f"{error.message}{end} Tried {tries} times."
    error.args = (error.message,)
