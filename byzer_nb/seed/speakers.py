"""Everything that may be given as the `llm` of a prompt function."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, cast

from pydantic import BaseModel

from byzer_nb._registry import nearest
from byzer_nb.client import AsyncClient, Client
from byzer_nb.client.conversation import as_messages
from byzer_nb.client.tagged import parts_of
from byzer_nb.errors import BadInputError, WrongTypeError
from byzer_nb.prompts.function import ACCEPTED
from byzer_nb.prompts.ladder import Shaped, shaped_answer
from byzer_nb.prompts.shape import Shape
from byzer_nb.prompts.speaker import Speaker, Turn
from byzer_nb.seed.content import read_conversations
from byzer_nb.seed.llm_config import read_llm_config
from byzer_nb.seed.shaped import shaped_by
from byzer_nb.seed.speaking import Conversations, Speaking
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

    async def reply(self, turns: Sequence[Turn], *, options: Mapping[str, Any], continues: bool = False) -> Reply:
        name, asked = await self._asked(options, continues=continues)
        return await self._llm.reply(name, self._turns(name, turns), asked)

    async def deltas(
        self, turns: Sequence[Turn], *, options: Mapping[str, Any], continues: bool = False
    ) -> AsyncGenerator[Delta, None]:
        name, asked = await self._asked(options, continues=continues)
        async with aclosing(self._llm.deltas(name, self._turns(name, turns), asked)) as deltas:
            async for delta in deltas:
                yield delta

    async def can_continue(self, options: Mapping[str, Any]) -> bool:
        card = await self._llm.client.describe(model=self._llm.chat_model(options.get("model")))
        return card.capabilities.continues

    async def shaped(self, turns: Sequence[Turn], cls: type[BaseModel], *, options: Mapping[str, Any]) -> Shaped[Any]:
        name, asked = await self._asked(options, continues=False)
        return await shaped_by(self._llm, name, self._turns(name, turns), cls, asked)

    def _turns(self, name: str, turns: Sequence[Turn]) -> tuple[Message, ...]:
        return self._llm.turns(name, cast("Conversations", turns))  # whose reader leaves messages as they are

    async def _asked(self, options: Mapping[str, Any], *, continues: bool) -> tuple[str, ChatOptions]:
        _check_names(options)
        name = self._llm.chat_model(options.get("model"))
        config = options.get("llm_config")
        asked = await self._llm.options_for(name, config, options.get("extra_request_params"))
        return name, replace(asked, continue_last=True) if continues else asked


class ClientSpeaker:
    """A `Client`, or a running model by its name."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def reply(self, turns: Sequence[Turn], *, options: Mapping[str, Any], continues: bool = False) -> Reply:
        asked = _read(options, continues=continues)
        return await self._client.chat(_messages(turns), model=options.get("model") or "", options=asked)

    async def deltas(
        self, turns: Sequence[Turn], *, options: Mapping[str, Any], continues: bool = False
    ) -> AsyncGenerator[Delta, None]:
        asked = _read(options, continues=continues)
        async with aclosing(
            self._client.stream(_messages(turns), model=options.get("model") or "", options=asked)
        ) as deltas:
            async for delta in deltas:
                yield delta

    async def can_continue(self, options: Mapping[str, Any]) -> bool:
        card = await self._client.describe(model=options.get("model") or "")
        return card.capabilities.continues

    async def shaped(self, turns: Sequence[Turn], cls: type[BaseModel], *, options: Mapping[str, Any]) -> Shaped[Any]:
        asked = _read(options, continues=False)
        model = options.get("model") or ""
        return await shaped_answer(self._client, _messages(turns), Shape(cls), model=model, options=asked)


def _messages(turns: Sequence[Turn]) -> tuple[Message, ...]:
    return as_messages([_read_turn(turn) for turn in turns])


def _read_turn(turn: Turn) -> Turn:
    if isinstance(turn, Message):
        return turn
    if isinstance(turn["content"], str):
        return {"role": turn["role"], "content": parts_of(turn["content"])}
    return read_conversations([turn])[0]


def _read(options: Mapping[str, Any], *, continues: bool) -> ChatOptions:
    _check_names(options)
    extra = options.get("extra_request_params")
    asked = read_llm_config(options.get("llm_config") or {}, {"extra_request_params": extra} if extra else {})
    return replace(asked, continue_last=True) if continues else asked


def _check_names(options: Mapping[str, Any]) -> None:
    for name in options:
        if name not in OPTIONS and name not in IDLE_OPTIONS:
            raise BadInputError(
                f"A prompt function has no option {name!r}.",
                hint=nearest(name, list(OPTIONS)) + "Known: " + ", ".join(OPTIONS),
            )
