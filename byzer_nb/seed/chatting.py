"""`chat_oai` and `chat`: whole answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from byzer_nb._sync import run
from byzer_nb.errors import BadInputError
from byzer_nb.mcp import McpServer
from byzer_nb.prompts.formats import response_class_format, response_class_format_after_chat
from byzer_nb.prompts.function_formats import function_calling_format, function_impl_format
from byzer_nb.prompts.ladder import with_text
from byzer_nb.prompts.markup import role_text
from byzer_nb.prompts.server_tools import spelled_out
from byzer_nb.prompts.tools import Function, Offer
from byzer_nb.seed.content import shown
from byzer_nb.seed.implementing import Implementing
from byzer_nb.seed.responses import (
    LLMClassResponse,
    LLMFunctionCallResponse,
    LLMRequest,
    LLMResponse,
    Results,
    response_of,
)
from byzer_nb.seed.shaped import calls_as_text, class_response, function_response, tool_loop
from byzer_nb.seed.speaking import Config, Conversations
from byzer_nb.seed.templates import Template
from byzer_nb.types import ChatOptions, Message


class Chatting(Implementing):
    """The calls that give a whole answer."""

    def chat_oai(
        self,
        conversations: Conversations,
        tools: Sequence[Callable[..., Any] | str | McpServer] = (),
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
    ) -> Results[LLMResponse] | Results[LLMClassResponse] | Results[LLMFunctionCallResponse]:
        """The answer to a conversation, in a list of one; `v[0].output` is the text.

        With `response_class` it is an `LLMClassResponse` whose `value` is an instance of the class, or None with the
        reason in `metadata["reason"]`.
        """
        return run(
            self.async_chat_oai(
                conversations,
                tools=tools,
                tool_choice=tool_choice,
                execute_tool=execute_tool,
                impl_func=impl_func,
                execute_impl_func=execute_impl_func,
                impl_func_params=impl_func_params,
                func_params=func_params,
                response_class=response_class,
                response_after_chat=response_after_chat,
                enable_default_sys_message=enable_default_sys_message,
                model=model,
                role_mapping=role_mapping,
                llm_config=llm_config,
                only_return_prompt=only_return_prompt,
                extra_request_params=extra_request_params,
            )
        )

    async def async_chat_oai(
        self,
        conversations: Conversations,
        tools: Sequence[Callable[..., Any] | str | McpServer] = (),
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
    ) -> Results[LLMResponse] | Results[LLMClassResponse] | Results[LLMFunctionCallResponse]:
        """The answer to a conversation, in a list of one; `v[0].output` is the text.

        With `response_class` it is an `LLMClassResponse` whose `value` is an instance of the class, or None with the
        reason in `metadata["reason"]`.
        """
        _refuse_conflicts(tools, tool_choice, impl_func, response_class)
        name = self.chat_model(model)
        messages = self.turns(name, conversations)
        media = await self.media(name, messages, llm_config, extra_request_params)
        if media is not None:
            return media
        if only_return_prompt:
            worded = self._worded(name, messages, await spelled_out(tools), tool_choice, response_class)
            text = self._final_prompt(name, worded, role_mapping)
            return Results([LLMResponse(output="", input=text)])
        options = await self.options_for(name, llm_config, extra_request_params)
        if impl_func is not None and response_class is not None:
            return await self._with_body(
                name,
                messages,
                impl_func,
                response_class,
                options,
                arguments=(impl_func_params or func_params or {}) if execute_impl_func else None,
            )
        if tools or tool_choice is not None:
            return await self._with_tools(
                name, messages, tools, tool_choice, options, execute=execute_tool, beside=func_params or {}
            )
        if response_class is None:
            return Results([response_of(await self.reply(name, messages, options), shown(messages))])
        if not response_after_chat:
            return Results([await class_response(self, name, messages, response_class, options)])
        reply = await self.reply(name, messages, options)
        again = self.format_func(name, "response_class_after_chat", response_class_format_after_chat)
        messages = (
            *messages,
            Message(role="assistant", content=reply.text),
            Message(role="user", content=again(response_class)),
        )
        return Results([await class_response(self, name, messages, response_class, options, is_worded=True)])

    async def _with_body(
        self,
        name: str,
        messages: tuple[Message, ...],
        function: Callable[..., Any],
        cls: type[BaseModel] | str,
        options: ChatOptions,
        *,
        arguments: Mapping[str, Any] | None,
    ) -> Results[LLMResponse] | Results[LLMClassResponse]:
        if arguments is not None:
            return Results([await self.implemented(name, messages, function, cls, options, arguments)])
        write = self.format_func(name, "impl_func", function_impl_format)
        asked = with_text(messages, lambda text: write(text, function, cls=cls))
        return Results([response_of(await self.reply(name, asked, options), shown(messages))])

    async def _with_tools(
        self,
        name: str,
        messages: tuple[Message, ...],
        tools: Sequence[Offer],
        choice: Function | None,
        options: ChatOptions,
        *,
        execute: bool,
        beside: Mapping[str, Any],
    ) -> Results[LLMResponse] | Results[LLMFunctionCallResponse]:
        if execute:
            return Results([await function_response(self, name, messages, tools, choice, options, beside=beside)])
        loop = tool_loop(self, name, messages, tools, choice, options, beside=beside)
        reply = await loop.ask()
        response = response_of(reply, shown(messages))
        response.output = response.output or calls_as_text(loop.pending)
        return Results([response])

    def chat(self, model: str | None, request: LLMRequest | str, extract_params: Config = None) -> Results[LLMResponse]:
        """One answer for each instruction of a request, in order."""
        return run(self._chat_each(model, request, extract_params or {}))

    raw_chat = chat

    async def _chat_each(
        self, model: str | None, request: LLMRequest | str, extract_params: Mapping[str, Any]
    ) -> Results[LLMResponse]:
        name = self.chat_model(model)
        asked = request if isinstance(request, LLMRequest) else LLMRequest(instruction=request)
        limits = {"max_length": asked.max_length, "top_p": asked.top_p, "temperature": asked.temperature}
        options = await self.options_for(name, {**limits, **extract_params}, None)
        answers: Results[LLMResponse] = Results()
        for instruction in asked.instructions():
            messages = self.turns(name, instruction)
            answers.append(response_of(await self.reply(name, messages, options), instruction))
        return answers

    def _worded(
        self,
        name: str,
        messages: tuple[Message, ...],
        tools: Sequence[Function],
        choice: Function | None,
        cls: type[BaseModel] | str | None,
    ) -> tuple[Message, ...]:
        """The messages with what is asked for in words, as a model without means of its own gets them."""
        if cls is not None:
            write = self.format_func(name, "response_class", response_class_format)
            return with_text(messages, lambda text: write(text, cls))
        if tools or choice is not None:
            offer = self.format_func(name, "function_calling", function_calling_format)
            return with_text(messages, lambda text: offer(text, list(tools), choice))
        return messages

    def _final_prompt(self, name: str, messages: tuple[Message, ...], role_mapping: Mapping[str, str] | None) -> str:
        setup = self._of(name)
        mapping = role_mapping or setup.role_mapping
        if mapping is None and isinstance(setup.template, Template):
            mapping = setup.template.role_mapping
        return role_text(messages, mapping) if mapping is not None else messages[-1].text


def _refuse_conflicts(tools: Sequence[Any], tool_choice: object, impl_func: object, response_class: object) -> None:
    if response_class is not None and (tools or tool_choice is not None):
        raise BadInputError("response_class cannot be asked for together with tools or tool_choice.")
    if impl_func is not None and response_class is None:
        raise BadInputError("impl_func needs a response_class, which its result is checked against.")
