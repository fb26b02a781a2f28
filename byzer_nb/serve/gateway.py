"""The gateway: an ASGI app over everything that its client can call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.middleware.cors import CORSMiddleware

from byzer_nb._registry import nearest
from byzer_nb.client.client import AsyncClient
from byzer_nb.client.local import BUNDLED
from byzer_nb.errors import ByzerError, UnknownModelError
from byzer_nb.serve.back_door import Siblings
from byzer_nb.serve.exchange import Exchange, GoneError, Receive, Scope, Send
from byzer_nb.serve.keys import Guest, Keyring
from byzer_nb.serve.metrics import Metrics
from byzer_nb.serve.refusals import OPENAI, Dialect, Refusal, RefusalError
from byzer_nb.serve.requests_log import Entry, RequestsLog
from byzer_nb.serve.responses.kept import KeptResponses
from byzer_nb.serve.settings import ServeSettings
from byzer_nb.serve.strangers import refuse_strangers
from byzer_nb.types import ModelCard, Usage

Handle = Callable[[Exchange, "Gateway"], Awaitable[None]]

log = logging.getLogger("byzer_nb.serve")


class Gateway:
    """What all routes share: the client, the keys, and the log of requests."""

    def __init__(self, client: AsyncClient, settings: ServeSettings) -> None:
        self.client = client
        self.settings = settings
        self.keyring = Keyring(settings.keys)
        self.metrics = Metrics()
        self.requests = RequestsLog(self.metrics)
        self.responses = KeptResponses(settings.kept_bytes // settings.workers, settings.kept_seconds)
        self.siblings = Siblings()  # processes that serve the same

    def model(self, named: str) -> str:
        """The model that answers to a name."""
        return self.settings.served_model_name or named

    async def models(self) -> list[str]:
        """The names that may be asked for."""
        served = self.settings.served_model_name
        # The bundled model answers always, and is named where a client would otherwise see nothing to choose.
        return [served] if served else await self.client.models() or [BUNDLED]

    async def card(self, named: str) -> tuple[str, ModelCard]:
        """The model that answers to a name, and its card."""
        model = self.model(named)
        try:
            if not model:  # by which a client of ours means the default one
                raise UnknownModelError("The name is empty.")
            return model, await self.client.describe(model=model)
        except UnknownModelError:
            hint = nearest(named, await self.models()) + "GET /v1/models lists those that answer."
            raise UnknownModelError(f"The model `{named}` does not exist.", hint=hint) from None

    def admit(self, guest: Guest | None, *, may_cost: bool = True) -> None:
        """Refuse somebody whose limits or budget are used up; otherwise count his request."""
        if guest is None:
            return
        if guest.is_broke and may_cost:
            raise RefusalError(
                f"The budget of the key {guest.name!r} is used up.",
                status=429,
                code="budget_exceeded",
                hint="Whoever runs this gateway can raise it.",
            )
        if seconds := guest.account.take():
            refusal = RefusalError(
                f"The key {guest.name!r} has used up its requests or tokens of this minute.",
                status=429,
                code="rate_limit_exceeded",
            )
            refusal.retry_after = seconds
            raise refusal

    async def charge(self, guest: Guest | None, entry: Entry) -> None:
        """Count what an answer took; whoever hung up before its end pays for the pieces that he got."""
        usage = entry.usage
        if entry.gone and not usage.output_tokens:
            usage = Usage(input_tokens=usage.input_tokens, output_tokens=entry.pieces)
        if guest is None or not (usage.input_tokens or usage.output_tokens):
            return
        guest.account.spend(usage.input_tokens + usage.output_tokens)
        if guest.entry.budget:
            try:
                price = (await self.client.describe(model=entry.model)).price
            except ByzerError:  # the model went away meanwhile, and its price with it
                return
            if price is not None:
                guest.account.pay((usage.input_tokens * price.read + usage.output_tokens * price.written) / 1e6)


class Endpoint:
    """A route of the gateway. What goes wrong in its handler is told in the words of its protocol."""

    def __init__(
        self, handle: Handle, gateway: Gateway, *, path: str, dialect: Dialect = OPENAI, is_open: bool = False
    ) -> None:
        self._handle = handle
        self._gateway = gateway
        self._path = path
        self._dialect = dialect
        self._is_open = is_open  # to everybody, also where there are keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gateway, settings = self._gateway, self._gateway.settings
        entry = gateway.requests.open(self._path)
        exchange = Exchange(
            scope,
            receive,
            send,
            entry=entry,
            largest_body=settings.largest_body,
            stall_seconds=settings.stall_seconds,
            dialect=self._dialect,
        )
        guest = None
        try:
            if not gateway.keyring:
                refuse_strangers(exchange, settings)
            elif not self._is_open:
                key = _key_of(exchange)
                guest = gateway.keyring.guest(key) if key else None
                if guest is None:
                    entry.status = 401
                    await _turned_away(exchange)
                    return
                exchange.guest = guest
                entry.who = guest.name
                # Whoever has spent all may still read what he has paid for.
                gateway.admit(guest, may_cost=scope["method"] == "POST")
            async with asyncio.timeout(settings.timeout):
                await self._handle(exchange, gateway)
        except GoneError:
            entry.gone = True
        except Exception as failed:
            await _told(exchange, failed)
        finally:
            gateway.requests.close(entry)
            await gateway.charge(guest, entry)


async def _turned_away(exchange: Exchange) -> None:
    refusal = Refusal(
        status=401,
        code="unauthorized",
        message="This gateway wants a key that it knows.",
        request_id=exchange.entry.id,
    )
    body = exchange.dialect.unauthorized(refusal)
    await exchange.answer(body, status=401, headers=[(b"www-authenticate", b"Bearer")])


async def _told(exchange: Exchange, failed: Exception) -> None:
    if exchange.has_begun:
        await exchange.break_off(failed)
        return
    if not isinstance(failed, ByzerError | TimeoutError):
        log.exception("request %s failed", exchange.entry.id)
    await exchange.refuse(failed)


def _key_of(exchange: Exchange) -> str:
    """The key that was sent, in OpenAI's header or in Anthropic's."""
    scheme, _, key = exchange.header(b"authorization").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else exchange.header(b"x-api-key")


def application(gateway: Gateway) -> Any:  # Any: an ASGI app
    """Everything that answers, behind what browsers want to be told first."""
    from byzer_nb.serve.router import Router  # which knows all routes, and they know this module

    router: Any = Router(gateway)  # Any: Starlette's own words for an ASGI app are others than ours
    cors = gateway.settings.cors
    if cors is None:
        return router
    return CORSMiddleware(
        router,
        allow_origins=list(cors.origins),
        allow_methods=list(cors.methods),
        allow_headers=list(cors.headers),
        allow_credentials=cors.credentials,
        expose_headers=["x-request-id", "retry-after"],
        allow_private_network=True,  # whoever allows an origin means a page that calls this machine, which browsers ask
    )
