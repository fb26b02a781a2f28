"""A model of this process under its policy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from byzer_nb._rate_limit import RateLimit
from byzer_nb.types import Delta, Usage
from byzer_nb.types.policy import Policy


class Governed:
    """What was decided about a model, and how much was asked of it within the last minute."""

    def __init__(self, policy: Policy, *, limit: RateLimit | None = None) -> None:
        self.policy = policy
        self.limit = limit or RateLimit(requests=policy.requests_per_minute, tokens=policy.tokens_per_minute)

    async def within(self, deltas: AsyncGenerator[Delta, None]) -> AsyncGenerator[Delta, None]:
        """The same answer, begun only when the limits allow it."""
        async with aclosing(deltas):
            await self.begin()
            async for delta in deltas:
                if delta.usage is not None:
                    self.spend(delta.usage)
                yield delta

    async def begin(self) -> None:
        """Wait until the limits allow one more request, and count it."""
        seconds = self.limit.take()
        while seconds > 0:
            await asyncio.sleep(seconds)
            seconds = self.limit.take()

    def spend(self, usage: Usage) -> None:
        """Count what a request took."""
        self.limit.spend(usage.input_tokens + usage.output_tokens)
