"""What every call of the documents needs: the model that is meant, its options, its words trimmed."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import lru_cache
from typing import Any, Self, TypeAlias

from byzer_nb._sync import run
from byzer_nb.client import AsyncClient, Transport
from byzer_nb.errors import BadInputError
from byzer_nb.seed.content import read_conversations, shown
from byzer_nb.seed.events import EventCallback, EventName, Events, as_reply
from byzer_nb.seed.hidden import without_secrets
from byzer_nb.seed.llm_config import read_llm_config
from byzer_nb.seed.media_requests import MediaRequest, media_request, response_with
from byzer_nb.seed.responses import LLMResponse, Results, response_of
from byzer_nb.seed.setup import Setup
from byzer_nb.seed.templates import Template, fitting_template
from byzer_nb.seed.trimming import trimmed, unchanged
from byzer_nb.types import ChatOptions, ChatRequest, Delta, Message, ModelCard, Picture, Reply, Sound, SpeakRequest

Conversations: TypeAlias = "str | Sequence[Mapping[str, Any]]"
Config: TypeAlias = "Mapping[str, Any] | None"

# What a provider is asked for when nobody says; engines on this machine have defaults of their own.
SAAS_DEFAULTS: Mapping[str, Any] = {"temperature": 0.7, "top_p": 0.9}


class Speaking(Setup):
    """Everything that talks to a model; how it is reached is the transport's business."""

    def __init__(self, transport: Transport, *, verbose: bool = False) -> None:
        super().__init__()
        self.verbose = verbose
        self.client = AsyncClient(transport)
        self._events = Events()

    def add_event_callback(self, event_name: EventName | str, callback: EventCallback) -> Self:
        """Call `callback(llm, model, payload)` before each call of a model, or after it with the results.

        It returns `(True, None)` to go on, or `(False, results)` to answer in the model's place.
        """
        self._events.add(event_name, callback)
        return self

    def card(self, name: str) -> ModelCard:
        """How a model introduces itself."""
        return run(self.client.describe(model=name))

    def chat_model(self, model: str | None) -> str:
        """The model that a call means."""
        name = model or self.default_model_name
        if not name:
            raise BadInputError(
                "No model is named in this call, and there is no default one.",
                hint="Pass model=, or call setup_default_model_name(name) once.",
            )
        return name

    def _named(self, model: str | None) -> str:
        name = model or self.default_model_name
        if not name:
            raise BadInputError("model name is required", hint="Pass it, or call setup_default_model_name(name) once.")
        return name

    def turns(self, name: str, conversations: Conversations) -> tuple[Message, ...]:
        """The conversation as messages, after the system message that was set up for the model."""
        messages = read_conversations(conversations)
        text = self._of(name).base_system_message
        if not text or messages[0].role == "system":
            return messages
        return (Message(role="system", content=text), *messages)

    async def options_for(self, name: str, llm_config: Config, extra: Config) -> ChatOptions:
        """What a call asks for, over what was set up for the model, over the defaults."""
        setup = self._of(name)
        card = await self.client.describe(model=name)
        template = fitting_template(setup.template, card, name=name)
        asked = read_llm_config(
            template.generation_config if template and card.is_local else {},  # a provider hides its tokenizer
            setup.generation,
            llm_config or {},
            {"extra_request_params": extra} if extra else {},
            engine=card.engine,
        )
        return asked.over(_defaults(card, setup.max_output_length))

    async def media_request(
        self, name: str, messages: tuple[Message, ...], llm_config: Config, extra: Config
    ) -> MediaRequest | None:
        """What is asked of a model that speaks or draws; None of any other."""
        able = (await self.client.describe(model=name)).capabilities
        if able.chat:
            return None
        asked = read_llm_config(llm_config or {}, {"extra_request_params": extra} if extra else {})
        return media_request(messages, able, asked)

    async def media(
        self, name: str, messages: tuple[Message, ...], llm_config: Config, extra: Config
    ) -> Results[LLMResponse] | None:
        """Sound or pictures, one response for each, from a model that makes them; None from any other."""
        request = await self.media_request(name, messages, llm_config, extra)
        if request is None:
            return None
        started = time.perf_counter()
        made: Sequence[Sound | Picture]
        if isinstance(request, SpeakRequest):
            made = [await self.client.speak(request, model=name)]
        else:
            made = await self.client.draw(request, model=name)
        seconds = time.perf_counter() - started
        return Results([response_with(each, sent=shown(messages), seconds=seconds) for each in made])

    async def reply(
        self, name: str, messages: tuple[Message, ...], options: ChatOptions, *, request: ChatRequest | None = None
    ) -> Reply:
        """The whole answer of one model, trimmed as its template says; `request` may bring tools or a schema."""
        instead = self._instead_of_calling(name, messages, options)
        if instead is not None:
            return instead
        self._say_verbosely(name, messages, options)
        asked = ChatRequest(messages=messages) if request is None else replace(request, messages=messages)
        reply = await self.client.chat(asked, model=name, options=options)
        template = await self._template(name)
        if template is not None:
            reply = replace(reply, text=template.clean_func(reply.text))
        return self._after_calling(name, messages, reply)

    def _instead_of_calling(self, name: str, messages: tuple[Message, ...], options: ChatOptions) -> Reply | None:
        if not self._events:
            return None
        payload = [{"instruction": messages[-1].text, "history": shown(messages[:-1]), **options.given()}]
        results = self._events.instead_of(EventName.BEFORE_CALL_MODEL, self, name, payload)
        return None if results is None else as_reply(results, model=name)

    def _after_calling(self, name: str, messages: tuple[Message, ...], reply: Reply) -> Reply:
        if not self._events:
            return reply
        metadata = response_of(reply, None).metadata
        results = [{"predict": reply.text, "metadata": metadata, "input": shown(messages)}]
        instead = self._events.instead_of(EventName.AFTER_CALL_MODEL, self, name, results)
        return reply if instead is None else as_reply(instead, model=name)

    def deltas(self, name: str, messages: tuple[Message, ...], options: ChatOptions) -> AsyncGenerator[Delta, None]:
        """The answer of one model piece by piece, trimmed as its template says."""
        instead = self._instead_of_calling(name, messages, options)
        if instead is not None:
            return _said(instead)
        self._say_verbosely(name, messages, options)
        deltas = self.client.stream(messages, model=name, options=options)
        return deltas if self._of(name).template is None else self._trimmed(name, deltas)

    async def _trimmed(self, name: str, deltas: AsyncGenerator[Delta, None]) -> AsyncGenerator[Delta, None]:
        template = await self._template(name)
        if template is not None and template.clean_func is not unchanged:
            deltas = trimmed(deltas, template.clean_func)
        async with aclosing(deltas):
            async for delta in deltas:
                yield delta

    async def _template(self, name: str) -> Template | None:
        wanted = self._of(name).template
        if wanted is None or isinstance(wanted, Template):
            return wanted
        return fitting_template(wanted, await self.client.describe(model=name), name=name)

    def _say_verbosely(self, name: str, messages: tuple[Message, ...], options: ChatOptions) -> None:
        if self.verbose:
            given = options.given()
            if "extra" in given:
                given["extra"] = without_secrets(given["extra"])
            print({"model": name, "messages": shown(messages), **given})


async def _said(reply: Reply) -> AsyncGenerator[Delta, None]:
    yield Delta(text=reply.text, finish_reason=reply.finish_reason, usage=reply.usage)


@lru_cache(maxsize=256)
def _defaults(card: ModelCard, max_output_length: int | None) -> ChatOptions:
    """What holds when nobody says, as far as the model can be told."""
    defaults = {} if card.is_local else dict(SAAS_DEFAULTS)
    if max_output_length is not None:
        defaults["max_tokens"] = max_output_length
    return ChatOptions(**{name: value for name, value in defaults.items() if name in card.capabilities.options})
