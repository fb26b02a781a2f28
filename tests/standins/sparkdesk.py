"""iFlytek's Spark, played in process: the signed WebSocket, and the HTTP service that speaks like OpenAI.

with SparkDeskStandIn() as spark:
    ...  appid=spark.appid, api_key=spark.api_key, api_secret=spark.api_secret, gpt_url=spark.socket_url
    assert spark.requests[-1].body["parameter"]["chat"]["domain"] == "generalv3.5"
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import struct
import time
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import replace
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import Any

from aiohttp import WSMsgType, web

from tests.standins.openai import OpenAIStandIn
from tests.standins.vendor import (
    KEY,
    RESET,
    Act,
    Body,
    Frames,
    Seen,
    VendorStandIn,
    counted,
    spoken,
    sse,
    steps,
    tear_down,
    within,
)

APPID = "5f3acafe"
API_KEY = "c2hvcnRjYW5hcnlhcGlrZXk5"
CODES = {400: 10005, 403: 11200, 404: 10404, 429: 11202, 503: 10110}  # that say the same as an HTTP status
DOMAINS = {
    "v1.1/chat": {"lite", "general"},
    "v3.1/chat": {"generalv3"},
    "v3.5/chat": {"generalv3.5"},
    "v4.0/chat": {"4.0Ultra"},
    "chat/max-32k": {"max-32k"},
    "chat/pro-128k": {"pro-128k"},
    "v1/x1": {"x1", "spark-x"},
}
CLOCK_SECONDS = 300  # that the date of a signature may be off
_AUTHORIZATION = re.compile(
    r'api_key="(?P<key>[^"]*)", ?algorithm="hmac-sha256", ?'
    r'headers="host date request-line", ?signature="(?P<sign>[^"]*)"'
)


class SparkDeskStandIn(VendorStandIn):
    """The signed WebSocket. `api_secret` is the canary."""

    version = ""

    def __init__(self, *, key: str = KEY) -> None:
        super().__init__(key=key)
        self.appid = APPID
        self.api_key = API_KEY
        self.api_secret = key
        self.clock_off = 0.0  # seconds that this server's clock is ahead
        self.handshakes = 0
        self.said_goodbye = 0  # sockets that the caller closed with a close frame

    @property
    def socket_url(self) -> str:
        """The address of a model."""
        return f"ws://127.0.0.1:{self.port}/v3.5/chat"

    def add_routes(self, router: web.UrlDispatcher) -> None:
        for path in DOMAINS:
            router.add_get(f"/{path}", self.converse)

    def refusal(self, request: web.Request) -> web.Response | None:
        """The gateway's answer to a handshake that it does not let pass."""
        given = request.query
        if "authorization" not in given:
            return web.json_response({"message": "Unauthorized"}, status=401)
        try:
            found = _AUTHORIZATION.fullmatch(b64decode(given["authorization"], validate=True).decode())
        except ValueError:
            found = None
        if found is None or found["key"] != self.api_key or given.get("host") != request.headers["Host"]:
            return web.json_response({"message": "HMAC signature cannot be verified"}, status=401)
        date = given.get("date", "")
        try:
            off = abs(parsedate_to_datetime(date).timestamp() - (time.time() + self.clock_off))
        except ValueError:
            off = float("inf")
        if not date.endswith(" GMT") or off > CLOCK_SECONDS:
            words = "a valid date or x-date header is required for HMAC Authentication"
            return web.json_response({"message": f"HMAC signature cannot be verified, {words}"}, status=403)
        signed = f"host: {given['host']}\ndate: {date}\nGET {request.path} HTTP/1.1"
        right = b64encode(hmac.new(self.api_secret.encode(), signed.encode(), hashlib.sha256).digest()).decode()
        if found["sign"] != right:
            return web.json_response({"message": "HMAC signature does not match"}, status=401)
        return None

    async def converse(self, request: web.Request) -> web.StreamResponse:
        """One socket, one question."""
        self.handshakes += 1
        if refusal := self.refusal(request):
            return refusal
        self.count += 1
        self.peers.add(request.transport.get_extra_info("peername") if request.transport else None)
        act = self._acts.popleft() if self._acts else self.always
        self.busy += 1
        try:
            return await self._played(request, act)
        except (asyncio.CancelledError, ConnectionError):
            self.aborted += 1
            raise
        finally:
            self.busy -= 1

    async def _played(self, request: web.Request, act: Act) -> web.StreamResponse:
        await asyncio.sleep(act.delay)
        if act.status != 200:
            self._note(request, b"", {})
            return web.json_response({"message": act.message}, status=act.status)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        asked = await socket.receive()
        raw = asked.data.encode() if asked.type is WSMsgType.TEXT else b""
        body = json.loads(raw) if raw else {}
        self._note(request, raw, body)
        if act.hang_up:
            tear_down(request)
            return socket
        if act.raw is not None:
            await socket.send_str(act.raw.decode())
            return socket
        error = self.complaint(request, body) or (act.error if act.error_at is None else None)
        if error is not None:
            await socket.send_str(self.error_message(error))
            return socket
        await self.speak(request, socket, act, body)
        return socket

    def _note(self, request: web.Request, raw: bytes, body: Body) -> None:
        self.requests.append(
            Seen(
                method=request.method,
                path=request.path,
                target=str(request.rel_url),
                headers=dict(request.headers),
                body=body,
                raw=raw,
            )
        )

    @property
    def sid(self) -> str:
        """The number of a request."""
        return f"cht{self.count:06x}@dx190"

    def error_message(self, error: Body | str) -> str:
        """An error, as the last message."""
        assert isinstance(error, dict)
        return json.dumps({"header": {"sid": self.sid, "status": 2, **error}})

    def complaint(self, request: web.Request, body: Body) -> Body | None:
        """The error that a message deserves, if any."""
        if set(body) != {"header", "parameter", "payload"}:
            return {"code": 10004, "message": "schema error"}
        if body["header"].get("app_id") != self.appid:
            return {"code": 10016, "message": "AppIdNoAuthError"}
        chat, text = body["parameter"]["chat"], body["payload"]["message"]["text"]
        if chat.get("domain") not in DOMAINS[request.path.removeprefix("/")]:
            return {"code": 10404, "message": "domain does not match the address"}
        temperature, top_k = chat.get("temperature", 0.5), chat.get("top_k", 4)
        if not (0 < temperature <= 1 and 1 <= top_k <= 6 and 1 <= chat.get("max_tokens", 1) <= 8192):
            return {"code": 10163, "message": "param validate error"}
        if not text or any(set(turn) != {"role", "content"} for turn in text):
            return {"code": 10003, "message": "message format error"}
        return None

    async def speak(self, request: web.Request, socket: web.WebSocketResponse, act: Act, body: Body) -> None:
        """The answer, message by message, with all that the act wants to go wrong."""
        await asyncio.sleep(act.first_token_delay)
        transport = request.transport
        assert transport is not None
        frames = self.frames(act, body)
        if act.cut_every or act.cuts is not None:
            packets = [_text_frame(step) async for step in steps(act, frames) if isinstance(step, bytes)]
            whole = b"".join(packets)
            places = act.cuts if act.cuts is not None else range(0, len(whole), act.cut_every)
            borders = sorted({0, len(whole), *(place % (len(whole) + 1) for place in places)})
            for start, end in pairwise(borders):
                transport.write(whole[start:end])
                await asyncio.sleep(0.0005 if act.cuts else 0)
            await socket.close()
            return
        async for step in steps(act, frames):
            if step is None:
                await asyncio.sleep(3600)
            elif isinstance(step, float):
                await asyncio.sleep(step)
            elif step == RESET:
                tear_down(request)
                return
            else:
                if act.comments:
                    await socket.ping()
                await socket.send_str(step.decode())
        if act.keep_open:
            goodbye = await socket.receive()
            self.said_goodbye += goodbye.type is WSMsgType.CLOSE
        else:
            await socket.close()

    def frames(self, act: Act, body: Body) -> Frames:
        """The messages of an answer."""
        turns = body["payload"]["message"]["text"]
        pieces, _ = within(
            spoken(act, body, echo=turns[-1]["content"]),
            act.finish_reason,
            most=body["parameter"]["chat"].get("max_tokens"),
        )
        written = counted(*(turn["content"] for turn in turns))
        usage = {
            "question_tokens": counted(turns[-1]["content"]),
            "prompt_tokens": written,
            "completion_tokens": len(pieces),
            "total_tokens": written + len(pieces),
        }
        sent = iter(range(10**9))

        def of(words: Body, status: int) -> bytes:
            seq = next(sent)
            status = 0 if seq == 0 and status == 1 else status
            text = [{"content": "", "role": "assistant", "index": 0, **words}]
            payload: Body = {"choices": {"status": status, "seq": seq, "text": text}}
            if status == 2 and act.usage:
                payload["usage"] = {"text": usage}
            header = {"code": 0, "message": "Success", "sid": self.sid, "status": status}
            return json.dumps({"header": header, "payload": payload}, ensure_ascii=False).encode()

        error = act.error or {"code": 10012, "message": act.message}
        return Frames(
            head=[of({"reasoning_content": thought}, 1) for thought in act.reasoning],
            pieces=[of({"content": piece}, 1) for piece in pieces],
            end=[of({}, 2)],
            error=self.error_message(error).encode(),
            malformed=b'{"header": {"code": 0, "mess',
        )


