"""An answer that is arriving."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from multidict import CIMultiDict, CIMultiDictProxy

from byzer_nb._http.failures import BrokenError, LateError
from byzer_nb._http.line import Line
from byzer_nb._http.unpacking import unpacking

RawHeaders = list[tuple[bytes, bytes]]


class Answer:
    """The head of an answer, and its body as it comes. Closing it after the end keeps the connection for others."""

    __slots__ = ("_headers", "_line", "_raw_headers", "_release", "_unpacking", "content_type", "reason", "status")

    def __init__(self, line: Line, *, release: Callable[[Line], None]) -> None:
        kind, encoding = _told(line.headers)
        self._unpacking = unpacking(encoding)
        self._line: Line | None = line
        self._release = release
        self._raw_headers = line.headers
        self._headers: Mapping[str, str] | None = None
        self.status = line.status
        self.content_type = kind
        self.reason = line.reason.decode("utf-8", "replace")

    @property
    def headers(self) -> Mapping[str, str]:
        """The head by names in any case; most answers are read without it."""
        if self._headers is None:
            self._headers = CIMultiDictProxy(
                CIMultiDict(
                    (name.decode("latin-1"), value.decode("utf-8", "surrogateescape"))
                    for name, value in self._raw_headers
                )
            )
        return self._headers

    @property
    def is_over(self) -> bool:
        """Whether all of it was read."""
        line = self._line
        return line is None or (
            line.is_whole and not line.has_unread and (self._unpacking is None or not self._unpacking.has_more)
        )

    def wait_at_most(self, seconds: float) -> None:
        """From now on the server may not be silent for longer than that."""
        if self._line is not None:
            self._line.silence = seconds

    async def chunk(self) -> bytes:
        """The next bytes; none once it is over."""
        unpacking = self._unpacking
        while (line := self._line) is not None:
            data = line.take()
            if unpacking is not None and (data or unpacking.has_more):
                data = unpacking.feed(data)
            if data:
                if line.is_late:  # a server that never stops is never waited for
                    line.fail(LateError())
                    raise LateError
                return data
            if line.is_whole:
                return b""
            if line.failure is not None:
                raise line.failure
            await line.wait()
        raise BrokenError  # it was closed meanwhile

    async def read(self) -> bytes:
        """All that is still to come."""
        chunks = []
        while chunk := await self.chunk():
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def close(self) -> None:
        """Let the connection go: back among the others after a whole answer, shut otherwise."""
        line, self._line = self._line, None
        if line is not None:
            self._release(line)


def _told(headers: RawHeaders) -> tuple[str, str]:
    """The media type, without what is said about it, and how the body is packed."""
    kind, encoding = b"application/octet-stream", b""
    for name, value in headers:
        if len(name) == 12 and name.lower() == b"content-type":
            kind = value.partition(b";")[0]
        elif len(name) == 16 and name.lower() == b"content-encoding":
            encoding = value
    return kind.strip().lower().decode("latin-1"), encoding.strip().lower().decode("latin-1")
