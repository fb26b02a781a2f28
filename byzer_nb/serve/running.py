"""A gateway in this process: uvicorn with a protocol that waits for nobody for ever."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from byzer_nb.client.client import AsyncClient
from byzer_nb.serve.exchange import ABORT
from byzer_nb.serve.gateway import Gateway, application
from byzer_nb.serve.settings import ServeSettings

LARGEST_HEAD = 64 * 1024  # bytes of a head that is not whole yet


class Corked:
    """A connection on which what is written in one go travels in one packet, such as a head and its body."""

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:  # Any: asyncio's own, or uvloop's
        self._transport = transport
        self._loop = loop
        self._waiting: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Send it when whoever writes has nothing more to say for now."""
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(data)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting and not self._transport.is_closing():
            self._transport.write(waiting[0] if len(waiting) == 1 else b"".join(waiting))

    def get_write_buffer_size(self) -> int:
        """How many bytes the reader has not taken yet."""
        return int(self._transport.get_write_buffer_size()) + sum(map(len, self._waiting))

    def close(self) -> None:
        """Hang up when all is said."""
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """Hang up."""
        self._waiting.clear()
        self._transport.abort()

    def __getattr__(self, name: str) -> Any:  # Any: all else is the transport's own
        return getattr(self._transport, name)


class PatientProtocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, that waits for no head and no reader for ever; an app can end a connection too."""

    head_seconds = 20.0
    stall_seconds = 60.0
    _waiting: asyncio.TimerHandle | None = None
    _looking: asyncio.TimerHandle | None = None
    _head_size = 0

    def connection_made(self, transport: Any) -> None:  # Any: asyncio's own
        super().connection_made(transport)
        corked: Any = Corked(transport, self.loop)
        self.transport = corked
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_here()
        if self._looking is not None:
            self._looking.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._waiting is None and (self.cycle is None or self.cycle.response_complete):
            self._wait_for_head()
        super().data_received(data)
        if self._waiting is not None and (self.cycle is None or not self.cycle.more_body):  # else the rest of a body
            self._head_size += len(data)
            if self._head_size > LARGEST_HEAD:
                self.send_400_response("The head of this request is too large.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        scope: Any = self.scope
        scope[ABORT] = self.transport.abort

    def on_headers_complete(self) -> None:
        self._head_is_here()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._looking is None:
            self._look_again(self.transport.get_write_buffer_size())

    def _look_again(self, unread: int) -> None:
        """Close the connection when nothing of an answer was taken for a while, which a polite close waits for."""
        self._looking = self.loop.call_later(self.stall_seconds, self._look, unread) if unread else None

    def _look(self, before: int) -> None:
        unread = self.transport.get_write_buffer_size()
        if unread and unread >= before:
            self.transport.abort()
        else:
            self._look_again(unread)

    def _wait_for_head(self) -> None:
        self._head_size = 0
        self._waiting = self.loop.call_later(self.head_seconds, self.transport.abort)

    def _head_is_here(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


def server(client: AsyncClient, settings: ServeSettings) -> uvicorn.Server:
    """A gateway that is ready to run."""
    gateway = Gateway(client, settings)
    return uvicorn.Server(config(application(gateway), settings))


def config(app: Any, settings: ServeSettings) -> uvicorn.Config:  # Any: an ASGI app, or the name of one
    """How uvicorn runs it."""

    class Protocol(PatientProtocol):
        head_seconds = settings.head_seconds
        stall_seconds = settings.stall_seconds

    return uvicorn.Config(
        app,
        host=settings.host or "0.0.0.0",
        port=settings.port,
        http=Protocol,
        ws="none",
        lifespan="off",
        log_config=None,  # whoever runs it says where its lines go
        log_level=settings.log_level,
        access_log=False,  # ours knows the model and whose key it was
        server_header=False,
        date_header=False,
        timeout_keep_alive=int(settings.keep_alive_seconds),
        timeout_graceful_shutdown=int(settings.drain_seconds),
        ssl_keyfile=settings.ssl_keyfile or None,
        ssl_certfile=settings.ssl_certfile or None,
        h11_max_incomplete_event_size=None,
        proxy_headers=False,
    )
