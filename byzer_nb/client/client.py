"""One client for every model, with an async form and its sync twin."""

from __future__ import annotations

import asyncio
import json
import time
import warnings
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from reprlib import repr as short

from byzer_nb._sync import iterate, run
from byzer_nb.client.conversation import Turns, as_messages
from byzer_nb.client.fallback import first_that_answers
from byzer_nb.client.gather import gather
from byzer_nb.client.ledger import ledger
from byzer_nb.client.media import Recording, draw_request, sound_of, speak_request, transcribe_request
from byzer_nb.client.reachable import reachable_models
from byzer_nb.client.transport import Transport
from byzer_nb.errors import BadInputError, CallTimeoutError, UnsupportedError, WrongTypeError
from byzer_nb.types import (
    AudioPart,
    Capabilities,
    ChatOptions,
    ChatRequest,
    Delta,
    DrawRequest,
    EmbedReply,
    EmbedRequest,
    ImagePart,
    ModelCard,
    Pictures,
    Reply,
    Sound,
    SpeakRequest,
    Transcript,
    Usage,
)
from byzer_nb.types.options import SILENT

TOKEN_IDS = 2**32  # no tokenizer has more
# Kept by the client, or handed on as it is; every other option is the engine's to honour.
BY_ANY_ENGINE = frozenset({"continue_last", "extra", "timeout"})


