"""Zhipu, played in process: v4 with chat and embeddings, and the retired v3 with its invocations.

v4 as its OpenAPI document and its SDK describe it, v3 as public clients read it: every answer in an envelope with the
words as JSON inside JSON, and events of plain text without a blank after `data:`, the last of which has `meta`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from tests.standins.openai import OpenAIStandIn
from tests.standins.openai_tools import pieces_of_calls
from tests.standins.vendor import KEY, Act, Body, Frames, VendorStandIn, counted, spoken, sse

ZHIPU_KEY = f"{KEY.replace('.', '-')}.Zs3cr3tPart9kdQwErTy12UiOpAs34Df"
MOST_TEXTS = 64
DIMENSIONS = {"embedding-2": (1024,), "embedding-3": (2048, 1024, 512, 256)}  # the first is the usual one
CODES = {400: "1210", 401: "1002", 403: "1220", 404: "1211", 429: "1302", 500: "500", 503: "1234"}
TOLERANCE_MS = 60_000


def wrong_token(header: str, key: str) -> str:
    """The code of what is wrong with a JWT; empty for a right one."""
    name, secret = key.split(".")
    parts = header.removeprefix("Bearer ").split(".")
    if len(parts) != 3:
        return "1002" if header else "1001"
    signature = hmac.new(secret.encode(), ".".join(parts[:2]).encode(), hashlib.sha256).digest()
    if _plain(parts[2]) != signature:
        return "1004"
    head, claims = json.loads(_plain(parts[0])), json.loads(_plain(parts[1]))
    now = time.time() * 1000
    if head.get("alg") != "HS256" or head.get("sign_type") != "SIGN" or claims.get("api_key") != name:
        return "1002"
    is_in_time = claims["exp"] > now and abs(claims["timestamp"] - now) < TOLERANCE_MS
    return "" if is_in_time else "1003"


def _plain(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class ZhipuStandIn(OpenAIStandIn):
    """v4: OpenAI's shape, with a count in the frame of the reason, and errors of its own."""

    version = "/api/paas/v4"

    def __init__(self, *, key: str = ZHIPU_KEY) -> None:
        super().__init__(key=key, models=("glm-4", "glm-4v", "embedding-2", "embedding-3"))

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/api/paas/v4/chat/completions", self.answering(self.chat))
        router.add_post("/api/paas/v4/embeddings", self.answering(self.embed))

    def unauthorised(self, request: web.Request, body: Body) -> web.Response | None:
        header = request.headers.get("Authorization", "")
        if header == f"Bearer {self.key}":
            return None
        code = wrong_token(header, self.key)
        return self._refused(code, f"{header} is not right", status=401) if code else None

    def failure(self, act: Act) -> web.Response:
        return self.json({"error": act.error or {"code": CODES[act.status], "message": act.message}}, act)

    async def chat(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        if wrong := wrong_body(body):
            return self._refused("1214", f"{wrong} 参数非法。请检查文档。", status=400)
        return await super().chat(request, body, act)

    def whole(self, act: Act, pieces: Sequence[str], head: Body, usage: Body) -> Body:
        answer = super().whole(act, pieces, head, usage)
        del answer["object"], answer["choices"][0]["logprobs"]
        return {**answer, "request_id": head["id"]}

    def frames(self, body: Body, act: Act, pieces: Sequence[str], head: Body, usage: Body) -> Frames:
        def of(delta: Body, **more: Any) -> Body:
            return {"index": 0, "delta": {"role": "assistant", **delta}, **more}

        last = {**head, "choices": [of({"content": ""}, finish_reason=act.finish_reason)]}
        return Frames(
            head=[sse({**head, "choices": [of({"reasoning_content": thought})]}) for thought in act.reasoning],
            pieces=[sse({**head, "choices": [of({"content": piece})]}) for piece in pieces],
            end=[
                *(sse({**head, "choices": [of(delta)]}) for delta in pieces_of_calls(self.calls(act, body))),
                sse(last | ({"usage": usage} if act.usage else {})),
            ],
            tail=[sse("[DONE]")] if act.has_done else [],
            error=sse({"error": act.error or {"code": CODES[500], "message": act.message}}),
        )

    async def embed(self, request: web.Request, body: Body, act: Act) -> web.Response:
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        sizes = DIMENSIONS.get(body["model"])
        if sizes is None:
            return self._refused("1211", "模型不存在,请检查模型代码。", status=400)
        size = body.get("dimensions", sizes[0])
        if size not in sizes or not 0 < len(texts) <= MOST_TEXTS:
            return self._refused("1214", "input 参数非法。请检查文档。", status=400)
        spent = counted(*texts)
        data = [
            {"object": "embedding", "index": index, "embedding": vector(text, size)} for index, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": spent, "completion_tokens": 0, "total_tokens": spent}
        return self.json({"object": "list", "model": body["model"], "data": data, "usage": usage}, act)

    def _refused(self, code: str, message: str, *, status: int) -> web.Response:
        return self.json({"error": {"code": code, "message": message}}, Act(status=status))


def vector(text: str, size: int) -> list[float]:
    """A vector that depends on the text alone."""
    digest = hashlib.sha256(text.encode()).digest()
    return [digest[place % 32] / 255 for place in range(size)]


def wrong_body(body: Body) -> str:
    """The name of the first parameter that v4 does not take as it is; nothing for a right body."""
    roles = {turn.get("role") for turn in body.get("messages") or ()}
    if not roles & {"user", "tool"} or not roles <= {"system", "user", "assistant", "tool"}:
        return "messages"
    if not all(_is_content(turn.get("content")) for turn in body["messages"]):
        return "messages"
    for name in ("temperature", "top_p"):
        if not 0 < body.get(name, 0.5) < 1:
            return name
    stop = body.get("stop", [])
    if not isinstance(stop, list) or len(stop) > 1:
        return "stop"
    return "stream_options" if "stream_options" in body else ""


def _is_content(content: object) -> bool:
    if isinstance(content, str):
        return True
    if not isinstance(content, list):
        return False
    for part in content:
        if part["type"] == "image_url":
            url = part["image_url"]["url"]
            if not url.startswith("http") and not _is_base64(url):
                return False
        elif part["type"] not in ("text", "input_audio"):
            return False
    return True


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True))
    except ValueError:
        return False


