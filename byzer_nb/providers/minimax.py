"""MiniMax's chat models, in its old protocol (`chatcompletion_pro`) and in the current one (`chatcompletion_v2`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

from yarl import URL

from byzer_nb.errors import ModelCallError
from byzer_nb.providers.minimax_wire import OPTIONS, Answering, old_body, refusal, temperature, whole_answer
from byzer_nb.providers.openai_dialect import OpenAIDialect, openai_card
from byzer_nb.providers.openai_hosts import EVERY, Host
from byzer_nb.providers.openai_wire import Speaker, chat_body
from byzer_nb.providers.wire.call import Call, json_body
from byzer_nb.providers.wire.engine import WireEngine
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.route_settings import called_by, read_route, read_url, versioned, with_bearer
from byzer_nb.types import Capabilities, ChatRequest, Delta, DeploySpec, ModelCard
from byzer_nb.types.settings import Settings

DEFAULT_MODEL = "abab5.5-chat"
DEFAULT_URL = "https://api.minimax.chat/v1/text/chatcompletion_pro"
OLD, CURRENT = "chatcompletion_pro", "chatcompletion_v2"

_BLIND = re.compile("abab|minimax-m[12]", re.IGNORECASE)  # families of models that take no pictures


class MiniMax(WireEngine):
    """A chat model at MiniMax."""

    @classmethod
    def from_spec(cls, spec: DeploySpec) -> MiniMax:
        """The engine for a spec whose settings are those of `saas/minimax`, without the prefix."""
        settings = Settings(spec)
        given = read_url(settings, "api_url", "base_url", default=DEFAULT_URL)
        model = settings.text("model", default=DEFAULT_MODEL)
        is_old = _speaks_old(given, model, has_group=bool(settings.value("group_id")))
        url = _address(given, OLD if is_old else CURRENT)
        route = replace(read_route(settings, url), refusal=refusal)
        key = settings.secret("api_key")
        group = _group(settings) if is_old else ""
        settings.warn_about_the_rest()
        route = with_bearer(route, key)
        if is_old:
            called = called_by(spec, model=model, url=url, secrets=(key,), key_setting="api_key and group_id")
            card = ModelCard(model=model, engine=called.provider, capabilities=Capabilities(options=OPTIONS))
            return cls(OldDialect(model, group=group, called=called), route, called=called, card=card)
        called = called_by(spec, model=model, url=url, secrets=(key,))
        speaker = Speaker(model=model, host=Host(options=OPTIONS, no_forcing=EVERY))
        sees = not _BLIND.match(model)
        card = openai_card(speaker, called, embed=False, images=sees, audio=False, continues=False)
        return cls(CurrentDialect(speaker, called=called), route, called=called, card=card)


class OldDialect:
    """The protocol of the `abab` models: everybody who speaks has a type and a name."""

    def __init__(self, model: str, *, group: str, called: Called) -> None:
        self._model = model
        self._group = group
        self._called = called

    def chat(self, request: ChatRequest) -> Call:
        """A chat completion for a group."""
        return Call(path="", query={"GroupId": self._group}, body=json_body(old_body(request, self._model)))

    def whole(self, body: bytes, headers: Mapping[str, str]) -> Delta:
        """An answer that came in one piece."""
        return whole_answer(body, self._called, headers)

    def reading(self, headers: Mapping[str, str]) -> Answering:
        """A reader for one streamed answer."""
        return Answering(self._called, headers)

    def relent(self, refused: ModelCallError, call: Call) -> Self | None:
        """Nothing is learned from a refusal."""
        return None


class CurrentDialect(OpenAIDialect):
    """OpenAI's shapes, with a verdict beside every answer."""

    def chat(self, request: ChatRequest) -> Call:
        """A chat completion."""
        return Call(path="", body=json_body(self.body(request)))

    def body(self, request: ChatRequest) -> dict[str, Any]:  # Any: JSON
        """The body of a chat completion."""
        warm = replace(request.options, temperature=temperature(request.options))
        return chat_body(replace(request, options=warm), self.speaker)

    def whole(self, body: bytes, headers: Mapping[str, str]) -> Delta:
        """An answer that came in one piece."""
        return whole_answer(body, self.called, headers)

    def reading(self, headers: Mapping[str, str]) -> Answering:
        """A reader for one streamed answer."""
        return Answering(self.called, headers)


def _speaks_old(given: URL, model: str, *, has_group: bool) -> bool:
    """The address says which protocol is meant; where it names no call, a group and its model do."""
    if given.path.endswith((OLD, CURRENT)):
        return given.path.endswith(OLD)
    return has_group and model.startswith("abab")


def _address(given: URL, call: str) -> URL:
    """The address of the call: as it was given, or below the base URL that was given."""
    if given.path.endswith(call):
        return given
    base = versioned(given, "/v1", tails=("text", "chat/completions"))
    return base.with_path(f"{base.path}/text/{call}").with_query(base.query)


def _group(settings: Settings) -> str:
    found = settings.value("group_id")
    # It is made of digits alone, so it often arrives as a number.
    return str(found) if isinstance(found, int) else settings.secret("group_id").reveal()
