"""One client for every model, with an async form and its sync twin."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from reprlib import repr as short

from byzer_nb._sync import iterate, run
from byzer_nb.client.conversation import Turns, as_messages
from byzer_nb.client.gather import gather
from byzer_nb.client.reachable import reachable_models
from byzer_nb.client.transport import Transport
from byzer_nb.errors import BadInputError, CallTimeoutError, UnsupportedError, WrongTypeError
from byzer_nb.types import (
    AudioPart,
    ChatOptions,
    ChatRequest,
    Delta,
    EmbedReply,
    EmbedRequest,
    ImagePart,
    Message,
    ModelCard,
    Reply,
)
from byzer_nb.types.options import SILENT

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

    async def chat(self, messages: Turns, *, model: str = "", options: ChatOptions | None = None) -> Reply:
        """The whole answer."""
        name, request = await self._prepared(messages, model, options, stream=False)
        async with aclosing(self._deltas(name, request)) as deltas:
            return await gather(deltas, model=name)

    async def stream(
        self, messages: Turns, *, model: str = "", options: ChatOptions | None = None
    ) -> AsyncGenerator[Delta, None]:
        """The answer piece by piece; leaving the loop early stops the model."""
        name, request = await self._prepared(messages, model, options, stream=True)
        async with aclosing(self._deltas(name, request)) as deltas:
            async for delta in deltas:
                yield delta

    async def embed(self, texts: Sequence[str], *, model: str = "", dimensions: int | None = None) -> EmbedReply:
        """One vector a text, in order."""
        wanted = _as_texts(texts)
        if dimensions is not None and dimensions < 1:
            raise BadInputError(f"dimensions must be at least 1, not {dimensions!r}.")
        name = model or self.default_model()
        if not wanted:
            return EmbedReply(vectors=(), model=name)
        return await self.transport.embed(name, EmbedRequest(texts=wanted, dimensions=dimensions))

    async def tokenize(self, text: str, *, model: str = "") -> tuple[int, ...]:
        """The ids of a text's tokens, as a model sees them."""
        if not isinstance(text, str):
            raise WrongTypeError(f"tokenize() takes a text, not {short(text)}.")
        return await self.transport.tokenize(model or self.default_model(), text)

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
        self, turns: Turns, model: str, options: ChatOptions | None, *, stream: bool
    ) -> tuple[str, ChatRequest]:
        messages = as_messages(turns)
        wanted = self.options if options is None else options.over(self.options)
        name = model or self.default_model()
        if wanted.continue_last and messages[-1].role != "assistant":
            raise BadInputError(
                "There is nothing to continue: the last message is not the assistant's.",
                hint="Continuing needs both: the option, and a last message with the role 'assistant'.",
            )
        card = await self.transport.describe(name)
        _check(name, card, messages, wanted, stream=stream)
        if wanted is not SILENT and card.capabilities.options:
            self._tell_of_unknown(name, wanted, card.capabilities.options)
        return name, ChatRequest(messages=messages, options=wanted, stream=stream)

    def _tell_of_unknown(self, name: str, options: ChatOptions, known: frozenset[str]) -> None:
        unknown = {(name, option) for option in options.given()} - {(name, option) for option in known | BY_ANY_ENGINE}
        if news := unknown - self._told:
            self._told |= news
            ignored = ", ".join(sorted(option for _, option in news))
            warnings.warn(f"The model {name!r} does not know {ignored} and answers without.", stacklevel=2)

    def _deltas(self, name: str, request: ChatRequest) -> AsyncGenerator[Delta, None]:
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


def _check(name: str, card: ModelCard, messages: tuple[Message, ...], options: ChatOptions, *, stream: bool) -> None:
    able = card.capabilities
    if not able.chat:
        raise UnsupportedError(
            f"The model {name!r} does not support text generation.",
            hint="It turns texts into vectors; call embed()." if able.embed else "",
        )
    if stream and not able.stream:
        raise UnsupportedError(f"The model {name!r} does not support stream chat.", hint="Call chat() instead.")
    if options.continue_last and not able.continues:
        raise UnsupportedError(
            f"The model {name!r} cannot continue a begun answer.", hint="Leave out the last assistant message."
        )
    parts = [part for message in messages if not isinstance(message.content, str) for part in message.content]
    if not able.images and any(isinstance(part, ImagePart) for part in parts):
        raise UnsupportedError(f"The model {name!r} does not take pictures.", hint="Ask a vision model.")
    if not able.audio and any(isinstance(part, AudioPart) for part in parts):
        raise UnsupportedError(f"The model {name!r} does not take sound.", hint="Ask a model that listens.")


class Client:
    """The sync twin of `AsyncClient`: same names, same options, finished when a call returns."""

    def __init__(
        self, transport: Transport | None = None, *, model: str = "", options: ChatOptions | None = None
    ) -> None:
        _check_transport(transport, cls=type(self))
        self.aio = AsyncClient(transport, model=model, options=options)

    def chat(self, messages: Turns, *, model: str = "", options: ChatOptions | None = None) -> Reply:
        """The whole answer."""
        return run(self.aio.chat(messages, model=model, options=options))

    def stream(self, messages: Turns, *, model: str = "", options: ChatOptions | None = None) -> Iterator[Delta]:
        """The answer piece by piece; leaving the loop early stops the model."""
        return iterate(self.aio.stream(messages, model=model, options=options))

    def embed(self, texts: Sequence[str], *, model: str = "", dimensions: int | None = None) -> EmbedReply:
        """One vector a text, in order."""
        return run(self.aio.embed(texts, model=model, dimensions=dimensions))

    def tokenize(self, text: str, *, model: str = "") -> tuple[int, ...]:
        """The ids of a text's tokens, as a model sees them."""
        return run(self.aio.tokenize(text, model=model))

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
