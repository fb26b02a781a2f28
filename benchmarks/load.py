"""A client of HTTP servers that costs next to nothing: it sends one request over and over and looks for its end."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median

HEAD_END = b"\r\n\r\n"
STREAM_END = b"0\r\n\r\n"
LONGEST_SECONDS = 120.0
IN_A_ROW = 15
PAUSE_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True)
class Answered:
    """One answer: seconds to its first content and to its end, and how many events it had."""

    first: float
    whole: float
    events: int


class Line(asyncio.Protocol):
    """One kept-alive connection with one request on it at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._done: asyncio.Future[Answered] | None = None
        self._received = bytearray()
        self._started = 0.0
        self._first = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_exception(ConnectionError(f"closed after {bytes(self._received[-200:])!r}"))

    def ask(self, request: bytes) -> asyncio.Future[Answered]:
        """Send it; the future is the answer."""
        assert self._transport is not None
        self._received.clear()
        self._first = 0.0
        self._done = asyncio.get_running_loop().create_future()
        self._started = time.perf_counter()
        self._transport.write(request)
        return self._done

    def data_received(self, data: bytes) -> None:
        received = self._received
        received += data
        if not self._first and b'"content"' in received:
            self._first = time.perf_counter()
        head_end = received.find(HEAD_END)
        if head_end < 0 or self._done is None or self._done.done():
            return
        if not received.startswith(b"HTTP/1.1 200"):
            self._done.set_exception(RuntimeError(f"refused: {bytes(received[:300])!r}"))
            return
        announced = received[:head_end].lower().find(b"content-length:")
        if announced >= 0:
            length = int(received[announced + 15 : received.find(b"\r", announced)])
            if len(received) < head_end + 4 + length:
                return
        elif not received.endswith(STREAM_END):
            return
        now = time.perf_counter()
        events = received.count(b"data: ")
        self._done.set_result(
            Answered(first=(self._first or now) - self._started, whole=now - self._started, events=events)
        )

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


def request_to(port: int, model: str, *, stream: bool, path: str = "/v1/chat/completions", key: str = "") -> bytes:
    """A chat request as bytes."""
    body = json.dumps(
        {"model": model, "messages": [{"role": "user", "content": "How much does a call cost?"}], "stream": stream}
    ).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n"
        f"{f'authorization: Bearer {key}' + chr(13) + chr(10) if key else ''}content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def opened(port: int) -> Line:
    """A connection."""
    _, line = await asyncio.get_running_loop().create_connection(Line, "127.0.0.1", port)
    return line


async def one_by_one(ports: dict[str, tuple[int, bytes]], *, calls: int, warm_up: int) -> dict[str, list[Answered]]:
    """Answers of several servers, so many in a row of each in turn, as one client asks.

    The turns let what else the machine does fall on all alike, and the pauses let each finish what it does after an
    answer, before the next one is measured.
    """
    lines = {name: await opened(port) for name, (port, _) in ports.items()}
    answers: dict[str, list[Answered]] = {name: [] for name in ports}
    for number in range(0, warm_up + calls, IN_A_ROW):
        for name, (_, request) in ports.items():
            await asyncio.sleep(PAUSE_SECONDS)
            for _ in range(IN_A_ROW):
                answered = await asyncio.wait_for(lines[name].ask(request), LONGEST_SECONDS)
                if number >= warm_up:
                    answers[name].append(answered)
    for line in lines.values():
        line.close()
    return answers


async def at_once(port: int, request: bytes, *, in_flight: int, calls: int) -> tuple[float, list[Answered]]:
    """Requests a second with so many always under way, and the answers."""
    lines = await asyncio.gather(*[opened(port) for _ in range(in_flight)])
    waiting = iter(range(calls))
    answers: list[Answered] = []

    async def again_and_again(line: Line) -> None:
        for _ in waiting:
            answers.append(await asyncio.wait_for(line.ask(request), LONGEST_SECONDS))

    started = time.perf_counter()
    await asyncio.gather(*map(again_and_again, lines))
    seconds = time.perf_counter() - started
    for line in lines:
        line.close()
    return len(answers) / seconds, answers


async def median_rate(measure: Callable[[], Awaitable[float]], *, rounds: int) -> float:
    """The median of several rounds, after one that does not count."""
    rates = [await measure() for _ in range(1 + rounds)]
    return median(rates[1:])
