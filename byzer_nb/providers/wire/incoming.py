"""An answer that is arriving from a provider."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from http import HTTPStatus

from byzer_nb._http.answer import Answer
from byzer_nb._http.failures import HttpError
from byzer_nb.errors import ByzerError
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.call import Splitter
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.sse import Event

LAST_WORDS_SECONDS = 0.05  # how long the end of a finished stream is waited for, so that its connection can be kept
GOODBYE_SECONDS = 2.0  # how long the count of tokens is waited for once every word is here
FAILED_BODY_BYTES = 64 * 1024
MOST_BYTES = 256 << 20  # of a whole answer: pictures and vectors are large, and no answer is larger
MOST_EVENT_BYTES = 32 << 20
_USUAL_REASONS = frozenset({status.phrase for status in HTTPStatus})


class Incoming:
    """An answer that is arriving: read it whole, or event by event. Closing it early closes the connection."""

    __slots__ = ("_among", "_called", "_idle", "_is_given_up", "_last", "_limit", "_loop", "_response", "_splitter")

    def __init__(
        self,
        response: Answer,
        *,
        called: Called,
        limit: float | None,
        split: Callable[[], Splitter],
        among: set[Incoming],
    ) -> None:
        self._response = response
        self._loop = asyncio.get_running_loop()
        self._is_given_up = False
        self._among = among
        among.add(self)
        self._called = called
        self._limit = limit
        self._splitter = split()
        self._idle = 0.0  # no limit but that of the connection yet
        self._last = 0.0

    @property
    def status(self) -> int:
        """The answer's HTTP status."""
        return self._response.status

    @property
    def headers(self) -> Mapping[str, str]:
        """The answer's HTTP headers."""
        return self._response.headers

    @property
    def kind(self) -> str:
        """The media type of the answer."""
        return self._response.content_type

    @property
    def is_json(self) -> bool:
        """True when the server sent one JSON document although events were asked for."""
        return self.kind == "application/json"

    def wait_at_most(self, seconds: float) -> None:
        """From now on nothing may take longer than that."""
        self._idle = seconds
        self._last = self._loop.time()
        self._response.wait_at_most(seconds)

    def expect_end(self) -> None:
        """The answer is whole: what else may come is not worth much waiting."""
        self.wait_at_most(min(self._idle or GOODBYE_SECONDS, GOODBYE_SECONDS))

    async def next_events(self) -> list[Event]:
        """The events of the next packet; none once the answer is over."""
        splitter = self._splitter
        while True:
            chunk = await self._read()
            events = splitter.feed(chunk) if chunk else splitter.finish()
            if events or not chunk:
                self._last = self._loop.time()
                return events
            if splitter.waiting > MOST_EVENT_BYTES:
                raise failures.too_large(self._called, MOST_EVENT_BYTES)
            if self._idle and self._loop.time() - self._last > self._idle:  # keep-alives say nothing
                raise failures.was_silent(self._called)

    async def chunk(self) -> bytes:
        """The next bytes as they are, such as those of sound; none once the answer is over."""
        return await self._read()

    async def rest(self) -> bytes:
        """Everything that is still to come."""
        chunks = []
        size = 0
        while chunk := await self._read():
            chunks.append(chunk)
            size += len(chunk)
            if size > MOST_BYTES:
                raise failures.too_large(self._called, MOST_BYTES)
        return b"".join(chunks)

    async def complaint(self) -> bytes:
        """What a refusal says, in its body or else in its status line; the status alone is enough."""
        body = b""
        try:
            while len(body) < FAILED_BODY_BYTES and (chunk := await self._read()):
                body += chunk
        except ByzerError:
            return b""
        finally:
            self.close()
        return body or self._own_words()

    async def end(self) -> None:
        """Read past a last event, briefly, so that the connection can serve the next call."""
        if self._response.is_over:
            return
        with contextlib.suppress(ByzerError, TimeoutError):  # the answer is whole; only the connection is at stake
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                while await self._read():
                    pass

    def close(self) -> None:
        """Let the connection go: back to the pool after a whole answer, shut otherwise."""
        self._among.discard(self)
        self._response.close()

    def give_up(self) -> None:
        """End the answer because its engine was closed, from any thread: whoever reads it gets an error at once."""
        self._is_given_up = True
        with contextlib.suppress(RuntimeError):  # a loop that has ended has no reader left
            self._loop.call_soon_threadsafe(self._response.close)

    def _own_words(self) -> bytes:
        """The reason in the status line, where it is not merely the name of the status."""
        reason = self._response.reason
        return b"" if reason in _USUAL_REASONS else reason.encode("utf-8", "replace")

    async def _read(self) -> bytes:
        try:
            return await self._response.chunk()
        except (HttpError, OSError) as original:
            failure = failures.from_exception(original, self._called, seconds=self._limit)
            cause = failures.cause_of(original)
        if self._is_given_up:
            failure, cause = failures.closed(self._called), None
        raise failure from cause