def _text_frame(text: bytes) -> bytes:
    """A text message as a server writes it."""
    size = len(text)
    if size < 126:
        return struct.pack("!BB", 0x81, size) + text
    if size < 1 << 16:
        return struct.pack("!BBH", 0x81, 126, size) + text
    return struct.pack("!BBQ", 0x81, 127, size) + text


class SparkHttpStandIn(OpenAIStandIn):
    """The HTTP service: OpenAI's, with the numbers of requests and errors that iFlytek has everywhere."""

    def __init__(self, *, key: str = KEY, models: Sequence[str] = ("generalv3.5", "lite")) -> None:
        super().__init__(key=key, models=models)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/v1/chat/completions", self.answering(self.chat))

    @property
    def sid(self) -> str:
        """The number of a request."""
        return f"cha{self.count:06x}@dx190"

    def unauthorised(self, request: web.Request, body: Body) -> web.Response | None:
        if request.headers.get("Authorization") == f"Bearer {self.key}":
            return None
        return self.json({"message": "HMAC secret key does not match"}, Act(status=401))

    def failure(self, act: Act) -> web.Response:
        if isinstance(act.error, dict) and "header" not in act.error:
            return self.json({"error": act.error}, act)
        return self.json({"error": self._error(act)}, act)

    def _error(self, act: Act) -> Body:
        words = f"{act.message} (sid: {self.sid})"
        return {"message": words, "type": "api_error", "param": None, "code": str(CODES.get(act.status, 10012))}

    async def chat(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        if body["model"] not in self.models:
            words = f"invalid param model:{body['model']}"
            return self.json({"error": {"message": words, "type": "invalid_request_error", "code": "10005"}}, act)
        return await super().chat(request, body, act)

    def whole(self, act: Act, pieces: Sequence[str], head: Body, usage: Body) -> Body:
        message: dict[str, Any] = {"role": "assistant", "content": "".join(pieces)}
        if act.reasoning:
            message["reasoning_content"] = "".join(act.reasoning)
        answer = {"code": 0, "message": "Success", "sid": self.sid, "choices": [{"message": message, "index": 0}]}
        return answer | ({"usage": usage} if act.usage else {})

    def frames(self, body: Body, act: Act, pieces: Sequence[str], head: Body, usage: Body) -> Frames:
        def of(delta: Body, spent: Body | None = None) -> bytes:
            chunk = {"code": 0, "message": "Success", "sid": self.sid, "id": self.sid, "created": 1_700_000_000}
            choice = {"delta": {"role": "assistant", "content": "", **delta}, "index": 0}
            return sse({**chunk, "choices": [choice], **({"usage": spent} if spent else {})}).replace(
                b"data: ", b"data:"
            )

        error = act.error or self._error(replace(act, status=500))
        return Frames(
            head=[of({"reasoning_content": thought}) for thought in act.reasoning],
            pieces=[of({"content": piece}) for piece in pieces],
            end=[of({}, usage if act.usage else None)],
            tail=[b"data:[DONE]\n\n"] if act.has_done else [],
            error=sse({"error": error}),
        )
