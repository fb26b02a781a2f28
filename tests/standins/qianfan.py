"""Baidu's Qianfan, played in process: the first protocol with its token service, and the second, which is OpenAI's.

with QianfanStandIn() as qianfan:
    ...  api_key=qianfan.api_key, secret_key=qianfan.secret_key, base_url=qianfan.url
    qianfan.revoke()                       # the next call finds its token refused
    qianfan.accepts_tokens = False         # every token is
    assert len(qianfan.token_requests) == 2
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from tests.standins.openai import OpenAIStandIn, last_words
from tests.standins.vendor import KEY, Act, Body, Frames, VendorStandIn, counted, spoken, sse, within

API_KEY = "Zr3canary9application0key"
CODES = {400: 336003, 401: 110, 403: 6, 404: 3, 429: 18, 503: 336100}  # that say the same as an HTTP status
CHAT = "/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/"
KNOWN = frozenset(
    {
        "messages",
        "temperature",
        "top_p",
        "penalty_score",
        "stream",
        "system",
        "stop",
        "max_output_tokens",
        "user_id",
        "disable_search",
        "enable_citation",
        "response_format",
        "extra_parameters",
    }
)


class QianfanStandIn(VendorStandIn):
    """The first protocol. `secret_key` is the canary; a token is good until it is revoked."""

    version = ""

    def __init__(self, *, key: str = KEY) -> None:
        super().__init__(key=key)
        self.api_key = API_KEY
        self.secret_key = key
        self.tokens: set[str] = set()
        self.accepts_tokens = True
        self.token_requests: list[dict[str, str]] = []
        self.expires_in = 2_592_000.0
        self.token_act = Act()  # how the token service answers

    def grant(self) -> str:
        """A new token, as the service gives it."""
        token = f"24.{len(self.token_requests)}canarytoken{self.key[-12:]}.2592000"
        self.tokens.add(token)
        return token

    def revoke(self) -> None:
        """No token that was given is good any longer."""
        self.tokens.clear()

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/{base:.*}oauth/2.0/token", self.give_token)
        router.add_post("/{base:.*}" + CHAT.removeprefix("/") + "{endpoint}", self.answering(self.chat))

    async def give_token(self, request: web.Request) -> web.StreamResponse:
        """The token service: everything stands in the address."""
        self.token_requests.append(dict(request.query))
        act = self.token_act
        if act.delay:
            await asyncio.sleep(act.delay)
        if act.raw is not None:
            return web.Response(body=act.raw, status=act.status, content_type=act.raw_type)
        if act.status != 200:
            return self.json({"error": "server_error", "error_description": act.message}, act)
        if request.query.get("grant_type") != "client_credentials":
            return self.json({"error": "unsupported_grant_type", "error_description": ""}, act, status=400)
        if request.query.get("client_id") != self.api_key:
            return self.json({"error": "invalid_client", "error_description": "unknown client id"}, act, status=401)
        if request.query.get("client_secret") != self.secret_key:
            words = "Client authentication failed"
            return self.json({"error": "invalid_client", "error_description": words}, act, status=401)
        return self.json({"access_token": self.grant(), "expires_in": self.expires_in, "scope": "public"}, act)

    def unauthorised(self, request: web.Request, body: Body) -> web.Response | None:
        if self.accepts_tokens and request.query.get("access_token") in self.tokens:
            return None
        return self.refused(110, "Access token invalid or no longer valid")

    def refused(self, code: int, message: str, act: Act | None = None) -> web.Response:
        """An error; it comes with success."""
        return self.json({"error_code": code, "error_msg": message, "id": f"as-{self.count}"}, act or Act())

    def failure(self, act: Act) -> web.Response:
        if isinstance(act.error, dict):
            return self.json({"id": f"as-{self.count}", **act.error}, act)
        return self.refused(CODES.get(act.status, 336000), act.message, act)

    def complaint(self, body: Body) -> str:
        """What the protocol forbids about a body, or nothing."""
        if unknown := set(body) - KNOWN:
            return f"unknown parameter {', '.join(sorted(unknown))}"
        messages = body.get("messages")
        if not messages:
            return "messages must not be empty"
        if len(messages) % 2 == 0:
            return "the length of messages must be an odd number"
        for index, message in enumerate(messages):
            if index % 2 == 0 and message["role"] not in ("user", "function"):
                return "the role of message with even index in the messages must be user or function"
            if index % 2 == 1 and message["role"] != "assistant":
                return "the role of message with odd index in the messages must be assistant"
            if not isinstance(message["content"], str) or not message["content"]:
                return "the content of message must not be empty"
        if not messages[-1]["content"].strip():
            return "the content of the last message must not be blank"
        return (
            _outside(body, "temperature", 0, 1, above=True)
            or _outside(body, "top_p", 0, 1)
            or _outside(body, "penalty_score", 1, 2)
            or _outside(body, "max_output_tokens", 2, 4096)
        )

    async def chat(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        """A chat with the model of that endpoint."""
        if words := self.complaint(body):
            return self.refused(336006 if "message" in words else 336003, words)
        if request.match_info["endpoint"] == "eb-instant" and "max_output_tokens" in body:
            return self.refused(336003, "max_output_tokens is not supported")
        pieces, reason = within(
            spoken(act, body, echo=last_words(body)),
            act.finish_reason,
            stop=body.get("stop"),
            most=body.get("max_output_tokens"),
        )
        written = counted(body.get("system", ""), *(turn["content"] for turn in body["messages"]))
        head = {"id": f"as-{self.count}", "object": "chat.completion", "created": 1_700_000_000}
        reason = {"stop": "normal"}.get(reason or "", reason)

        def of(text: str, *, sentence: int | None, is_end: bool, so_far: int) -> Body:
            cut = {"sentence_id": sentence, "is_end": is_end} if sentence is not None else {}
            usage = {"prompt_tokens": written, "completion_tokens": so_far, "total_tokens": written + so_far}
            return {
                **head,
                **cut,
                "is_truncated": reason == "length" and is_end,
                "result": text,
                "need_clear_history": False,
                "finish_reason": reason if is_end else "normal",
                **({"usage": usage} if act.usage else {}),
            }

        if body.get("stream"):
            count = len(pieces)
            last = of("", sentence=count, is_end=True, so_far=count)
            error = act.error or {"error_code": 336000, "error_msg": act.message}
            frames = Frames(
                pieces=[sse(of(piece, sentence=at, is_end=False, so_far=at + 1)) for at, piece in enumerate(pieces)],
                end=[sse(last)],
                error=sse(error),
            )
            return await self.play(request, replace(act, finish_reason=reason), frames)
        await self.thinking(act, pieces)
        return self.json(of("".join(pieces), sentence=None, is_end=True, so_far=len(pieces)), act)


def _outside(body: Body, name: str, least: float, most: float, *, above: bool = False) -> str:
    value: Any = body.get(name)
    if value is None or (least < value <= most) or (value == least and not above):
        return ""
    return f"{name} value is invalid"


class QianfanV2StandIn(OpenAIStandIn):
    """The second protocol: OpenAI's, with Baidu's errors and numbers."""

    version = "/v2"

    def __init__(self, *, models: Sequence[str] = ("ernie-4.0-turbo-8k", "embedding-v1")) -> None:
        super().__init__(key=f"bce-v3/ALTAK-{KEY}", models=models)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/v2/chat/completions", self.answering(self.chat))
        router.add_post("/v2/embeddings", self.answering(self.embed))

    def unauthorised(self, request: web.Request, body: Body) -> web.Response | None:
        if request.headers.get("Authorization") == f"Bearer {self.key}":
            return None
        return self.refused("invalid_iam_token", "IAM Certification failed", "invalid_request_error", Act(status=401))

    def refused(self, code: str, message: str, kind: str, act: Act) -> web.Response:
        """An error as the documents show it."""
        error = {"code": code, "message": message, "type": kind}
        return self.json({"error": error, "id": f"as-{self.count}"}, act)

    def failure(self, act: Act) -> web.Response:
        if act.error is not None:
            return self.json({"error": act.error, "id": f"as-{self.count}"}, act)
        return self.refused("internal_error", act.message, "internal_error", act)

    async def embed(self, request: web.Request, body: Body, act: Act) -> web.Response:
        if len(body["input"]) > 16:
            return self.refused(
                "invalid_argument", "too many inputs", "invalid_request_error", replace(act, status=400)
            )
        return await super().embed(request, body, act)
