"""`chat_oai` and its family: the documents' calls over the one client."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, TypeAlias

from pydantic import BaseModel

from byzer_nb._sync import iterate, run
from byzer_nb.client import AsyncClient, Transport
from byzer_nb.errors import AnswerError, BadInputError, UnsupportedError
from byzer_nb.prompts.answer_text import json_in
from byzer_nb.prompts.formats import response_class_format, response_class_format_after_chat
from byzer_nb.prompts.shape import to_model
from byzer_nb.seed.content import read_conversations, shown
from byzer_nb.seed.llm_config import read_llm_config
from byzer_nb.seed.responses import (
    LLMClassResponse,
    LLMRequest,
    LLMResponse,
    Results,
    SingleOutputMeta,
    StreamItem,
    response_of,
)
from byzer_nb.seed.role_text import role_text
from byzer_nb.seed.setup import Setup
from byzer_nb.seed.templates import Template
from byzer_nb.types import ChatOptions, Delta, Message, ModelCard, Reply

Conversations: TypeAlias = "str | Sequence[Mapping[str, Any]]"
Config: TypeAlias = "Mapping[str, Any] | None"

# What a provider is asked for when nobody says; engines on this machine have defaults of their own.
SAAS_DEFAULTS = ChatOptions(temperature=0.7, top_p=0.9)


class Speaking(Setup):
    """Everything that talks to a model; how it is reached is the transport's business."""

    def __init__(self, transport: Transport, *, verbose: bool = False) -> None:
        super().__init__()
        self.verbose = verbose
        self.client = AsyncClient(transport)
        self._is_reasoning: set[str] = set()  # models that take no sampling options

    # -- chat -----------------------------------------------------------------------------------------------------

    def chat_oai(
        self,
        conversations: Conversations,
        tools: Sequence[Callable[..., Any] | str] = (),
        tool_choice: Callable[..., Any] | str | None = None,
        execute_tool: bool = False,
        impl_func: Callable[..., Any] | None = None,
        execute_impl_func: bool = False,
        impl_func_params: Mapping[str, Any] | None = None,
        func_params: Mapping[str, Any] | None = None,
        response_class: type[BaseModel] | str | None = None,
        response_after_chat: bool = False,
        enable_default_sys_message: bool = True,
        model: str | None = None,
        role_mapping: Mapping[str, str] | None = None,
        llm_config: Config = None,
        only_return_prompt: bool = False,
        extra_request_params: Config = None,
    ) -> Results[LLMResponse] | Results[LLMClassResponse]:
        """The answer to a conversation, in a list of one; `v[0].output` is the text.

        With `response_class` it is an `LLMClassResponse` whose `value` is an instance of the class, or None with the
        reason in `metadata["reason"]`.
        """
        return run(
            self.async_chat_oai(
                conversations,
                tools,
                tool_choice,
                execute_tool,
                impl_func,
                execute_impl_func,
                impl_func_params,
                func_params,
                response_class,
                response_after_chat,
                enable_default_sys_message,
                model,
                role_mapping,
                llm_config,
                only_return_prompt,
                extra_request_params,
            )
        )

    async def async_chat_oai(
        self,
        conversations: Conversations,
        tools: Sequence[Callable[..., Any] | str] = (),
        tool_choice: Callable[..., Any] | str | None = None,
        execute_tool: bool = False,
        impl_func: Callable[..., Any] | None = None,
        execute_impl_func: bool = False,
        impl_func_params: Mapping[str, Any] | None = None,
        func_params: Mapping[str, Any] | None = None,
        response_class: type[BaseModel] | str | None = None,
        response_after_chat: bool = False,
        enable_default_sys_message: bool = True,
        model: str | None = None,
        role_mapping: Mapping[str, str] | None = None,
        llm_config: Config = None,
        only_return_prompt: bool = False,
        extra_request_params: Config = None,
    ) -> Results[LLMResponse] | Results[LLMClassResponse]:
        """The answer to a conversation, in a list of one; `v[0].output` is the text.

        With `response_class` it is an `LLMClassResponse` whose `value` is an instance of the class, or None with the
        reason in `metadata["reason"]`.
        """
        _refuse_conflicts(tools, tool_choice, impl_func, response_class)
        name = self.chat_model(model)
        messages = self._with_base_system(name, read_conversations(conversations))
        if response_class is not None and not response_after_chat:
            messages = self._asking_for(name, messages, response_class)
        if only_return_prompt:
            text = self._final_prompt(name, messages, role_mapping)
            return Results([LLMResponse(output="", input=text)])
        options = await self.options_for(name, llm_config, extra_request_params)
        reply = await self.reply(name, messages, options)
        if response_class is None:
            return Results([response_of(reply, shown(messages))])
        if response_after_chat:
            again = self.format_func(name, "response_class_after_chat", response_class_format_after_chat)
            messages = (
                *messages,
                Message(role="assistant", content=reply.text),
                Message(role="user", content=again(response_class)),
            )
            reply = await self.reply(name, messages, options)
        return Results([_class_response(response_of(reply, shown(messages)), response_class)])

    def chat(self, model: str | None, request: LLMRequest | str, extract_params: Config = None) -> Results[LLMResponse]:
        """One answer for each instruction of a request, in order."""
        return run(self._chat_each(model, request, extract_params or {}))

    raw_chat = chat

    async def _chat_each(
        self, model: str | None, request: LLMRequest | str, extract_params: Mapping[str, Any]
    ) -> Results[LLMResponse]:
        name = self.chat_model(model)
        asked = LLMRequest(instruction=request) if isinstance(request, str) else request
        options = await self.options_for(
            name,
            {"max_length": asked.max_length, "top_p": asked.top_p, "temperature": asked.temperature, **extract_params},
            None,
        )
        answers: Results[LLMResponse] = Results()
        for instruction in asked.instructions():
            messages = (Message(role="user", content=instruction),)
            answers.append(response_of(await self.reply(name, messages, options), instruction))
        return answers

    async def reply(self, name: str, messages: tuple[Message, ...], options: ChatOptions) -> Reply:
        """The whole answer of one model, trimmed as its template says."""
        self._say_verbosely(name, messages, options)
        reply = await self.client.chat(messages, model=name, options=options)
        template = self._of(name).template
        return replace(reply, text=template.clean_func(reply.text)) if isinstance(template, Template) else reply

    # -- stream ---------------------------------------------------------------------------------------------------

    def stream_chat_oai(
        self,
        conversations: Conversations,
        model: str | None = None,
        role_mapping: Mapping[str, str] | None = None,
        delta_mode: bool = False,
        llm_config: Config = None,
        extra_request_params: Config = None,
    ) -> Iterator[StreamItem]:
        """Pairs of text and meta: the text so far, or with `delta_mode` only the new piece."""
        return iterate(
            self.async_stream_chat_oai(conversations, model, role_mapping, delta_mode, llm_config, extra_request_params)
        )

    async def async_stream_chat_oai(
        self,
        conversations: Conversations,
        model: str | None = None,
        role_mapping: Mapping[str, str] | None = None,
        delta_mode: bool = False,
        llm_config: Config = None,
        extra_request_params: Config = None,
    ) -> AsyncGenerator[StreamItem, None]:
        """Pairs of text and meta: the text so far, or with `delta_mode` only the new piece."""
        name = self.chat_model(model)
        messages = self._with_base_system(name, read_conversations(conversations))
        options = await self.options_for(name, llm_config, extra_request_params)
        text = reasoning = ""
        meta = SingleOutputMeta()
        async with aclosing(self.deltas(name, messages, options)) as deltas:
            async for delta in deltas:
                text += delta.text
                reasoning += delta.reasoning
                meta = _meta_after(delta, meta, delta.reasoning if delta_mode else reasoning)
                yield StreamItem(delta.text if delta_mode else text, meta)

    def deltas(self, name: str, messages: tuple[Message, ...], options: ChatOptions) -> AsyncGenerator[Delta, None]:
        """The answer of one model piece by piece."""
        self._say_verbosely(name, messages, options)
        return self.client.stream(messages, model=name, options=options)

    # -- embeddings -----------------------------------------------------------------------------------------------

    def emb(
        self, model: str | None, request: LLMRequest | Sequence[str] | str, extract_params: Config = None
    ) -> Results[LLMResponse]:
        """One response for each text, whose `output` is its vector; without a model the default one embeds."""
        return run(self._emb(model, request))

    def emb_query(self, text: str, model: str | None = None) -> Results[LLMResponse]:
        """The vector of one text."""
        return self.emb(model, LLMRequest(instruction=text))

    async def _emb(self, model: str | None, request: LLMRequest | Sequence[str] | str) -> Results[LLMResponse]:
        name = model or self.default_emb_model_name
        if not name:
            raise BadInputError(
                "model name is required", hint="Pass it, or call setup_default_emb_model_name(name) once."
            )
        asked = request if isinstance(request, LLMRequest) else LLMRequest(instruction=_texts(request))
        texts = asked.instructions()
        reply = await self.client.embed(texts, model=name)
        return Results(
            LLMResponse(
                output=list(vector),
                input=text,
                # The provider counts a batch as a whole, so the count stands once and sums stay right.
                metadata={
                    "input_tokens_count": reply.usage.input_tokens if position == 0 else 0,
                    "generated_tokens_count": 0,
                },
            )
            for position, (text, vector) in enumerate(zip(texts, reply.vectors, strict=True))
        )

    # -- what every call needs ------------------------------------------------------------------------------------

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

    async def options_for(self, name: str, llm_config: Config, extra: Config) -> ChatOptions:
        """What a call asks for, over what was set up for the model, over the defaults."""
        setup = self._of(name)
        card = await self.client.describe(model=name)
        from_template = setup.template.generation_config if isinstance(setup.template, Template) else {}
        asked = read_llm_config(
            from_template if card.is_local else {},  # a template is about a tokenizer, which a provider hides
            setup.generation,
            llm_config or {},
            {"extra_request_params": extra} if extra else {},
        )
        if card.is_local or name in self._is_reasoning:
            defaults = ChatOptions(max_tokens=setup.max_output_length)
        else:
            defaults = replace(SAAS_DEFAULTS, max_tokens=setup.max_output_length)
        return asked.over(defaults)

    def _with_base_system(self, name: str, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        text = self._of(name).base_system_message
        if not text or messages[0].role == "system":
            return messages
        return (Message(role="system", content=text), *messages)

    def _asking_for(self, name: str, messages: tuple[Message, ...], cls: type[BaseModel] | str) -> tuple[Message, ...]:
        ask = self.format_func(name, "response_class", response_class_format)
        last = messages[-1]
        return (*messages[:-1], Message(role=last.role, content=ask(last.text, cls)))

    def _final_prompt(self, name: str, messages: tuple[Message, ...], role_mapping: Mapping[str, str] | None) -> str:
        setup = self._of(name)
        template = setup.template
        mapping = role_mapping or setup.role_mapping
        if mapping is None and isinstance(template, Template):
            mapping = template.role_mapping
        return role_text(messages, mapping) if mapping is not None else messages[-1].text

    def _say_verbosely(self, name: str, messages: tuple[Message, ...], options: ChatOptions) -> None:
        if self.verbose:
            print({"model": name, "messages": shown(messages), **options.given()})


def _refuse_conflicts(tools: Sequence[Any], tool_choice: object, impl_func: object, response_class: object) -> None:
    if response_class is not None and (tools or tool_choice is not None):
        raise BadInputError("response_class cannot be asked for together with tools or tool_choice.")
    if impl_func is not None and response_class is None:
        raise BadInputError("impl_func needs a response_class, which its result is checked against.")
    if tools or tool_choice is not None or impl_func is not None:
        raise UnsupportedError(
            "This version calls no tools and writes no function bodies.",
            hint="Ask for the arguments with response_class= and call the function yourself.",
        )


def _class_response(response: LLMResponse, cls: type[BaseModel] | str) -> LLMClassResponse:
    try:
        value = json_in(response.output) if isinstance(cls, str) else to_model(response.output, cls)
    except AnswerError as wrong:
        return LLMClassResponse(response=response, value=None, metadata={"reason": wrong.message})
    return LLMClassResponse(response=response, value=value, metadata={"reason": ""})


def _meta_after(delta: Delta, before: SingleOutputMeta, reasoning: str) -> SingleOutputMeta:
    usage = delta.usage
    return SingleOutputMeta(
        input_tokens_count=usage.input_tokens if usage else before.input_tokens_count,
        generated_tokens_count=usage.output_tokens if usage else before.generated_tokens_count,
        reasoning_content=reasoning,
        finish_reason=delta.finish_reason or before.finish_reason,
        first_token_time=before.first_token_time,
    )


def _texts(request: Sequence[str] | str) -> list[str] | str:
    return request if isinstance(request, str) else list(request)