class AsyncClient:
    """Talks to models by name. Without a transport to all that it can reach; without a model to the default one.

    `options` hold for every call, and a call's own options win over them.
    """

    def __init__(
        self, transport: Transport | None = None, *, model: str = "", options: ChatOptions | None = None
    ) -> None:
        _check_transport(transport, cls=type(self))
        self.transport: Transport = reachable_models() if transport is None else transport
        self.model = model
        self.options = SILENT if options is None else options
        self._told: set[tuple[str, str]] = set()  # models, and the options that they were found not to know

    async def chat(
        self, messages: Turns | ChatRequest, *, model: str = "", options: ChatOptions | None = None
    ) -> Reply:
        """The whole answer; a `ChatRequest` may also offer tools, or ask for an answer that fits a schema.

        A model that only listens writes down the sound that the last message is.
        """
        name, card, request = await self._prepared(messages, model, options, stream=False)
        if not card.capabilities.chat:
            return await self._written_down(name, request)
        async with aclosing(self._deltas(name, card, request)) as deltas:
            reply = await gather(deltas, model=name)
        cost = await self._entered(name, card, answering=reply.model, usage=reply.usage)
        return reply if cost is None else replace(reply, cost=cost)

    async def stream(
        self, messages: Turns | ChatRequest, *, model: str = "", options: ChatOptions | None = None
    ) -> AsyncGenerator[Delta, None]:
        """The answer piece by piece; leaving the loop early stops the model."""
        name, card, request = await self._prepared(messages, model, options, stream=True)
        last = Delta()
        async with aclosing(self._deltas(name, card, request)) as deltas:
            async for delta in deltas:
                if delta.usage is not None:
                    last = delta
                yield delta
        if last.usage is not None:
            await self._entered(name, card, answering=last.model, usage=last.usage)

    async def embed(self, texts: Sequence[str], *, model: str = "", dimensions: int | None = None) -> EmbedReply:
        """One vector a text, in order."""
        wanted = _as_texts(texts)
        if dimensions is not None and dimensions < 1:
            raise BadInputError(f"dimensions must be at least 1, not {dimensions!r}.")
        name = model or self.default_model()
        if not wanted:
            return EmbedReply(vectors=(), model=name)
        reply = await self.transport.embed(name, EmbedRequest(texts=wanted, dimensions=dimensions))
        ledger().add(name, await self.transport.describe(name), reply.usage)
        return reply

    async def speak(self, text: str | SpeakRequest, *, model: str = "", voice: str = "") -> Sound:
        """A text read out; a `SpeakRequest` also says the format, the language and the speed."""
        request = speak_request(text, voice=voice)
        async with aclosing(self.transport.speak(model or self.default_model(), request)) as pieces:
            return Sound(data=b"".join([piece async for piece in pieces]), format=request.format)

    async def stream_speech(
        self, text: str | SpeakRequest, *, model: str = "", voice: str = ""
    ) -> AsyncGenerator[bytes, None]:
        """A text read out, piece by piece as the sound arrives."""
        async with aclosing(
            self.transport.speak(model or self.default_model(), speak_request(text, voice=voice))
        ) as pieces:
            async for piece in pieces:
                yield piece

    async def transcribe(self, sound: Recording, *, model: str = "") -> Transcript:
        """What is said in a file or in a `Sound`; a `TranscribeRequest` also says the language and gives a hint."""
        return await self.transport.transcribe(model or self.default_model(), transcribe_request(sound))

    async def draw(self, prompt: str | DrawRequest, *, model: str = "", size: str = "") -> Pictures:
        """Pictures of what the prompt says; a `DrawRequest` also says how many, and how good."""
        return Pictures(await self.transport.draw(model or self.default_model(), draw_request(prompt, size=size)))

    async def tokenize(self, text: str, *, model: str = "") -> tuple[int, ...]:
        """The ids of a text's tokens, as a model sees them."""
        if not isinstance(text, str):
            raise WrongTypeError(f"tokenize() takes a text, not {short(text)}.")
        return await self.transport.tokenize(model or self.default_model(), text)

    async def detokenize(self, ids: Sequence[int], *, model: str = "") -> str:
        """The text of some tokens of a model, special tokens written out."""
        return await self.transport.detokenize(model or self.default_model(), _as_ids(ids))

    async def apply_template(self, messages: Turns, *, model: str = "") -> str:
        """The text that a model reads for a conversation."""
        return await self.transport.apply_template(model or self.default_model(), as_messages(messages))

    async def describe(self, *, model: str = "") -> ModelCard:
        """The card of a model."""
        return await self.transport.describe(model or self.default_model())

    async def models(self) -> list[str]:
        """The names that can be called."""
        return await self.transport.models()

    def default_model(self) -> str:
        """The name that is meant when a call names none."""
        return self.model or self.transport.default_model()

    async def _prepared(
        self, turns: Turns | ChatRequest, model: str, options: ChatOptions | None, *, stream: bool
    ) -> tuple[str, ModelCard, ChatRequest]:
        if isinstance(turns, ChatRequest):
            asked, messages, wanted = turns, as_messages(turns.messages), turns.options.over(self.options)
        else:
            asked, messages, wanted = None, as_messages(turns), self.options
        if options is not None:
            wanted = options.over(wanted)
        name = model or self.default_model()
        if wanted.continue_last and messages[-1].role != "assistant":
            raise BadInputError(
                "There is nothing to continue: the last message is not the assistant's.",
                hint="Continuing needs both: the option, and a last message with the role 'assistant'.",
            )
        card = await self.transport.describe(name)
        if asked is None:
            request = ChatRequest(messages=messages, options=wanted, stream=stream)
        else:
            request = replace(asked, messages=messages, options=wanted, stream=stream)
        _check(name, card, request)
        if wanted is not SILENT and card.capabilities.options:
            self._tell_of_unknown(name, wanted, card.capabilities.options)
        return name, card, request

    async def _written_down(self, name: str, request: ChatRequest) -> Reply:
        started = time.perf_counter()
        sound = sound_of(request.messages[-1].content)
        assert sound is not None  # the request was checked
        transcript = await self.transcribe(sound, model=name)
        seconds = time.perf_counter() - started
        return Reply(text=json.dumps(transcript.as_json(), ensure_ascii=False), model=name, seconds=seconds)

    def _tell_of_unknown(self, name: str, options: ChatOptions, known: frozenset[str]) -> None:
        unknown = {(name, option) for option in options.given()} - {(name, option) for option in known | BY_ANY_ENGINE}
        if news := unknown - self._told:
            self._told |= news
            ignored = ", ".join(sorted(option for _, option in news))
            warnings.warn(f"The model {name!r} does not know {ignored} and answers without.", stacklevel=2)

    async def _entered(self, name: str, card: ModelCard, *, answering: str, usage: Usage) -> float | None:
        """Enter a call in the ledger, under the model that answered, and tell what it cost."""
        if answering in ("", name):
            return ledger().add(name, card, usage)
        return ledger().add(answering, await self.transport.describe(answering), usage)

    def _deltas(self, name: str, card: ModelCard, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        if not card.fallback:
            return self._deltas_of(name, request)
        return first_that_answers((name, *card.fallback), lambda each: self._deltas_of(each, request))

    def _deltas_of(self, name: str, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        deltas = self.transport.chat(name, request)
        if request.options.timeout is None:
            return deltas
        return _in_time(deltas, request.options.timeout, name=name)


async def _in_time(deltas: AsyncGenerator[Delta, None], seconds: float, *, name: str) -> AsyncGenerator[Delta, None]:
    deadline = asyncio.get_running_loop().time() + seconds
    async with aclosing(deltas):
        while True:
            limit = asyncio.timeout_at(deadline)
            try:
                async with limit:
                    delta = await anext(deltas)
            except StopAsyncIteration:
                return
            except TimeoutError as late:
                if not limit.expired():  # the engine's own, about something smaller than the whole answer
                    raise
                raise CallTimeoutError(
                    f"The model {name!r} did not finish within {seconds:g} s.",
                    hint="Give it more time with timeout=, or ask for fewer tokens.",
                    model=name,
                ) from late
            yield delta


def _check_transport(transport: object, *, cls: type) -> None:
    if isinstance(transport, str):
        name = cls.__name__
        raise WrongTypeError(f"{transport!r} is no transport of {name}.", hint=f"Write: {name}(model={transport!r})")


def _as_texts(texts: Sequence[str]) -> tuple[str, ...]:
    if isinstance(texts, str):
        return (texts,)
    try:
        wanted = tuple(texts)
    except TypeError:
        raise WrongTypeError(f"embed() takes a list of texts, not {short(texts)}.") from None
    for position, text in enumerate(wanted):
        if not isinstance(text, str):
            raise WrongTypeError(f"Text {position} is not a string: {short(text)}")
    return wanted


def _as_ids(ids: Sequence[int]) -> tuple[int, ...]:
    if not all(isinstance(each, int) for each in ids):
        raise WrongTypeError(f"detokenize() takes token ids, not {short(ids)}.")
    if strange := [each for each in ids if not 0 <= each < TOKEN_IDS]:
        raise BadInputError(f"{strange[0]!r} is the id of no token.", hint="Ids are whole numbers from 0.")
    return tuple(ids)


def _check(name: str, card: ModelCard, request: ChatRequest) -> None:
    able, last = card.capabilities, request.messages[-1]
    if not able.chat and able.transcribe and not request.stream and sound_of(last.content) is not None:
        return
    if not able.chat:
        raise UnsupportedError(f"The model {name!r} does not support text generation.", hint=_what_it_does(able))
    if request.stream and not able.stream:
        raise UnsupportedError(f"The model {name!r} does not support stream chat.", hint="Call chat() instead.")
    if request.options.continue_last and not able.continues:
        raise UnsupportedError(
            f"The model {name!r} cannot continue a begun answer.", hint="Leave out the last assistant message."
        )
    if request.is_raw and not able.completes:
        raise UnsupportedError(
            f"The model {name!r} cannot go on with a raw text.", hint="Send the text as a turn of the user."
        )
    if request.tools and not able.tools:
        raise UnsupportedError(f"The model {name!r} calls no tools by itself.", hint="Offer them with ask(tools=...).")
    if request.schema is not None and not able.schema:
        raise UnsupportedError(f"The model {name!r} holds to no schema by itself.", hint="Use ask(as_type=...).")
    parts = [part for message in request.messages if not isinstance(message.content, str) for part in message.content]
    if not able.images and any(isinstance(part, ImagePart) for part in parts):
        raise UnsupportedError(f"The model {name!r} does not take pictures.", hint="Ask a vision model.")
    if not able.audio and any(isinstance(part, AudioPart) for part in parts):
        raise UnsupportedError(f"The model {name!r} does not take sound.", hint="Ask a model that listens.")


def _what_it_does(able: Capabilities) -> str:
    ways = {
        "embed": "It turns texts into vectors; call embed().",
        "speak": "It reads texts out; call speak().",
        "transcribe": "It writes down sound; call transcribe().",
        "draw": "It makes pictures; call draw().",
    }
    return next((words for way, words in ways.items() if getattr(able, way)), "")


class Client:
    """The sync twin of `AsyncClient`: same names, same options, finished when a call returns."""

    def __init__(
        self, transport: Transport | None = None, *, model: str = "", options: ChatOptions | None = None
    ) -> None:
        _check_transport(transport, cls=type(self))
        self.aio = AsyncClient(transport, model=model, options=options)

    def chat(self, messages: Turns | ChatRequest, *, model: str = "", options: ChatOptions | None = None) -> Reply:
        """The whole answer; a `ChatRequest` may also offer tools, or ask for an answer that fits a schema.

        A model that only listens writes down the sound that the last message is.
        """
        return run(self.aio.chat(messages, model=model, options=options))

    def stream(
        self, messages: Turns | ChatRequest, *, model: str = "", options: ChatOptions | None = None
    ) -> Iterator[Delta]:
        """The answer piece by piece; leaving the loop early stops the model."""
        return iterate(self.aio.stream(messages, model=model, options=options))

    def embed(self, texts: Sequence[str], *, model: str = "", dimensions: int | None = None) -> EmbedReply:
        """One vector a text, in order."""
        return run(self.aio.embed(texts, model=model, dimensions=dimensions))

    def speak(self, text: str | SpeakRequest, *, model: str = "", voice: str = "") -> Sound:
        """A text read out; a `SpeakRequest` also says the format, the language and the speed."""
        return run(self.aio.speak(text, model=model, voice=voice))

    def stream_speech(self, text: str | SpeakRequest, *, model: str = "", voice: str = "") -> Iterator[bytes]:
        """A text read out, piece by piece as the sound arrives."""
        return iterate(self.aio.stream_speech(text, model=model, voice=voice))

    def transcribe(self, sound: Recording, *, model: str = "") -> Transcript:
        """What is said in a file or in a `Sound`; a `TranscribeRequest` also says the language and gives a hint."""
        return run(self.aio.transcribe(sound, model=model))

    def draw(self, prompt: str | DrawRequest, *, model: str = "", size: str = "") -> Pictures:
        """Pictures of what the prompt says; a `DrawRequest` also says how many, and how good."""
        return run(self.aio.draw(prompt, model=model, size=size))

    def tokenize(self, text: str, *, model: str = "") -> tuple[int, ...]:
        """The ids of a text's tokens, as a model sees them."""
        return run(self.aio.tokenize(text, model=model))

    def detokenize(self, ids: Sequence[int], *, model: str = "") -> str:
        """The text of some tokens of a model, special tokens written out."""
        return run(self.aio.detokenize(ids, model=model))

    def apply_template(self, messages: Turns, *, model: str = "") -> str:
        """The text that a model reads for a conversation."""
        return run(self.aio.apply_template(messages, model=model))

    def describe(self, *, model: str = "") -> ModelCard:
        """The card of a model."""
        return run(self.aio.describe(model=model))

    def models(self) -> list[str]:
        """The names that can be called."""
        return run(self.aio.models())

    def default_model(self) -> str:
        """The name that is meant when a call names none."""
        return self.aio.default_model()