class ZhipuV3StandIn(VendorStandIn):
    """v3: the model stands in the path, and only a JWT proves who asks."""

    version = "/api/paas/v3/model-api"

    def __init__(self, *, key: str = ZHIPU_KEY) -> None:
        super().__init__(key=key)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/api/paas/v3/model-api/{model}/invoke", self.answering(self.invoke))
        router.add_post("/api/paas/v3/model-api/{model}/sse-invoke", self.answering(self.sse_invoke))

    def unauthorised(self, request: web.Request, body: Body) -> web.Response | None:
        code = wrong_token(request.headers.get("Authorization", ""), self.key)
        return self.json(failed(code, "Authentication Token非法"), Act()) if code else None  # with HTTP 200

    def failure(self, act: Act) -> web.Response:
        return self.json(act.error or failed(CODES[act.status], act.message), act)

    async def invoke(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        """A whole answer."""
        if wrong := wrong_prompt(body):
            return self.json(failed("1214", wrong), act)
        pieces = spoken(act, body, echo=body["prompt"][-1]["content"])
        await self.thinking(act, pieces)
        words = json.dumps("".join(pieces), ensure_ascii=False)
        data = {**self._meta(body, pieces), "choices": [{"role": "assistant", "content": words}]}
        return self.json({"code": 200, "msg": "操作成功", "data": data, "success": True}, act)

    async def sse_invoke(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        """An answer in events."""
        if wrong := wrong_prompt(body):
            return self.json(failed("1214", wrong), act)
        if body.get("incremental") is not True:
            return self.json(failed("1214", "this stand-in speaks in increments alone"), act)
        pieces = spoken(act, body, echo=body["prompt"][-1]["content"])
        return await self.play(request, act, text_frames(pieces, act, meta=self._meta(body, pieces)))

    def _meta(self, body: Body, pieces: Sequence[str]) -> Body:
        read = counted(*(turn["content"] for turn in body["prompt"]))
        return {
            "request_id": body.get("request_id", f"{8_000_000_000 + self.count}"),
            "task_id": f"{7_000_000_000 + self.count}",
            "task_status": "SUCCESS",
            "usage": {"prompt_tokens": read, "completion_tokens": len(pieces), "total_tokens": read + len(pieces)},
        }


def text_frames(pieces: Sequence[str], act: Act, *, meta: Body, whole: str = "") -> Frames:
    """Events of plain text; the last has the whole answer where the protocol repeats it."""
    return Frames(
        pieces=[text_event("add", piece) for piece in pieces],
        end=[text_event("finish", whole, meta=meta)],
        error=text_event("error", json.dumps(act.error or {"code": 500, "msg": act.message, "success": False})),
        malformed=b'event:finish\nid:1\nmeta:{"task_id\ndata:\n\n',
    )


def text_event(name: str, text: str, *, meta: Body | None = None) -> bytes:
    """An event as the server writes it: no blank after the colon, a line of the text in a line of its own."""
    lines = [f"event:{name}", "id:8302", *([f"meta:{json.dumps(meta)}"] if meta else [])]
    return "\n".join([*lines, *(f"data:{line}" for line in text.split("\n")), "", ""]).encode()


def failed(code: str, message: str) -> Body:
    """An envelope with nothing in it but what is wrong."""
    return {"code": int(code), "msg": message, "success": False}


def wrong_prompt(body: Body) -> str:
    """What is wrong with a conversation: user and assistant by turns, and the last word is the user's."""
    prompt = body.get("prompt")
    if not isinstance(prompt, list) or not prompt:
        return "prompt"
    if [turn["role"] for turn in prompt] != (["user", "assistant"] * len(prompt))[: len(prompt)] or not len(prompt) % 2:
        return "role"
    if not all(isinstance(turn["content"], str) for turn in prompt):
        return "content"
    return next((name for name in ("temperature", "top_p") if not 0 < body.get(name, 0.5) < 1), "")
