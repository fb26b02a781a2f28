"""An engine on a socket: what a client says to a worker, and what it gets back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import AbstractContextManager, aclosing, contextmanager

from byzer_nb._http.asked import Asked
from byzer_nb._http.serving import Server
from byzer_nb.cluster import wire
from byzer_nb.cluster.face import GOODBYE_SECONDS, LARGEST_REQUEST
from byzer_nb.cluster.tally import Tally
from byzer_nb.errors import ByzerError
from byzer_nb.types import Engine, Secret
from byzer_nb.types.abilities import able

LEASE_HEADER = "Lease"
JSON_LINES = b"application/x-ndjson"

_LEASE = LEASE_HEADER.lower().encode()


class EngineFace:
    """Routes to one engine. Every request brings the number of its lease, so that a new router can ask what runs."""

    def __init__(self, engine: Engine, *, name: str, token: Secret, stall_seconds: float) -> None:
        self.running: set[int] = set()
        self.tally = Tally()
        self._engine = engine
        self._name = name
        self._works = {
            "/embed": self._embed,
            "/tokenize": self._tokenize,
            "/detokenize": self._detokenize,
            "/template": self._apply_template,
            "/transcribe": self._transcribe,
            "/draw": self._draw,
        }
        self._server = Server(
            {
                "/chat": self._chat,
                "/stream": self._stream,
                "/speak": self._stream,
                **dict.fromkeys(self._works, self._work),
            },
            token=token.reveal(),
            largest_request=LARGEST_REQUEST,
            stall_seconds=stall_seconds,
            goodbye_seconds=GOODBYE_SECONDS,
        )
        self.open = self._server.open

    async def close(self) -> None:
        """Stop to listen; who is still served is cut off."""
        await self._server.close()

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

    async def _chat(self, asked: Asked) -> None:
        with self._working_on(asked):
            asked.answer(await self.answer(asked.path, asked.body), media_type=JSON_LINES)

    async def _stream(self, asked: Asked) -> None:
        with self._working_on(asked):
            await asked.stream(self.lines(asked.path, asked.body), media_type=JSON_LINES)

    async def _work(self, asked: Asked) -> None:
        with self._working_on(asked):
            try:
                asked.answer(await self.answer(asked.path, asked.body))
            except Exception as failed:  # whatever an engine raises belongs to the caller
                status = 400 if isinstance(failed, ByzerError) else 500
                asked.answer(wire.error_to_line(failed), status=status)

    @contextmanager
    def working(self, lease: int) -> Iterator[None]:
        """While a request is under way."""
        self.running.add(lease)
        try:
            yield
        finally:
            self.running.discard(lease)

    def _working_on(self, asked: Asked) -> AbstractContextManager[None]:
        return self.working(int(asked.headers.get(_LEASE, 0)))
