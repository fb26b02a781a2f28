"""One client for every model, with an async form and its sync twin."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing

from byzer_nb._sync import iterate, run
from byzer_nb.client.conversation import Turns, as_messages
from byzer_nb.client.gather import gather
from byzer_nb.client.local import shared_models
from byzer_nb.client.transport import Transport
from byzer_nb.errors import BadInputError, CallTimeoutError, UnsupportedError
from byzer_nb.types import (
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


class AsyncClient:
    """Talks to models by name. Without a transport to those of this process; without a model to the default one.

    `options` hold for every call, and a call's own options win over them.
    """

    def __init__(
        self, transport: Transport | None = None, *, model: str = "", options: ChatOptions | None = None
    ) -> None:
        self.transport: Transport = transport or shared_models()
        self.model = model
        self.options = options or ChatOptions()

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
        if isinstance(texts, str):
            texts = [texts]
        for position, text in enumerate(texts):
            if not isinstance(text, str):
                raise BadInputError(f"Text {position} is not a string: {text!r}")
        return await self.transport.embed(
            model or self.default_model(), EmbedRequest(texts=tuple(texts), dimensions=dimensions)
        )

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
        wanted = options.over(self.options) if options is not None else self.options
        name = model or self.default_model()
        if wanted.continue_last and messages[-1].role != "assistant":
            raise BadInputError(
                "There is nothing to continue: the last message is not the assistant's.",
                hint="Continuing needs both: the option, and a last message with the role 'assistant'.",
            )
        _check(name, await self.transport.describe(name), messages, wanted, stream=stream)
        return name, ChatRequest(messages=messages, options=wanted, stream=stream)

    async def _deltas(self, name: str, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        deltas = self.transport.chat(name, request)
        if request.options.timeout is None:
            async with aclosing(deltas):
                async for delta in deltas:
                    yield delta
            return
        deadline = asyncio.get_running_loop().time() + request.options.timeout
        async with aclosing(deltas):
            while True:
                try:
                    async with asyncio.timeout_at(deadline):
                        delta = await anext(deltas)
                except StopAsyncIteration:
                    return
                except TimeoutError as late:
                    if isinstance(late, CallTimeoutError):
                        raise
                    raise CallTimeoutError(
                        f"The model {name!r} did not finish within {request.options.timeout:g} s.",
                        hint="Give it more time with timeout=, or ask for fewer tokens.",
                        model=name,
                    ) from late
                yield delta


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
    if not able.images and any(isinstance(part, ImagePart) for message in messages for part in message.content):
        raise UnsupportedError(f"The model {name!r} does not take pictures.", hint="Ask a vision model.")


class Client:
    """The sync twin of `AsyncClient`: same names, same options, finished when a call returns."""

    def __init__(
        self, transport: Transport | None = None, *, model: str = "", options: ChatOptions | None = None
    ) -> None:
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

    def describe(self, *, model: str = "") -> ModelCard:
        """The card of a model."""
        return run(self.aio.describe(model=model))

    def models(self) -> list[str]:
        """The names that can be called."""
        return run(self.aio.models())

    def default_model(self) -> str:
        """The name that is meant when a call names none."""
        return self.aio.default_model()
