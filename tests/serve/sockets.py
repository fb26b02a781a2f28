"""Plain sockets, for what no client would send."""

from __future__ import annotations

import json
import socket
from types import TracebackType
from typing import Any

from tests.serve.gateways import RunningGateway

CHAT = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"


def chat_body(model: str = "echo", **given: Any) -> bytes:
    """The body of a small question."""
    return json.dumps({"model": model, "messages": [{"role": "user", "content": "hello"}], **given}).encode()


def chat(body: bytes, *, announced: int | None = None) -> bytes:
    """A whole request; `announced` is what its head says of the length."""
    length = len(body) if announced is None else announced
    return CHAT + b"content-length: %d\r\n\r\n" % length + body


class Plain:
    """A connection that says exactly what it is told to; a context manager."""

    def __init__(self, gateway: RunningGateway, *, seconds: float = 15) -> None:
        self._socket = socket.create_connection(("127.0.0.1", gateway.port), timeout=seconds)
        self._rest = b""

    def __enter__(self) -> Plain:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def read_slowly(self) -> None:
        """Have next to no room for what comes."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)

    def send(self, data: bytes) -> bool:
        """Say something; false when nobody listens any more."""
        try:
            self._socket.sendall(data)
        except OSError:
            return False
        return True

    def answer(self) -> tuple[int, dict[bytes, bytes], bytes]:
        """Status, headers and body of one answer; a status of 0 when the connection ended without one."""
        while b"\r\n\r\n" not in self._rest:
            if not self._more():
                return 0, {}, self._rest
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        length = int(headers.get(b"content-length", b"0"))
        while len(self._rest) < length and self._more():
            pass
        body, self._rest = self._rest[:length], self._rest[length:]
        return int(first.split()[1]), headers, body

    def until(self, words: bytes) -> bytes:
        """Everything up to some words, or to the end."""
        while words not in self._rest and self._more():
            pass
        before, found, self._rest = self._rest.partition(words)
        return before + found

    def has_ended(self) -> bool:
        """Whether the other side closes it, which is waited for."""
        while self._more():
            pass
        return True

    def _more(self) -> bool:
        try:
            data = self._socket.recv(65536)
        except ConnectionError:
            return False
        self._rest += data
        return bool(data)
