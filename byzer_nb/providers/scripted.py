"""An engine for tests: it says what it was told to say, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from math import sqrt
from typing import TypeAlias

from byzer_nb.errors import BadInputError, ModelCallError, UnsupportedError
from byzer_nb.types import (
    Capabilities,
    ChatOptions,
    ChatRequest,
    Delta,
    DeploySpec,
    EmbedReply,
    EmbedRequest,
    FinishReason,
    ModelCard,
    Reply,
    ToolCall,
    Usage,
)
from byzer_nb.types.abilities import check_request
from byzer_nb.types.options import OPTION_NAMES
from byzer_nb.types.settings import Settings

Scripted: TypeAlias = str | Reply | Exception | Sequence[str | Exception]
Script: TypeAlias = str | Sequence[Scripted] | Callable[[ChatRequest], Scripted]

DIMENSIONS = 16
IN_A_ROW = 32  # pieces without a pause, until others get their turn
LOOK_UP_SECONDS = 0.1  # how long a pause may last until the next look whether the engine was closed
CAPABILITIES = Capabilities(
    embed=True,
    images=True,
    audio=True,
    continues=True,
    completes=True,
    tools=True,
    schema=True,
    options=frozenset(OPTION_NAMES),  # it takes what any model may be given, and records it
)

_PIECE = re.compile(r"\s*\S{1,6}|\s+")  # small enough that a short answer is more than one


class ScriptedEngine:
    """Says what a script says, at the pace it says; `records` holds the requests it saw.

    A script is one answer for every call, a list with one answer a call, or a function of the request; without one the
    last words of the user come back. An answer is a text, a list of the pieces to stream, a `Reply`, which may also
    call tools, or an exception to raise; an exception among the pieces is raised after those before it.

        def test_summary_is_short():
            engine = ScriptedEngine(["A fox jumps.", RateLimitedError("too fast")])
            byzer_nb.use(engine)
            assert summary("The quick brown fox ...") == "A fox jumps."
            assert engine.records[0].messages[-1].text.startswith("Summarise")
    """

    def __init__(
        self,
        replies: Script | None = None,
        *,
        delay: float = 0.0,
        token_delay: float = 0.0,
        model: str = "scripted",
        capabilities: Capabilities = CAPABILITIES,
    ) -> None:
        self.records: list[ChatRequest] = []
        self.embedded: list[EmbedRequest] = []
        self.running = 0
        self.is_closed = False
        self._script = replies
        self._delay = delay
        self._token_delay = token_delay
        self._card = ModelCard(model=model, engine="saas/scripted", capabilities=capabilities)

    @classmethod
    def from_spec(cls, spec: DeploySpec) -> ScriptedEngine:
        """An engine from the settings `reply`, `delay`, `token_delay` and `model`."""
        settings = Settings(spec)
        engine = cls(
            settings.value("reply"),
            delay=settings.number("delay", default=0.0),
            token_delay=settings.number("token_delay", default=0.0),
            model=settings.text("model", default="scripted"),
        )
        settings.warn_about_the_rest()
        return engine

    def describe(self) -> ModelCard:
        """The card it was given."""
        return self._card

    async def chat(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """The next answer of the script, within the limits of the request."""
        if not self._card.capabilities.chat:
            raise UnsupportedError(f"The model {self._card.model!r} does not chat.")
        check_request(request, self._card)
        self.records.append(request)
        request_id = f"scripted-{len(self.records)}"
        line = _line(self._next(request)).within(request.options)
        self.running += 1
        try:
            due = time.monotonic() + self._delay
            await self._pause(due)
            pause = self._token_delay * (1 if request.stream else len(line.pieces))
            for number, delta in enumerate(line.deltas(request_id) if request.stream else line.whole(request_id)):
                if pause or number % IN_A_ROW == 0:
                    due += pause  # from the start, not from the last piece: so it keeps its pace on a busy machine
                    await self._pause(due)
                yield delta
            if line.failure is not None:
                raise line.failure
            usage = Usage(
                input_tokens=sum(_count(message.text) for message in request.messages),
                output_tokens=len(line.thoughts) + len(line.pieces),
            )
            yield Delta(
                finish_reason=line.finish,
                usage=usage,
                request_id=request_id,
                tool_calls=line.calls,
                stopped_by=line.stopped_by,
            )
        finally:
            self.running -= 1

    async def embed(self, request: EmbedRequest) -> EmbedReply:
        """Unit vectors that depend on the text alone."""
        if not self._card.capabilities.embed:
            raise UnsupportedError(f"The model {self._card.model!r} does not embed.")
        self.embedded.append(request)
        return EmbedReply(
            vectors=tuple(_vector(text, request.dimensions or DIMENSIONS) for text in request.texts),
            usage=Usage(input_tokens=sum(_count(text) for text in request.texts)),
            model=self._card.model,
        )

    async def close(self) -> None:
        """Remember that it was closed; a request that is under way gets an error."""
        self.is_closed = True

    async def _pause(self, end: float) -> None:
        while True:
            if self.is_closed:
                model = self._card.model
                raise ModelCallError(f"The model {model!r} was closed.", hint="Deploy the model again.", model=model)
            left = end - time.monotonic()
            await asyncio.sleep(min(max(left, 0), LOOK_UP_SECONDS))
            if left <= LOOK_UP_SECONDS:
                return

    def _next(self, request: ChatRequest) -> Scripted:
        script = self._script
        if script is None:
            return next((turn.text for turn in reversed(request.messages) if turn.role == "user"), "")
        if isinstance(script, str):
            return script
        if callable(script):
            return script(request)
        if len(self.records) > len(script):
            raise BadInputError(
                f"The script has {len(script)} answers, and this is call {len(self.records)}.",
                hint="Give more answers, or a function of the request.",
            )
        return script[len(self.records) - 1]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Line:
    """One answer, ready to be spoken."""

    pieces: tuple[str, ...] = ()
    thoughts: tuple[str, ...] = ()
    failure: Exception | None = None
    finish: FinishReason = "stop"
    calls: tuple[ToolCall, ...] = ()
    stopped_by: str = ""

    def within(self, options: ChatOptions) -> _Line:
        """The same answer, cut at a stop string or at the number of tokens."""
        text = "".join(self.pieces)
        ends = [(end, stop) for stop in options.stop if (end := text.find(stop)) >= 0]
        line = self
        if ends:
            end, stop = min(ends)
            kept = _pieces_until(end, self.pieces)
            line = replace(line, pieces=kept, failure=None, finish="stop", stopped_by=stop)
        if options.max_tokens is not None and len(line.pieces) > options.max_tokens:
            kept = line.pieces[: options.max_tokens]
            line = replace(line, pieces=kept, failure=None, finish="length", stopped_by="")
        return line

    def deltas(self, request_id: str) -> Iterator[Delta]:
        """Piece by piece."""
        for thought in self.thoughts:
            yield Delta(reasoning=thought, request_id=request_id)
        for piece in self.pieces:
            yield Delta(text=piece, request_id=request_id)

    def whole(self, request_id: str) -> Iterator[Delta]:
        """In one piece; nothing at all before a failure."""
        if self.failure is None:
            yield Delta(text="".join(self.pieces), reasoning="".join(self.thoughts), request_id=request_id)


def _line(scripted: Scripted) -> _Line:
    match scripted:
        case str():
            return _Line(pieces=_split(scripted))
        case Reply():
            calls_and_stops = bool(scripted.tool_calls) and scripted.finish_reason == "stop"
            return _Line(
                pieces=_split(scripted.text),
                thoughts=_split(scripted.reasoning),
                finish="tool_calls" if calls_and_stops else scripted.finish_reason,
                calls=scripted.tool_calls,
            )
        case Exception():
            return _Line(failure=scripted)
    pieces: list[str] = []
    for piece in scripted:
        if isinstance(piece, Exception):
            return _Line(pieces=tuple(pieces), failure=piece)
        pieces.append(piece)
    return _Line(pieces=tuple(pieces))


def _split(text: str) -> tuple[str, ...]:
    return tuple(_PIECE.findall(text))


def _count(text: str) -> int:
    return len(_split(text))


def _pieces_until(end: int, pieces: tuple[str, ...]) -> tuple[str, ...]:
    kept: list[str] = []
    for piece in pieces:
        if end <= 0:
            break
        kept.append(piece[:end])
        end -= len(piece)
    return tuple(kept)


def _vector(text: str, dimensions: int) -> tuple[float, ...]:
    numbers: list[float] = []
    for block in range(0, dimensions, 32):
        digest = blake2b(text.encode("utf-8", "surrogatepass"), salt=block.to_bytes(4, "big")).digest()
        # Two bytes a number, centred: texts that differ point in unrelated directions.
        numbers += [int.from_bytes(digest[at : at + 2], "big") / 32767.5 - 1 for at in range(0, 64, 2)]
    length = sqrt(sum(number * number for number in numbers[:dimensions]))
    return tuple(number / length for number in numbers[:dimensions])
