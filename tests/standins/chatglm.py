"""The service of ChatGLM-130B, played in process: a token for an encrypted time, and answers that repeat themselves.

Written from what public clients of that time send and read: the time in milliseconds by RSA with PKCS #1 v1.5 padding,
the token as the bare Authorization header, and events of which each holds everything that was said before it.
"""

from __future__ import annotations

import base64
import itertools
import time

from aiohttp import web

from tests.standins.vendor import KEY, Act, Body, VendorStandIn, counted, spoken
from tests.standins.zhipu import CODES, failed, text_frames

# A pair of 512 bits, as small as the service gave them out, made for these tests.
PUBLIC_KEY = (
    "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALhGSy43+K4QGQbmxObhArpoF9lxXOlPVyTTYSEX1aVej6BOdu8ZqcsTMBqoI7XZbAuUxthjYzW1"
    "2Bkr01hsmX0CAwEAAQ=="
)
MODULUS = int(
    "b8464b2e37f8ae101906e6c4e6e102ba6817d9715ce94f5724d3612117d5a55e"
    "8fa04e76ef19a9cb13301aa823b5d96c0b94c6d8636335b5d8192bd3586c997d",
    16,
)
PRIVATE_EXPONENT = int(
    "9a3c8bd4a59889e8836a19619975a058f1a374a6c403ac1ade81e67c527cca2a"
    "0dbfec9fed84ac2dd7a48859770594167fe3aa6cf9405f56146967639aad2f69",
    16,
)
TOLERANCE_MS = 60_000


def decrypted(text: str) -> bytes:
    """The message inside; empty where the padding is not right."""
    block = pow(int.from_bytes(base64.b64decode(text), "big"), PRIVATE_EXPONENT, MODULUS).to_bytes(64, "big")
    padding, zero, message = block[2:].partition(b"\0")
    return message if block[:2] == b"\0\2" and zero and len(padding) >= 8 else b""


class ChatGLMStandIn(VendorStandIn):
    """The service at its old address; `token_calls` are the bodies of those who asked for a token."""

    version = "/api/paas"

    def __init__(self, *, key: str = KEY) -> None:
        super().__init__(key=key)
        self.token_calls: list[Body] = []
        self.token_status = 200
        self.token = ""  # the one that is taken now
        self._numbers = itertools.count(1)

    def expire(self) -> None:
        """Take the token that is out no longer."""
        self.token = "none is taken"

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/api/paas/passApiToken/createApiToken", self.create_token)
        router.add_post("/api/paas/model/v1/open/engines/chatGLM/chatGLM", self.answering(self.execute))
        router.add_post("/api/paas/model/v1/open/engines/sse/chatGLM/chatGLM", self.answering(self.execute_sse))

    async def create_token(self, request: web.Request) -> web.Response:
        """A token for a key and the time."""
        body = await request.json()
        self.token_calls.append(body)
        if self.token_status != 200:
            return web.json_response(failed("500", "内部错误"), status=self.token_status)
        stamp = decrypted(body["encrypted"])
        is_now = stamp.isdigit() and abs(int(stamp) - time.time() * 1000) < TOLERANCE_MS
        if body["apiKey"] != self.key or not is_now or "Authorization" in request.headers:
            return web.json_response(failed("1002", "apiKey 不存在"))
        self.token = f"tok-{next(self._numbers)}-eyJ0b2tlbiI6ImNhbmFyeSJ9"
        return web.json_response({"code": 200, "msg": "操作成功", "data": self.token, "success": True})

    def unauthorised(self, request: web.Request, body: Body) -> web.Response | None:
        if request.headers.get("Authorization") == self.token:
            return None
        return self.json(failed("1003", "Authentication Token已过期"), Act())  # with HTTP 200

    def failure(self, act: Act) -> web.Response:
        return self.json(act.error or failed(CODES[act.status], act.message), act)

    async def execute(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        """A whole answer."""
        if wrong := wrong_question(body):
            return self.json(failed("1214", wrong), act)
        pieces = spoken(act, body, echo=body["prompt"])
        await self.thinking(act, pieces)
        data = {
            "prompt": body["prompt"],
            "outputText": "".join(pieces),
            "inputTokenNum": None,
            "outputTokenNum": None,
            "totalTokenNum": counted(body["prompt"], *body["history"]) + len(pieces),
            "requestTaskNo": body["requestTaskNo"],
            "taskOrderNo": f"7_{self.count:018d}",
            "taskStatus": "SUCCESS" if act.finish_reason else "PROCESSING",
        }
        return self.json({"code": 200, "msg": "成功", "data": data, "success": True}, act)

    async def execute_sse(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        """An answer in events."""
        if wrong := wrong_question(body):
            return self.json(failed("1214", wrong), act)
        pieces = spoken(act, body, echo=body["prompt"])
        usage = {"total_tokens": counted(body["prompt"], *body["history"]) + len(pieces)}
        meta = {"task_id": f"7_{self.count:018d}", "task_status": "SUCCESS", "usage": usage}
        grown = list(itertools.accumulate(pieces))
        return await self.play(request, act, text_frames(grown, act, meta=meta, whole="".join(pieces)))


def wrong_question(body: Body) -> str:
    """What is wrong with a body; nothing for a right one."""
    history = body.get("history")
    if not isinstance(body.get("prompt"), str):
        return "prompt"
    if not isinstance(history, list) or len(history) % 2 or not all(isinstance(text, str) for text in history):
        return "history"
    if not isinstance(body.get("requestTaskNo"), str) or not body["requestTaskNo"].isdigit():
        return "requestTaskNo"
    return next((name for name in ("temperature", "top_p") if not 0 <= body.get(name, 0.5) <= 1), "")
