"""Zhipu's current protocol, v4: OpenAI's shape with words of its own; for every provider that asks there."""

from __future__ import annotations

import hmac
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

import msgspec
from yarl import URL

from byzer_nb.errors import BadInputError, ModelCallError
from byzer_nb.providers.openai_answers import ChatStream
from byzer_nb.providers.openai_dialect import OpenAIDialect, openai_card
from byzer_nb.providers.openai_hosts import EVERY, Host
from byzer_nb.providers.openai_wire import Speaker
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.asked import inline
from byzer_nb.providers.wire.call import Call, Signature
from byzer_nb.providers.wire.engine import tell
from byzer_nb.providers.wire.failures import Called, Complaint
from byzer_nb.providers.wire.http import Route, Sign, Wire
from byzer_nb.providers.wire.ports import Reading
from byzer_nb.providers.wire.route_settings import called_by, read_route, with_bearer
from byzer_nb.providers.wire.sse import Event
from byzer_nb.types import ChatOptions, ChatRequest, Delta, DeploySpec, EmbedReply, ModelCard, Secret
from byzer_nb.types.settings import Settings

DEFAULT_MODEL = "glm-4"
DEFAULT_BASE_URL = "https://open.bigmodel.cn/api/paas/v4"
VERSION = "/api/paas/v4"
TAILS = ("chat/completions", "embeddings", "api/paas")  # what people leave at the end of a base URL

OPTIONS = frozenset({"max_tokens", "temperature", "top_p", "stop", "seed", "timeout", "extra"})
NO_TOOLS = "^glm-4v|charglm|emohaa|codegeex"  # models for pictures and for roles to play
TOKEN_SECONDS = 210
LOWEST, HIGHEST = 0.01, 0.99  # Zhipu reads two decimals, and takes neither 0 nor 1

# Zhipu's own error codes, each with the HTTP status that says the same. A code that is not here means what its
# status says. Limits of a day or a plan are like missing credit: they do not pass while a call is tried again.
MEANT: dict[str, int] = {
    **dict.fromkeys(("1000", "1001", "1002", "1003", "1004"), 401),
    **dict.fromkeys(("1113", "1304", "1308", "1309", "1310"), 402),
    **dict.fromkeys(("1110", "1111", "1112", "1121", "1220", "1311", "1313"), 403),
    **dict.fromkeys(("1211", "1221", "1222"), 404),
    **dict.fromkeys(("1210", "1212", "1213", "1214", "1215", "1300", "1301"), 400),
    "1261": 413,
    **dict.fromkeys(("1302", "1303", "1305", "1312"), 429),
    **dict.fromkeys(("500", "1120", "1230", "1234"), 500),
}


def zhipu_error(
    complaint: Complaint, *, otherwise: int, status: int = 200, headers: Mapping[str, str], called: Called
) -> ModelCallError:
    """Zhipu's complaint as one of our errors; `otherwise` is what a code means that nobody knows."""
    meant = MEANT.get(complaint.code, otherwise)
    return failures.classified(complaint, meant=meant, status=status, headers=headers, called=called)


def refusal(status: int, body: bytes, headers: Mapping[str, str], called: Called) -> ModelCallError:
    """The error behind an answer that is not a success.

    The code says more than the status: 429 may be a rate limit, and an empty account.
    """
    if status < 400:
        return failures.from_status(status, body, headers, called)
    return zhipu_error(failures.complaint_in(body), otherwise=status, status=status, headers=headers, called=called)


def filtered(headers: Mapping[str, str], called: Called) -> ModelCallError:
    """The error of an answer that Zhipu's content filter stopped."""
    return failures.classified(
        Complaint(message="the content filter stopped this answer", code="sensitive"),
        meant=400,
        headers=headers,
        called=called,
    )


def read_current(spec: DeploySpec, settings: Settings, url: URL) -> tuple[ZhipuDialect, Route, Called, ModelCard]:
    """What makes an engine for v4 at that address; the key is the last of the settings to be read."""
    model = settings.text("model", default=DEFAULT_MODEL)
    if model.lower().startswith("chatglm_"):
        raise BadInputError(
            f"{model!r} is retired: Zhipu's v4 does not have it.",
            hint=f"Write model={DEFAULT_MODEL!r}. A server that still speaks v3 is chosen with base_url='.../v3'.",
        )
    host = Host(options=OPTIONS, no_tools=NO_TOOLS, no_forcing=EVERY)
    speaker = Speaker(model=model, host=host, quirks=frozenset({"stream_options"}))
    signs = settings.flag("jwt", default=False)
    route = replace(read_route(settings, url), refusal=refusal)
    key = settings.secret("api_key")
    called = called_by(spec, model=model, url=url, secrets=(key,))
    embeds = "embedding" in model.lower()
    card = openai_card(speaker, called, embed=embeds, continues=False)
    route = replace(route, sign=signing(key)) if signs else with_bearer(route, key)
    return ZhipuDialect(speaker, called=called), route, called, card


