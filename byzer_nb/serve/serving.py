"""A gateway from its start to its end, in this process or in several."""

from __future__ import annotations

import os
import signal
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from socket import socket

import msgspec
import uvicorn

from byzer_nb._garbage import keep_what_is_loaded
from byzer_nb.client.client import AsyncClient
from byzer_nb.client.local import shared_models
from byzer_nb.client.reachable import reachable_models
from byzer_nb.errors import BadInputError, ByzerError
from byzer_nb.serve.accounts import Accounts
from byzer_nb.serve.back_door import BackDoor, Siblings
from byzer_nb.serve.gateway import Gateway, application
from byzer_nb.serve.held_models import read_models
from byzer_nb.serve.keys import Keyring
from byzer_nb.serve.logs import set_up_logging
from byzer_nb.serve.order import Order
from byzer_nb.serve.place import Failure, Place, already
from byzer_nb.serve.ports import bound
from byzer_nb.serve.responses.telling import WORD, tell, wish_from_line
from byzer_nb.serve.running import config
from byzer_nb.serve.supervisor import Supervisor

Ready = Callable[[list[str]], None]  # is told the models that answer


def serve(order: Order, *, when_ready: Ready | None = None, is_quiet: bool = False) -> None:
    """Serve until a signal ends it, in as many processes as the order says; running answers are finished first.

    A `quiet` one has no terminal: each process prints into a log of its own.
    """
    if Place.of(order.settings).is_taken():
        raise already(order.settings)
    sockets = bound(order.settings)
    port = sockets[0][0].getsockname()[1]
    order = replace(order, settings=replace(order.settings, port=port))
    place = Place.of(order.settings)
    try:
        with place.held(order, is_quiet=is_quiet):
            if order.settings.workers > 1:
                Supervisor(order, place, sockets, is_quiet=is_quiet, when_ready=when_ready).run()
            else:
                serve_here(order, place, sockets[0], worker=0, when_ready=when_ready, parent=order.ends_with_its_parent)
    finally:
        for each in sockets:
            for one in each:
                one.close()


def serve_here(
    order: Order,
    place: Place,
    sockets: Sequence[socket],
    *,
    worker: int,
    when_ready: Ready | None = None,
    parent: bool = False,
) -> None:
    """Be one process of a gateway."""
    set_up_logging(order.settings.log_level)
    join(order)
    gateway = Gateway(AsyncClient(), order.settings)
    with ExitStack() as stack:
        if order.settings.workers > 1:
            accounts = stack.enter_context(closing(Accounts(place.accounts, order.settings.keys)))
            gateway.keyring = Keyring(order.settings.keys, accounts.of)
        server = GatewayServer(gateway, place, worker=worker, models=order.models, when_ready=when_ready)
        _read_certificate(server)
        signal.signal(signal.SIGTERM, _end)  # uvicorn sends it once more when it has finished its answers
        if parent:
            threading.Thread(target=_watch_parent, args=(server,), name="byzer_nb-parent", daemon=True).start()
        server.run(list(sockets))
    if server.failure is not None:
        raise server.failure


def join(order: Order) -> None:
    """Be in the cluster whose models are served."""
    if order.ray_address:
        from byzer_nb.cluster.session import connect

        connect(order.ray_address)


class GatewayServer(uvicorn.Server):
    """A server that loads its models before it listens, and shows its owner what it does."""

    def __init__(
        self, gateway: Gateway, place: Place, *, worker: int, models: str, when_ready: Ready | None = None
    ) -> None:
        super().__init__(config(application(gateway), gateway.settings))
        self.failure: Exception | None = None
        self._gateway = gateway
        self._models = models
        self._when_ready = when_ready
        self._door = BackDoor(
            place.door(worker),
            {"ready": self._ready, "metrics": self._metrics, "requests": self._requests},
            {WORD: lambda words: tell(gateway.responses, wish_from_line(words))},
        )
        gateway.siblings = Siblings(place.folder, worker=worker)

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Load, listen, and say so."""
        try:
            if self._models:
                for spec in read_models(Path(self._models)):
                    await shared_models().deploy(spec)
            await super().startup(sockets=sockets)
            await self._door.open()
            keep_what_is_loaded()
            if self._when_ready is not None:
                self._when_ready(await self._gateway.models())
        except Exception as failed:  # told by whoever called, and not by the loop in its own words
            self.failure = failed
            self.should_exit = True

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Finish what runs, and close what was opened."""
        end = time.monotonic() + self._gateway.settings.drain_seconds
        await super().shutdown(sockets=sockets)
        await self._door.quiet(max(0.0, end - time.monotonic()))
        await self._door.close()
        await reachable_models().close()

    async def _ready(self) -> bytes:
        return msgspec.json.encode(await self._gateway.models())

    async def _metrics(self) -> bytes:
        return self._gateway.metrics.text()

    async def _requests(self) -> bytes:
        return msgspec.json.encode(self._gateway.requests.as_json())


def _read_certificate(server: uvicorn.Server) -> None:
    try:
        server.config.load()
    except ssl.SSLError as wrong:
        raise BadInputError(
            f"The files for TLS do not work: {wrong.reason or wrong}.",
            hint="Both are PEM files, the key without a password, and the key is that of the certificate.",
        ) from None


def _end(signum: int, frame: object) -> None:
    """Nothing: the process goes on to its ordinary end."""


def _watch_parent(server: uvicorn.Server) -> None:
    """Wait in a thread until standard input is closed, which is when whoever holds its other end has ended."""
    while os.read(0, 4096):
        pass
    server.should_exit = True


def give_up(failed: BaseException, place: Place, name: str) -> None:
    """Leave word why this process did not start, for the one that waits for it."""
    if isinstance(failed, ByzerError):
        place.tell_failure(name, Failure(message=failed.message, hint=failed.hint))
    else:
        place.tell_failure(name, Failure(message=f"{type(failed).__name__}: {failed}"))
