"""`chat_oai` and `chat`: whole answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from byzer_nb._sync import run
from byzer_nb.errors import AnswerError, BadInputError, UnsupportedError
from byzer_nb.prompts.answer_text import json_in
from byzer_nb.prompts.formats import response_class_format, response_class_format_after_chat
from byzer_nb.prompts.shape import to_model
from byzer_nb.seed.content import shown
from byzer_nb.seed.responses import LLMClassResponse, LLMRequest, LLMResponse, Results, response_of
from byzer_nb.seed.role_text import role_text
from byzer_nb.seed.speaking import Config, Conversations, Speaking
from byzer_nb.seed.templates import Template
from byzer_nb.types import Message, TextPart


class Chatting(Speaking):
    """The calls that give a whole answer."""

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
        messages = self.turns(name, conversations)
        media = await self.media(name, messages)
        if media is not None:
            return media
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
        asked = request if isinstance(request, LLMRequest) else LLMRequest(instruction=request)
        limits = {"max_length": asked.max_length, "top_p": asked.top_p, "temperature": asked.temperature}
        options = await self.options_for(name, {**limits, **extract_params}, None)
        answers: Results[LLMResponse] = Results()
        for instruction in asked.instructions():
            messages = self.turns(name, instruction)
            answers.append(response_of(await self.reply(name, messages, options), instruction))
        return answers

    def _asking_for(self, name: str, messages: tuple[Message, ...], cls: type[BaseModel] | str) -> tuple[Message, ...]:
        ask = self.format_func(name, "response_class", response_class_format)
        last = messages[-1]
        text = ask(last.text, cls)
        if isinstance(last.content, str):
            return (*messages[:-1], Message(role=last.role, content=text))
        beside = [part for part in last.content if not isinstance(part, TextPart)]
        return (*messages[:-1], Message(role=last.role, content=(*beside, TextPart(text=text))))

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
