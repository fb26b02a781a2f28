"""One HTTP request and its answer: a body of a bounded size, a client that may go away, and one that may not read."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, MutableMapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec

from byzer_nb.serve.keys import Guest
from byzer_nb.serve.refusals import OPENAI, Dialect, Refusal, RefusalError, refusal_of
from byzer_nb.serve.requests_log import Entry
from byzer_nb.serve.sender import Sender

Scope = MutableMapping[str, Any]  # Any: ASGI's own
Receive = Callable[[], Coroutine[Any, Any, MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Coroutine[Any, Any, None]]

T = TypeVar("T")

JSON = b"application/json"
EVENTS = b"text/event-stream; charset=utf-8"
_FIELD = re.compile(r"(?:unknown|required) field `([^`]+)`")
ABORT = "byzer_nb.abort"  # in the scope: closes a connection whose client does not read


class GoneError(Exception):
    """The client hung up; there is nobody to tell."""


class Exchange:
    """A request that is being answered."""

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        entry: Entry,
        largest_body: int,
        stall_seconds: float,
        dialect: Dialect = OPENAI,
    ) -> None:
        self.scope = scope
        self.entry = entry
        self.dialect = dialect
        self.guest: Guest | None = None  # whose key it came with; the notebook's owner is none
        self.has_begun = False  # the answer: its status is out
        self._can_tell = False  # in the middle of it, what went wrong
        self._receive = receive
        self._send = send
        self._largest_body = largest_body
        self._stall_seconds = stall_seconds

    # -- what was asked -------------------------------------------------------------------------------------------

    def header(self, name: bytes) -> str:
        """A header, or nothing."""
        return next((value.decode("latin-1") for key, value in self.scope["headers"] if key == name), "")

    def part_of_path(self, name: str) -> str:
        """What stands in the address at a place with a name."""
        return str(self.scope["path_params"][name])

    async def body(self) -> bytes:
        """The whole body; refused when it is larger than allowed, or does not come."""
        pieces = [piece async for piece in self.pieces()]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The body as it comes, under the same conditions."""
        announced = self.header(b"content-length")
        if announced.isdigit() and int(announced) > self._largest_body:
            raise self._too_large()
        size = 0
        while True:
            try:
                async with asyncio.timeout(self._stall_seconds):
                    message = await self._receive()
            except TimeoutError:
                raise RefusalError(
                    f"The body stopped coming; {size} bytes of it are here.", status=408, code="body_incomplete"
                ) from None
            if message["type"] == "http.disconnect":
                raise GoneError
            piece = message.get("body", b"")
            size += len(piece)
            if size > self._largest_body:
                raise self._too_large()
            yield piece
            if not message.get("more_body"):
                return

    async def read(self, decoder: msgspec.json.Decoder[T]) -> T:
        """The body as what it should be."""
        body = await self.body()
        try:
            return decoder.decode(body)
        except msgspec.ValidationError as wrong:
            raise misfit(wrong) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
            raise RefusalError(f"The body is no JSON: {wrong}.", status=400, code="invalid_json") from None

    def _too_large(self) -> RefusalError:
        return RefusalError(
            f"The body is larger than the {self._largest_body} bytes that this gateway takes.",
            status=413,
            code="body_too_large",
            hint="Send pictures and sound smaller, or start the gateway with a larger --max_body.",
        )

    def query(self) -> dict[str, str]:
        """What stands behind the question mark of the address; of what stands there twice, the last."""
        return dict(parse_qsl(self.scope["query_string"].decode("latin-1"), keep_blank_values=True))

    @property
    def caller(self) -> str:
        """Whoever asks, in a way that nobody else is: what one keeps here no other key may read."""
        return self.entry.who if self.guest is None else self.guest.entry.hash

    @asynccontextmanager
    async def attended(self) -> AsyncIterator[None]:
        """Work that is cancelled when the client hangs up, which raises `GoneError`. The body must have been read."""
        worker = asyncio.current_task()
        assert worker is not None
        gone = False

        async def watch() -> None:
            nonlocal gone
            while (await self._receive())["type"] != "http.disconnect":
                pass
            gone = True
            worker.cancel()

        watching = asyncio.create_task(watch())
        try:
            yield
        except asyncio.CancelledError:
            if not gone:
                raise
            worker.uncancel()
            raise GoneError from None
        finally:
            watching.cancel()

    # -- what is answered -----------------------------------------------------------------------------------------

    async def answer(
        self,
        body: bytes,
        *,
        status: int = 200,
        media_type: bytes = JSON,
        headers: list[tuple[bytes, bytes]] | None = None,
    ) -> None:
        """The whole answer at once."""
        await self._begin(status, media_type, [(b"content-length", str(len(body)).encode()), *(headers or [])])
        await self._send({"type": "http.response.body", "body": body})

    async def answer_json(self, value: object, *, status: int = 200) -> None:
        """The whole answer as JSON."""
        await self.answer(msgspec.json.encode(value), status=status)

    async def stream(
        self, lines: AsyncGenerator[bytes, None], *, media_type: bytes = EVENTS, tells_failure: bool = True
    ) -> None:
        """An answer line by line. It begins with the first one, so that what fails before has a status of its own.

        A failure later on is told in the stream; where words have no place, as in sound, the connection breaks off.
        Lines that come together travel together.
        """
        async with aclosing(lines):
            try:
                first = await anext(lines)
            except StopAsyncIteration:
                first = b""
            await self._begin(200, media_type, [(b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")])
            self._can_tell = tells_failure
            await self._write(first)
            await asyncio.sleep(0)  # the first words go out before others that are here already are written down
            async with Sender(self._write, stall_seconds=self._stall_seconds) as sender:
                try:
                    async for line in lines:
                        if not sender.put(line):
                            await sender.sent()
                except GoneError:
                    raise
                except Exception:
                    await self._all_sent(sender)
                    raise
                await self._all_sent(sender)
        self._can_tell = False
        await self._send({"type": "http.response.body", "body": b""})

    async def _all_sent(self, sender: Sender) -> None:
        try:
            await sender.sent()
        except Exception as stalled:  # nobody reads: closing it politely would wait for ever
            self.abort()
            raise GoneError from stalled

    async def break_off(self, error: BaseException) -> None:
        """End an answer that has begun: tell why if it is a stream of events, else close the connection."""
        self.entry.failed(error)
        if not self._can_tell:
            self.abort()
            return
        self._can_tell = False
        try:
            async with asyncio.timeout(self._stall_seconds):
                await self._write(self.dialect.event(self.refusal(error)))
                await self._send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            self.abort()

    async def refuse(self, error: BaseException) -> None:
        """Tell what went wrong."""
        refusal = self.refusal(error)
        self.entry.failed(error)
        await self.answer(self.dialect.body(refusal), status=refusal.status, headers=refusal.headers)

    def refusal(self, error: BaseException) -> Refusal:
        """What the client is told about an error."""
        return replace(refusal_of(error), request_id=self.entry.id)

    def abort(self) -> None:
        """Close the connection without a word."""
        abort = self.scope.get(ABORT)
        if abort is not None:
            abort()

    async def _begin(self, status: int, media_type: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        self.has_begun = True
        self.entry.begun(status)
        known = [
            (b"content-type", media_type),
            (b"x-byzer-overhead-ms", f"{self.entry.overhead_ms:.2f}".encode()),
            *[(name, self.entry.id.encode()) for name in self.dialect.request_id_headers],
        ]
        await self._send({"type": "http.response.start", "status": status, "headers": known + headers})

    async def _write(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})


def misfit(wrong: msgspec.ValidationError, *, within: str = "") -> RefusalError:
    """What is wrong with a body, or with the part of it that stands `within` a field, and which field it is about."""
    message, _, path = str(wrong).partition(" - at `$")
    place = (within + path.rstrip("`")).lstrip(".")
    field = _FIELD.search(message)  # an unknown one, or one that is missing, does not stand in the path
    param = ".".join(filter(None, (place, field.group(1) if field else "")))
    where = f" (at {place})" if place else ""
    return RefusalError(f"{message}{where}.", status=400, code="invalid_request", param=param)
