"""What is left in a gateway after thousands of streams and thousands of failures: memory, file handles, tasks.

    python benchmarks/gateway_soak.py [20000]

The gateway runs in a process of its own, over scripted models that keep nothing. The first tenth of the requests warms
it up; what grows after that stays.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from byzer_nb import ScriptedEngine
from byzer_nb.client import LocalTransport
from byzer_nb.client.client import AsyncClient
from byzer_nb.errors import ModelCallError
from byzer_nb.serve.gateway import Gateway, application
from byzer_nb.serve.running import config
from byzer_nb.serve.settings import ServeSettings
from byzer_nb.types import ChatRequest, Delta

AT_ONCE = 32
WORDS = " ".join(f"word{number}" for number in range(20))


@dataclass(frozen=True, kw_only=True)
class Left:
    """What a gateway holds at one moment."""

    megabytes: float
    files: int
    tasks: int
    running: int
    engines: int


@dataclass(frozen=True, kw_only=True)
class Soaked:
    """What it held when it was warm, and at the end; and how many answers had which status."""

    warm: Left
    end: Left
    statuses: dict[int, int]


# -- the gateway ------------------------------------------------------------------------------------------------------


class Forgetting(ScriptedEngine):
    """Remembers no request."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        try:
            async for delta in super().chat(request):
                yield delta
        finally:
            self.records.clear()


def serve() -> None:
    """Serve on a free port, and tell what is held for each line of the standard input."""
    engines = {
        "good": Forgetting(WORDS),
        "slow": Forgetting(WORDS, token_delay=0.2),
        "failing": Forgetting(lambda _: ModelCallError("It failed.")),
        "breaking": Forgetting(lambda _: ["one ", "two ", ModelCallError("It broke.")]),
        "odd": Forgetting(lambda _: RuntimeError("surprise")),
    }
    logging.getLogger("byzer_nb.serve").setLevel(logging.CRITICAL)  # which tells every surprise
    transport = LocalTransport()
    gateway = Gateway(AsyncClient(transport), ServeSettings(port=0, log_level="critical", largest_body=100_000))
    listening = uvicorn.Server(config(application(gateway), gateway.settings))

    async def run() -> None:
        for name, engine in engines.items():
            await transport.add(name, engine)
        loop = asyncio.get_running_loop()
        serving = asyncio.create_task(listening.serve())
        while not listening.started:  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.01)
        print(listening.servers[0].sockets[0].getsockname()[1], flush=True)

        def tell() -> None:
            running = sum(engine.running for engine in engines.values())
            left = (_megabytes(), len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks()), gateway.requests.running)
            print(json.dumps([*left, running]), flush=True)

        def listen() -> None:
            for _ in sys.stdin:
                loop.call_soon_threadsafe(tell)
            listening.should_exit = True

        threading.Thread(target=listen, daemon=True).start()
        await serving

    asyncio.run(run())


def _megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


# -- the clients ------------------------------------------------------------------------------------------------------


def request(body: Any, *, announced: int | None = None) -> bytes:
    """A question as it travels."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    length = len(data) if announced is None else announced
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n"
    return head.encode() + data


def question(model: str, **given: Any) -> bytes:
    """A question of the usual form."""
    return request({"model": model, "messages": [{"role": "user", "content": "hello"}], **given})


STREAMED = question("good", stream=True, stream_options={"include_usage": True})
HANG_UP = question("slow", stream=True)
FAILING = (
    question("failing"),
    question("failing", stream=True),
    question("breaking"),
    question("breaking", stream=True, n=3),
    question("odd"),
    question("nobody"),
    question("good", temperature=-1),
    request(b'{"model": "good", "mess'),
    request(b"x" * 200_000),
    HANG_UP,
    request({"model": "good"}),
)


async def ask(port: int, said: bytes) -> int:
    """The status of one answer, which is read to its end; one to hang up on is left after its first words."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(said)
        head = await reader.readuntil(b"\r\n\r\n")
        if said is HANG_UP:
            await reader.readuntil(b"word")
        elif b"chunked" in head:
            await reader.readuntil(b"0\r\n\r\n")
        else:
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))
        return int(head.split(maxsplit=2)[1])
    finally:
        writer.close()


async def ask_all(port: int, asked: list[bytes]) -> dict[int, int]:
    """How many answers had which status; so many are asked at once."""
    statuses: dict[int, int] = {}
    rest = iter(asked)

    async def client() -> None:
        for said in rest:
            status = await ask(port, said)
            statuses[status] = statuses.get(status, 0) + 1

    await asyncio.gather(*[client() for _ in range(AT_ONCE)])
    return statuses


async def soak(streamed: int, failing: int) -> Soaked:
    """Ask a new gateway all of it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--serve", stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout
    try:
        port = int(await stdout.readline())

        async def left() -> Left:
            stdin.write(b"\n")
            megabytes, files, tasks, running, engines = json.loads(await stdout.readline())
            return Left(megabytes=megabytes, files=files, tasks=tasks, running=running, engines=engines)

        asked = [STREAMED] * streamed + [FAILING[number % len(FAILING)] for number in range(failing)]
        asked = asked[0::2] + asked[1::2]  # both kinds while it warms up, and both at its end
        await ask_all(port, asked[: len(asked) // 10])
        warm = await _settled(left)
        statuses = await ask_all(port, asked[len(asked) // 10 :])
        return Soaked(warm=warm, end=await _settled(left), statuses=statuses)
    finally:
        stdin.close()
        await process.wait()


async def _settled(left: Callable[[], Awaitable[Left]]) -> Left:
    """What is left when those who hung up are forgotten too."""
    now = await left()
    for _ in range(50):
        before, now = now, await left()
        if now.running == 0 and now.files == before.files and now.tasks == before.tasks:
            return now
        await asyncio.sleep(0.1)
    return now


def main(count: int) -> None:
    """Print what grew."""
    soaked = asyncio.run(soak(count, count))
    print(f"{count} streams and {count} failures, {AT_ONCE} at a time: {soaked.statuses}")
    for name, unit in (("megabytes", "MB"), ("files", "handles"), ("tasks", "tasks"), ("running", "requests")):
        warm, end = getattr(soaked.warm, name), getattr(soaked.end, name)
        print(f"{name:10} {warm:8.1f} -> {end:8.1f} {unit}, grown by {end - warm:+.1f}")


if __name__ == "__main__":
    if "--serve" in sys.argv:
        serve()
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
