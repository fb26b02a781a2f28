"""A response that was given, in whichever process of the gateway it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from byzer_nb.cluster.wire import messages_from_bytes
from byzer_nb.serve.back_door import converse
from byzer_nb.serve.exchange import Exchange
from byzer_nb.serve.refusals import RefusalError
from byzer_nb.serve.responses.telling import (
    WORD,
    Part,
    Told,
    Wish,
    keeper_of,
    tell,
    told_from_bytes,
    wish_to_line,
)
from byzer_nb.types import Message

if TYPE_CHECKING:
    from byzer_nb.serve.gateway import Gateway

LOOK_SECONDS = 10.0  # for a process that is busy, and may have megabytes to tell


async def found(exchange: Exchange, gateway: Gateway, name: str, *, param: str, part: Part = "") -> Found:
    """The response of that name, as it stands now; or a refusal, if there is none of this caller's."""
    response = Found(exchange, gateway, name, param=param)
    await response.look(part)
    return response


class Found:
    """A response as it stood when it was looked for, and what can be done with it."""

    def __init__(self, exchange: Exchange, gateway: Gateway, name: str, *, param: str) -> None:
        self.id = name
        self._caller = exchange.caller
        self._here = gateway.responses
        keeper = keeper_of(name)
        self._door = None if keeper is None else gateway.siblings.door(keeper)
        self._param = param
        self._told: Told

    @property
    def body(self) -> bytes:
        """The response as JSON."""
        return self._told.body

    @property
    def items(self) -> bytes:
        """What it answers, as JSON, if it was looked for with them."""
        return self._told.part

    @property
    def conversation(self) -> tuple[Message, ...]:
        """The turns up to its end, if it was looked for with that."""
        return messages_from_bytes(self._told.part)

    @property
    def is_running(self) -> bool:
        """Whether it is still being made."""
        return self._told.is_running

    @property
    def is_background(self) -> bool:
        """Whether it is made without its caller."""
        return self._told.is_background

    @property
    def has_events(self) -> bool:
        """Whether it can be followed."""
        return self._told.has_events

    async def look(self, part: Part) -> None:
        """See how it stands."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._ask(Wish(id=self.id, caller=self._caller, part=part))
        except TimeoutError:
            refusal = RefusalError(
                f"The process that keeps {self.id!r} is too busy to tell of it.",
                status=503,
                code="busy",
                hint="Ask again.",
            )
            refusal.retry_after = 1.0
            raise refusal from None

    async def cancel(self) -> None:
        """Stop it."""
        await self._ask(Wish(id=self.id, caller=self._caller, do="cancel"))

    async def forget(self) -> None:
        """Let it go; if it is still being made, that ends."""
        await self._ask(Wish(id=self.id, caller=self._caller, do="forget"))

    async def events(self, start: int) -> AsyncGenerator[bytes, None]:
        """Every event from a number on, to the last one."""
        wish = Wish(id=self.id, caller=self._caller, do="follow", start=start)
        try:
            async with aclosing(self._said(wish)) as pieces:
                await anext(pieces, b"")  # how it stands
                async for event in pieces:
                    yield event
        except (ConnectionError, EOFError):
            raise RefusalError(
                f"The process that made {self.id!r} has ended, and what it kept is lost.",
                status=503,
                code="response_lost",
                hint="Ask anew.",
            ) from None

    async def _ask(self, wish: Wish) -> None:
        try:
            async with aclosing(self._said(wish)) as pieces:
                said = await anext(pieces, None)
        except (FileNotFoundError, ConnectionError, EOFError):  # that process has ended, with all that it kept
            said = None
        if said is None:
            raise self._unknown()
        self._told = told_from_bytes(said)

    def _said(self, wish: Wish) -> AsyncGenerator[bytes, None]:
        return tell(self._here, wish) if self._door is None else converse(self._door, WORD, wish_to_line(wish))

    def _unknown(self) -> RefusalError:
        code = "previous_response_not_found" if self._param == "previous_response_id" else "response_not_found"
        return RefusalError(
            f"There is no response {self.id!r}.",
            status=404,
            code=code,
            hint="Responses are kept in memory, for a while, by the process that gave them; not where store was false.",
            param=self._param,
        )