def signing(key: Secret) -> Sign:
    """Proves who asks with a token of a few minutes instead of the key."""
    if not re.fullmatch(r"[^.]+\.[^.]+", key.reveal()):
        raise BadInputError("api_key must have the form 'id.secret' to make a JWT of it.", hint="Copy it whole.")

    async def sign(wire: Wire, call: Call, url: URL) -> Signature:
        return Signature(headers={"Authorization": Secret(f"Bearer {_token(key).reveal()}")})

    return sign


def _token(key: Secret) -> Secret:
    """The JWT as Zhipu wants it: times in milliseconds, and one claim more in its head."""
    name, _, secret = key.reveal().partition(".")
    now = round(time.time() * 1000)
    head = {"alg": "HS256", "sign_type": "SIGN", "typ": "JWT"}
    claims = {"api_key": name, "exp": now + TOKEN_SECONDS * 1000, "timestamp": now}
    signed = b".".join(_base64(msgspec.json.encode(part)) for part in (head, claims))
    return Secret(b".".join((signed, _base64(hmac.digest(secret.encode(), signed, sha256)))).decode())


def _base64(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


class Fitting:
    """Brings temperature and top_p inside the open interval from 0 to 1, and tells once of each that this changes.

    A temperature of 0 becomes the lowest without a word: it chooses the same answer.
    """

    def __init__(self, called: Called) -> None:
        self._called = called
        self._told: set[str] = set()

    def fitted(self, options: ChatOptions) -> dict[str, float]:
        """Those of the two that were given, as Zhipu takes them."""
        given = {name: value for name in ("temperature", "top_p") if (value := getattr(options, name)) is not None}
        fitted = {name: min(max(value, LOWEST), HIGHEST) for name, value in given.items()}
        changed = [name for name, value in given.items() if value != fitted[name] and value != 0]
        if news := [name for name in changed if name not in self._told]:
            self._told.update(news)
            tell(
                f"{self._called} takes {' and '.join(news)} between 0 and 1, both excluded: "
                f"{', '.join(f'{name}={fitted[name]:g} instead of {given[name]:g}' for name in news)} is sent."
            )
        return fitted


class ZhipuDialect(OpenAIDialect):
    """What Zhipu says in OpenAI's shape."""

    def __init__(self, speaker: Speaker, *, called: Called) -> None:
        super().__init__(speaker, called=called)
        # embedding-2 takes 8K tokens a call and 512 a text; its successor 64 texts.
        self.most_texts = 16 if "embedding-2" in speaker.model else 64
        self._fitting = Fitting(called)

    def body(self, request: ChatRequest) -> dict[str, Any]:  # Any: JSON
        """The body of a chat: sampling as Zhipu takes it, and pictures in base64 without a prefix."""
        body = super().body(request)
        sampling: dict[str, Any] = self._fitting.fitted(request.options)
        if request.options.temperature == 0:
            sampling["do_sample"] = False
        body |= {name: value for name, value in sampling.items() if name not in request.options.extra}
        for turn in body["messages"]:
            if not isinstance(turn["content"], str):
                turn["content"] = [_bare(part) for part in turn["content"]]
        return body

    def whole(self, body: bytes, headers: Mapping[str, str]) -> Delta:
        """An answer that came in one piece."""
        _check(body, headers, self.called)
        return super().whole(body, headers)

    def reading(self, headers: Mapping[str, str]) -> Reading:
        """A reader for one streamed answer."""
        return ZhipuStream(self.called, headers)

    def vectors(self, body: bytes, headers: Mapping[str, str], *, texts: int) -> EmbedReply:
        """One vector a text."""
        _check(body, headers, self.called)
        return super().vectors(body, headers, texts=texts)


class ZhipuStream(ChatStream):
    """What is known of a streamed answer so far."""

    __slots__ = ()

    def read(self, event: Event) -> Delta | None:
        """What the event adds; Zhipu's own errors, and words that its filter stopped, are raised."""
        if b'"error"' in event.data or b'"sensitive"' in event.data:
            _check(event.data, self._headers, self._called)
        return super().read(event)


class _Ended(msgspec.Struct, gc=False):
    finish_reason: str | None = None


class _Verdict(msgspec.Struct, gc=False):
    """What may have gone wrong in an answer or in a chunk of one."""

    error: Any = None  # Any: an object, in the forms that complaint_of knows
    choices: list[_Ended] | None = None


_decode_verdict = msgspec.json.Decoder(_Verdict).decode


def _check(body: bytes, headers: Mapping[str, str], called: Called) -> None:
    """Raise what went wrong in Zhipu's own words; other errors, and what cannot be read, are left to the reader."""
    try:
        verdict = _decode_verdict(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    complaint = failures.complaint_of(verdict.error) if verdict.error else Complaint()
    if complaint.code in MEANT:
        raise zhipu_error(complaint, otherwise=0, headers=headers, called=called)
    if any(choice.finish_reason == "sensitive" for choice in verdict.choices or ()):
        raise filtered(headers, called)


def _bare(part: dict[str, Any]) -> dict[str, Any]:
    picture = part.get("image_url")
    if picture is None or (data := inline(picture["url"])) is None:
        return part
    return {**part, "image_url": {**picture, "url": data.base64}}
