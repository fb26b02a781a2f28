"""What a server hears on a connection: whole requests of those who may ask, and what is to be refused."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import httptools

from byzer_nb._http.asked import Asked, Outlet

LARGEST_HEAD = 64 * 1024

Handler: TypeAlias = Callable[[Asked], Coroutine[Any, Any, None]]  # Any: what coroutines have for send and throw


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What a server asks of its clients."""

    routes: Mapping[bytes, Handler]
    welcome: bytes = field(repr=False)  # what stands in the header for the token
    largest_request: int
    stall_seconds: float  # that a reader may stand still; 0 is for ever
    idle_seconds: float


class Hearer(Outlet, Protocol):
    """Who is told."""

    def take(self, handle: Handler, asked: Asked) -> None:
        """A request is here."""

    def bid(self) -> None:
        """A client waits for a word before it sends the body."""


class RefusedError(Exception):
    """Why a client is not heard any further."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class Hearing:
    """Reads the bytes of one connection. Whoever has no token is refused before any body is taken."""

    def __init__(self, terms: Terms, hearer: Hearer) -> None:
        self._terms = terms
        self._hearer = hearer
        self._parser = httptools.HttpRequestParser(self)
        self._is_in_head = False

    def feed(self, data: bytes) -> None:
        """Read on; after a `RefusedError` nothing more can be read."""
        was_in_head = self._is_in_head
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as stopped:
            if isinstance(stopped.__context__, RefusedError):
                raise stopped.__context__ from None
            raise
        except httptools.HttpParserError:
            raise RefusedError(400, "This is no HTTP request.") from None
        if was_in_head and self._is_in_head:
            self._head_size += len(data)
            _check_head(self._head_size)

    # -- the parser's side ----------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A request begins."""
        self._is_in_head = True
        self._head_size = 0
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._pieces: list[bytes] = []
        self._body_size = 0

    def on_url(self, url: bytes) -> None:
        """Some of the address."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; those behind a body say nothing here."""
        if self._is_in_head:
            self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """The head is here."""
        headers, terms = self._headers, self._terms
        self._is_in_head = False
        _check_head(len(self._url) + sum(map(len, headers)) + sum(map(len, headers.values())))
        if not hmac.compare_digest(headers.get(b"authorization", b""), terms.welcome):
            raise RefusedError(401, "The token is missing or wrong.")
        if self._parser.get_http_version() != "1.1" or self._parser.should_upgrade():
            raise RefusedError(505, "Only HTTP/1.1 is spoken here.")
        handle = terms.routes.get(self._url)
        if handle is None:
            raise RefusedError(404, "There is nothing at this address.")
        if self._parser.get_method() != b"POST":
            raise RefusedError(405, "Only POST is answered here.")
        self._check_body(int(headers.get(b"content-length", 0)))
        self._handle = handle
        if headers.get(b"expect", b"").lower() == b"100-continue":
            self._hearer.bid()

    def on_body(self, piece: bytes) -> None:
        """Some of the body."""
        self._pieces.append(piece)
        self._body_size += len(piece)
        self._check_body(self._body_size)

    def on_message_complete(self) -> None:
        """The request is here."""
        body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        is_last = not self._parser.should_keep_alive()
        asked = Asked(self._url.decode(), self._headers, body, is_last=is_last, outlet=self._hearer)
        self._hearer.take(self._handle, asked)

    def _check_body(self, size: int) -> None:
        if size > self._terms.largest_request:
            raise RefusedError(413, f"A request may have {self._terms.largest_request} bytes.")


def _check_head(size: int) -> None:
    if size > LARGEST_HEAD:
        raise RefusedError(431, f"A head may have {LARGEST_HEAD} bytes.")
