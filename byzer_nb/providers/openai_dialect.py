"""OpenAI's protocol as a dialect, for OpenAI itself and for every vendor that took it over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

import msgspec

from byzer_nb.errors import ModelCallError
from byzer_nb.providers import openai_wire
from byzer_nb.providers.openai_answers import ChatStream, vectors, whole_answer
from byzer_nb.providers.openai_wire import Speaker
from byzer_nb.providers.wire.call import Call, json_body
from byzer_nb.providers.wire.engine import tell
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.ports import Reading
from byzer_nb.types import Capabilities, ChatRequest, Delta, EmbedReply, EmbedRequest, ModelCard

CHAT_PATH = "chat/completions"
EMBED_PATH = "embeddings"


class OpenAIDialect:
    """What OpenAI and its kin say. A vendor with another address or with fields of its own changes one method."""

    most_texts = 2048

    def __init__(self, speaker: Speaker, *, called: Called) -> None:
        self.called = called
        self.speaker = speaker

    def chat(self, request: ChatRequest) -> Call:
        """A chat completion."""
        continues = openai_wire.continues(request, self.speaker.host)
        path = self.speaker.host.continuation_path if continues else CHAT_PATH
        return Call(path=path, body=json_body(self.body(request)))

    def body(self, request: ChatRequest) -> dict[str, Any]:  # Any: JSON
        """The body of a chat completion."""
        return openai_wire.chat_body(request, self.speaker)

    def whole(self, body: bytes, headers: Mapping[str, str]) -> Delta:
        """An answer that came in one piece."""
        return whole_answer(body, self.called, headers)

    def reading(self, headers: Mapping[str, str]) -> Reading:
        """A reader for one streamed answer."""
        return ChatStream(self.called, headers)

    def relent(self, refused: ModelCallError, call: Call) -> Self | None:
        """A refusal that names a parameter is answered by doing without it, from then on."""
        if refused.status not in (400, 422):
            return None
        quirk = openai_wire.quirk_behind(refused.message, msgspec.json.decode(call.body))
        if quirk is None or quirk in self.speaker.quirks:
            return None
        if quirk in ("temperature", "top_p"):
            tell(f"{self.called} takes no {quirk} of its own; it is left out.")
        return self.speaking(replace(self.speaker, quirks=self.speaker.quirks | {quirk}))

    def speaking(self, speaker: Speaker) -> Self:
        """The same dialect for a speaker of which more is known."""
        return type(self)(speaker, called=self.called)

    def embed(self, request: EmbedRequest) -> Call:
        """An embedding call."""
        return Call(path=EMBED_PATH, body=json_body(openai_wire.embed_body(request, self.speaker.model)))

    def vectors(self, body: bytes, headers: Mapping[str, str], *, texts: int) -> EmbedReply:
        """One vector a text."""
        return vectors(body, self.called, headers, texts=texts)


def openai_card(speaker: Speaker, called: Called, **can: bool) -> ModelCard:
    """The card of a model of which only the name is known; whether this host also embeds, it alone knows."""
    is_embedding = "embedding" in speaker.model.lower()
    chats = not is_embedding
    abilities = {"chat": chats, "stream": chats, "embed": True, "images": chats, "audio": chats, "continues": chats}
    able = {**abilities, **can}
    # Those that do not chat have nobody who could call or be held to anything.
    able["tools"] = able["chat"] and speaker.host.takes_tools(speaker.model)
    able["schema"] = able["chat"] and speaker.host.takes_schemas(speaker.model)
    return ModelCard(
        model=speaker.model,
        engine=called.provider,
        capabilities=Capabilities(**able, options=speaker.options),
    )
