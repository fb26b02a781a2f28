"""Everything that may be given as the `llm` of a prompt function."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from pydantic import BaseModel

from byzer_nb._registry import nearest
from byzer_nb.client import AsyncClient, Client
from byzer_nb.client.tagged import parts_of
from byzer_nb.errors import BadInputError, WrongTypeError
from byzer_nb.prompts.formats import response_class_format
from byzer_nb.prompts.function import ACCEPTED
from byzer_nb.prompts.speaker import Speaker
from byzer_nb.seed.llm_config import read_llm_config
from byzer_nb.seed.speaking import Speaking
from byzer_nb.types import ChatOptions, Delta, Message, Reply

OPTIONS = ("model", "llm_config", "extra_request_params")
# Arguments of `chat_oai` and `stream_chat_oai` that change nothing for a prompt function.
IDLE_OPTIONS = ("delta_mode", "enable_default_sys_message", "role_mapping")


def speaker_for(llm: object) -> Speaker:
    """The speaker behind a client or behind the name of a running model."""
    if isinstance(llm, str):
        return ClientSpeaker(AsyncClient(model=llm))
    if isinstance(llm, Speaking):
        return SeedSpeaker(llm)
    if isinstance(llm, Client):
        return ClientSpeaker(llm.aio)
    if isinstance(llm, AsyncClient):
        return ClientSpeaker(llm)
    raise WrongTypeError(f"{llm!r} is no model.", hint=f"Give {ACCEPTED}.")


class SeedSpeaker:
    """A `ByzerLLM` or `SimpleByzerLLM`: options are arguments of `chat_oai`."""

    def __init__(self, llm: Speaking) -> None:
        self._llm = llm

    async def reply(self, prompt: str, *, options: Mapping[str, Any]) -> Reply:
        name, asked = await self._asked(options)
        return await self._llm.reply(name, self._llm.turns(name, prompt), asked)

    async def deltas(self, prompt: str, *, options: Mapping[str, Any]) -> AsyncGenerator[Delta, None]:
        name, asked = await self._asked(options)
        async with aclosing(self._llm.deltas(name, self._llm.turns(name, prompt), asked)) as deltas:
            async for delta in deltas:
                yield delta

    def shaped(self, prompt: str, cls: type[BaseModel]) -> str:
        name = self._llm.default_model_name or ""
        return self._llm.format_func(name, "response_class", response_class_format)(prompt, cls)

    async def _asked(self, options: Mapping[str, Any]) -> tuple[str, ChatOptions]:
        _check_names(options)
        name = self._llm.chat_model(options.get("model"))
        config = options.get("llm_config")
        return name, await self._llm.options_for(name, config, options.get("extra_request_params"))


class ClientSpeaker:
    """A `Client`, or a running model by its name."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def reply(self, prompt: str, *, options: Mapping[str, Any]) -> Reply:
        return await self._client.chat(_as_turn(prompt), model=options.get("model") or "", options=_read(options))

    async def deltas(self, prompt: str, *, options: Mapping[str, Any]) -> AsyncGenerator[Delta, None]:
        deltas = self._client.stream(_as_turn(prompt), model=options.get("model") or "", options=_read(options))
        async with aclosing(deltas):
            async for delta in deltas:
                yield delta

    def shaped(self, prompt: str, cls: type[BaseModel]) -> str:
        return response_class_format(prompt, cls)


def _as_turn(prompt: str) -> Message:
    return Message(role="user", content=parts_of(prompt))


def _read(options: Mapping[str, Any]) -> ChatOptions:
    _check_names(options)
    extra = options.get("extra_request_params")
    return read_llm_config(options.get("llm_config") or {}, {"extra_request_params": extra} if extra else {})


def _check_names(options: Mapping[str, Any]) -> None:
    for name in options:
        if name not in OPTIONS and name not in IDLE_OPTIONS:
            raise BadInputError(
                f"A prompt function has no option {name!r}.",
                hint=nearest(name, list(OPTIONS)) + "Known: " + ", ".join(OPTIONS),
            )
