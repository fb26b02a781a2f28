"""A model of this process under its policy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from byzer_nb._rate_limit import RateLimit
from byzer_nb.types import Delta
from byzer_nb.types.policy import Policy


class Governed:
    """What was decided about a model, and how much was asked of it within the last minute."""

    def __init__(self, policy: Policy, *, limit: RateLimit | None = None) -> None:
        self.policy = policy
        self.limit = limit or RateLimit(requests=policy.requests_per_minute, tokens=policy.tokens_per_minute)

    async def within(self, deltas: AsyncGenerator[Delta, None]) -> AsyncGenerator[Delta, None]:
        """The same answer, begun only when the limits allow it."""
        async with aclosing(deltas):
            await self._room()
            self.limit.begin()
            async for delta in deltas:
                if delta.usage is not None:
                    self.limit.spend(delta.usage.input_tokens + delta.usage.output_tokens)
                yield delta

    async def _room(self) -> None:
        seconds = self.limit.wait()
        while seconds > 0:
            await asyncio.sleep(seconds)
            seconds = self.limit.wait()
