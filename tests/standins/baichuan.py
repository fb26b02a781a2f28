"""Baichuan, played in process: the current chat and embeddings, and the retired chat that wants every call signed.

Written from the vendor's API pages; the lines of the retired stream from what public clients read.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import replace

from aiohttp import web

from tests.standins.openai import OpenAIStandIn, embedding, error_of
from tests.standins.vendor import KEY, Act, Body, Frames, VendorStandIn, counted, spoken, sse, within

SECRET = "bc-secret-91c0e77d4ab3f628-do-not-leak"
FIELDS = {
    "model",
    "messages",
    "stream",
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "with_search_enhance",
    "knowledge_base",
    "response_format",
    "tools",
    "tool_choice",
}
PARAMETERS = {"temperature", "top_p", "top_k", "with_search_enhance"}
MOST_TEXTS = 16
DIMENSIONS = 1024


def wrong_sampling(given: Body) -> str:
    """What is wrong with the numbers; more than 20 as top_k counts as 20."""
    for name, most in (("temperature", 1), ("top_p", 1)):
        if name in given and not 0 <= given[name] <= most:
            return f"{name} is out of its range"
    return "top_k is out of its range" if given.get("top_k", 0) < 0 else ""


class BaichuanStandIn(OpenAIStandIn):
    """The current protocol."""

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/v1/chat/completions", self.answering(self.chat))
        router.add_post("/v1/embeddings", self.answering(self.embed))

    def unauthorised(self, request: web.Request, body: Body) -> web.Response | None:
        if request.headers.get("Authorization") == f"Bearer {self.key}":
            return None
        return self.json({"error": _error("Incorrect API key provided", "invalid_api_key")}, Act(status=401))

    def refused(self, words: str, act: Act) -> web.Response:
        """The answer to a body that the protocol forbids."""
        return self.json({"error": _error(words, "invalid_request_error")}, act, status=400)

    async def chat(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        """A chat completion."""
        if strange := body.keys() - FIELDS:
            return self.refused(f"unknown field {', '.join(sorted(strange))}", act)
        if not body.get("model") or not body.get("messages"):
            return self.refused("model and messages are required", act)
        for turn in body["messages"]:
            if turn["role"] not in ("system", "user", "assistant", "tool") or not isinstance(turn["content"], str):
                return self.refused("a message is not right", act)
        if wrong := wrong_sampling(body):
            return self.refused(wrong, act)
        return await super().chat(request, body, act)

    def frames(self, body: Body, act: Act, pieces: Sequence[str], head: Body, usage: Body) -> Frames:
        """Chunks without a blank after `data:`; the last has the reason and the count, and [DONE] follows."""
        chunk = {**head, "object": "chat.completion.chunk"}

        def of(piece: str, *, reason: str | None = "", **more: Body) -> bytes:
            delta = {"role": "assistant", "content": piece}
            whole = {**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **more}
            return sse(whole).replace(b"data: ", b"data:", 1)

        return Frames(
            pieces=[of(piece) for piece in pieces],
            end=[of("", reason=act.finish_reason, usage=usage)],
            tail=[b"data: [DONE]\n\n"],
            error=sse({"error": act.error or error_of(act.message)}),
        )

    async def embed(self, request: web.Request, body: Body, act: Act) -> web.Response:
        """A vector for each text."""
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        if len(texts) > MOST_TEXTS or body.keys() != {"model", "input"}:
            return self.refused("input is not right", act)
        spent = counted(*texts)
        data = [
            {"object": "embedding", "index": index, "embedding": embedding(text, DIMENSIONS)}
            for index, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": spent, "total_tokens": spent}
        return self.json({"object": "list", "data": data, "model": body["model"], "usage": usage}, act)


class BaichuanSignedStandIn(VendorStandIn):
    """The retired protocol: `md5(secret + body + timestamp)` proves who asks, and all verdicts come with HTTP 200."""

    stream_type = "application/octet-stream"

    def __init__(self, *, key: str = KEY, secret: str = SECRET) -> None:
        super().__init__(key=key)
        self.secret = secret

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/v1/chat", self.answering(self.chat))
        router.add_post("/v1/stream/chat", self.answering(self.stream_chat))

    def unauthorised(self, request: web.Request, body: Body) -> web.Response | None:
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            return self.verdict(10101, "Invalid apikey", Act())
        moment = request.headers.get("X-BC-Timestamp", "")
        if not moment.isdecimal():
            return self.verdict(10103, "Invalid Timestamp parameter in request header", Act())
        if abs(time.time() - int(moment)) > 60:
            return self.verdict(10104, "Expire Timestamp parameter in request header", Act())
        signed = self.secret.encode() + self.requests[-1].raw + moment.encode()
        given = request.headers.get("X-BC-Signature")
        if request.headers.get("X-BC-Sign-Algo") != "MD5" or given != hashlib.md5(signed).hexdigest():
            return self.verdict(10105, "Invalid Signature parameter in request header", Act())
        return None

    def verdict(self, code: int, words: str, act: Act) -> web.Response:
        """An answer that is none."""
        return self.json({"code": code, "msg": words}, self.named(act))

    def named(self, act: Act) -> Act:
        """The act with the header that names the call."""
        return replace(act, headers={"X-BC-Request-Id": f"bc-{self.count}", **act.headers})

    def failure(self, act: Act) -> web.Response:
        return self.json(act.error or {"code": 1, "msg": act.message}, self.named(act))

    async def chat(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        """A whole answer."""
        if wrong := self.wrong(body):
            return self.verdict(10000, f"Invalid parameters, please check: {wrong}", act)
        pieces, act, usage = self.answer(body, act)
        await self.thinking(act, pieces)
        said = _said("".join(pieces), act.finish_reason)
        return self.json({**said, "usage": usage}, self.named(act))

    async def stream_chat(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        """An answer line by line."""
        if wrong := self.wrong(body):
            return self.verdict(10000, f"Invalid parameters, please check: {wrong}", act)
        pieces, act, usage = self.answer(body, act)
        frames = Frames(
            pieces=[_line(_said(piece, "")) for piece in pieces],
            end=[_line({**_said("", act.finish_reason), "usage": usage})],
            error=_line(act.error or {"code": 10500, "msg": act.message}),
        )
        return await self.play(request, self.named(act), frames)

    def answer(self, body: Body, act: Act) -> tuple[list[str], Act, Body]:
        """The pieces, the act with the reason that they end for, and the count."""
        pieces, reason = within(spoken(act, body, echo=body["messages"][-1]["content"]), act.finish_reason)
        read = counted(*(turn["content"] for turn in body["messages"]))
        usage = {"prompt_tokens": read, "answer_tokens": len(pieces), "total_tokens": read + len(pieces)}
        return pieces, replace(act, finish_reason=reason), usage

    def wrong(self, body: Body) -> str:
        """What is wrong with a body; nothing for a right one."""
        if not body.get("model") or not body.get("messages") or body.keys() - {"model", "messages", "parameters"}:
            return "fields"
        for turn in body["messages"]:
            if turn["role"] not in ("user", "assistant") or not isinstance(turn["content"], str):
                return "messages"
        given = body.get("parameters", {})
        return "parameters" if given.keys() - PARAMETERS else wrong_sampling(given)


def _said(text: str, reason: str | None) -> Body:
    message = {"role": "assistant", "content": text, "finish_reason": reason}
    return {"code": 0, "msg": "success", "data": {"messages": [message]}}


def _line(body: Body | str) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode() + b"\n"


def _error(words: str, kind: str) -> Body:
    return {"code": kind, "param": None, "type": kind, "message": words}
