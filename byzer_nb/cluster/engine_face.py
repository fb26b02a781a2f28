"""An engine on a socket: what a client says to a worker, and what it gets back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, aclosing, contextmanager

from aiohttp import web

from byzer_nb.cluster import wire
from byzer_nb.cluster.face import Face
from byzer_nb.cluster.sender import Sender
from byzer_nb.cluster.tally import Tally
from byzer_nb.errors import ByzerError
from byzer_nb.types import Engine, Secret
from byzer_nb.types.abilities import able

LEASE_HEADER = "Lease"
JSON_LINES = "application/x-ndjson"


class EngineFace:
    """Routes to one engine. Every request brings the number of its lease, so that a new router can ask what runs."""

    def __init__(self, engine: Engine, *, name: str, token: Secret, stall_seconds: float) -> None:
        self.running: set[int] = set()
        self.tally = Tally()
        self._engine = engine
        self._name = name
        self._stall_seconds = stall_seconds
        self._works = {
            "/embed": self._embed,
            "/tokenize": self._tokenize,
            "/detokenize": self._detokenize,
            "/template": self._apply_template,
            "/transcribe": self._transcribe,
            "/draw": self._draw,
        }
        routes = [
            web.post("/chat", self._chat),
            web.post("/stream", self._stream),
            web.post("/speak", self._stream),
            *(web.post(path, self._answering(path)) for path in self._works),
        ]
        self._face = Face(routes, token=token)
        self.open = self._face.open

    async def close(self) -> None:
        """Stop to listen; who is still served is cut off."""
        await self._face.close()

    # -- what the engine does, on bytes; also for clients that come over Ray ----------------------------------------

    def lines(self, path: str, body: bytes) -> AsyncGenerator[bytes, None]:
        """The answer piece by piece, a line for each; a failure is the last line."""
        return self._sound(body) if path == "/speak" else self._deltas(body)

    async def _sound(self, body: bytes) -> AsyncGenerator[bytes, None]:
        try:
            speaks = able(self._engine, "speak", name=self._name)
            async with aclosing(speaks.speak(wire.speak_from_bytes(body))) as pieces:
                async for piece in pieces:
                    yield wire.sound_to_line(piece)
        except Exception as failed:  # whatever an engine raises belongs to the caller
            self.tally.fail()
            yield wire.error_to_line(failed)

    async def _deltas(self, body: bytes) -> AsyncGenerator[bytes, None]:
        begun, is_first = self.tally.begin(), True
        try:
            async with aclosing(self._engine.chat(wire.chat_from_bytes(body))) as deltas:
                async for delta in deltas:
                    if is_first:
                        self.tally.first(begun)
                        is_first = False
                    if delta.finish_reason is not None:
                        self.tally.end(delta)
                    yield wire.delta_to_line(delta)
        except Exception as failed:  # whatever an engine raises belongs to the caller
            self.tally.fail()
            yield wire.error_to_line(failed)

    async def answer(self, path: str, body: bytes) -> bytes:
        """What the route of that path answers."""
        if path == "/chat":
            return b"".join([line async for line in self._deltas(body)])
        return await self._works[path](body)

    async def _embed(self, body: bytes) -> bytes:
        embeds = able(self._engine, "embed", name=self._name)
        return wire.vectors_to_bytes(await embeds.embed(wire.embed_from_bytes(body)))

    async def _transcribe(self, body: bytes) -> bytes:
        transcribes = able(self._engine, "transcribe", name=self._name)
        return wire.to_bytes(await transcribes.transcribe(wire.transcribe_from_bytes(body)))

    async def _draw(self, body: bytes) -> bytes:
        draws = able(self._engine, "draw", name=self._name)
        return wire.to_bytes(await draws.draw(wire.draw_from_bytes(body)))

    async def _tokenize(self, body: bytes) -> bytes:
        tokenizes = able(self._engine, "tokenize", name=self._name)
        # Long texts take a while, and others are served meanwhile.
        return wire.ids_to_bytes(await asyncio.to_thread(tokenizes.tokenize, body.decode()))

    async def _detokenize(self, body: bytes) -> bytes:
        tokenizes = able(self._engine, "tokenize", name=self._name)
        return wire.text_to_bytes(await asyncio.to_thread(tokenizes.detokenize, wire.ids_from_bytes(body)))

    async def _apply_template(self, body: bytes) -> bytes:
        tokenizes = able(self._engine, "tokenize", name=self._name)
        messages = wire.messages_from_bytes(body)
        return wire.text_to_bytes(await asyncio.to_thread(tokenizes.apply_template, messages))

    # -- HTTP -----------------------------------------------------------------------------------------------------

    async def _chat(self, request: web.Request) -> web.Response:
        body = await request.read()
        with self._working_on(request):
            return web.Response(body=await self.answer("/chat", body), content_type=JSON_LINES)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        response = web.StreamResponse(headers={"Content-Type": JSON_LINES})
        with self._working_on(request):
            await response.prepare(request)
            async with Sender(response.write, stall_seconds=self._stall_seconds) as sender:
                async with aclosing(self.lines(request.path, body)) as lines:
                    async for line in lines:
                        if not sender.put(line):
                            await sender.sent()
                await sender.sent()
            await response.write_eof()
        return response

    def _answering(self, path: str) -> Callable[[web.Request], Coroutine[None, None, web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            body = await request.read()
            with self._working_on(request):
                try:
                    return web.Response(body=await self.answer(path, body))
                except Exception as failed:  # whatever an engine raises belongs to the caller
                    status = 400 if isinstance(failed, ByzerError) else 500
                    return web.Response(status=status, body=wire.error_to_line(failed))

        return handle

    @contextmanager
    def working(self, lease: int) -> Iterator[None]:
        """While a request is under way."""
        self.running.add(lease)
        try:
            yield
        finally:
            self.running.discard(lease)

    def _working_on(self, request: web.Request) -> AbstractContextManager[None]:
        return self.working(int(request.headers.get(LEASE_HEADER, 0)))
