"""Volcengine's speech service, played in process: its v1 queries and its v3 lines, as its documents describe them.

The codes are those of the vendor's tables. What the documents leave open, the HTTP status that comes with a code, is
200 for failures of the synthesis, and 400 or 403 for requests that do not get that far.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any
from uuid import UUID

from aiohttp import web

from tests.standins.sounds import sound_of
from tests.standins.vendor import Act, Body, Frames, VendorStandIn

APP_ID = "7820115"
CLUSTER = "volcano_tts"
VOICES = ("BV705_streaming", "BV001_streaming")
SPEAKERS = ("zh_female_vv_uranus_bigtts", "zh_male_m191_uranus_bigtts")
RESOURCES = ("seed-tts-2.0", "seed-tts-1.0")
CODE_OF_STATUS = {400: 3001, 401: 3001, 403: 3001, 429: 3003, 500: 3031, 503: 3005}
V3_CODE_OF_STATUS = {400: 45000001, 401: 45000010, 403: 45000030, 429: 45000292, 500: 55000000, 503: 55000000}
NO_GRANT = "load grant: requested grant not found in SaaS storage"


class VolcengineStandIn(VendorStandIn):
    """The protocol of clusters (v1): one JSON document, whatever the status."""

    version = ""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: set[str] = set()  # of requests that were answered before

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """The path of queries."""
        router.add_post("/api/v1/tts", self.answering(self.query))

    def unauthorised(self, request: web.Request, body: Body) -> web.Response | None:
        if request.headers.get("Authorization") == f"Bearer;{self.key}" and body.get("app", {}).get("appid") == APP_ID:
            return None
        return self.said(3001, f"authenticate request: {NO_GRANT}", body, status=403)

    def failure(self, act: Act) -> web.Response:
        if isinstance(act.error, dict):
            return self.json({"reqid": "", "operation": "query", "sequence": 0, **act.error}, act)
        return self.json({"reqid": "", "code": CODE_OF_STATUS.get(act.status, 3001), "message": act.message}, act)

    def said(self, code: int, message: str, body: Body, *, status: int = 200) -> web.Response:
        """A refusal in the vendor's form."""
        number = body.get("request", {}).get("reqid", "")
        return self.json({"reqid": number, "code": code, "message": message}, Act(status=status))

    async def query(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        """The whole sound of a text."""
        audio, asked = body["audio"], body["request"]
        if not body["app"].get("token") or body["app"].get("cluster") != CLUSTER or not body["user"].get("uid"):
            return self.said(3001, "Missing required: app.token, app.cluster or user.uid", body, status=400)
        if asked.get("operation") != "query" or asked.get("text_type", "plain") not in ("plain", "ssml"):
            return self.said(3001, "Invalid request: operation or text_type", body, status=400)
        if audio.get("encoding", "pcm") not in ("mp3", "wav", "pcm", "ogg_opus"):
            return self.said(3001, f"unsupported encoding {audio['encoding']}", body, status=400)
        if not 0.2 <= audio.get("speed_ratio", 1.0) <= 3:
            return self.said(3001, "speed_ratio must be in [0.2, 3]", body, status=400)
        number = str(UUID(asked["reqid"]))
        if number in self.numbers:
            return self.said(3006, "duplicated reqid", body)
        self.numbers.add(number)
        if not asked.get("text"):
            return self.said(3011, "illegal input text!", body)
        if len(asked["text"].encode()) > 1024:
            return self.said(3010, "text too long", body)
        if audio.get("voice_type") not in VOICES:
            return self.said(3050, f"voice_type {audio.get('voice_type')} not found", body)
        pieces = sound_of(act, asked["text"])
        await self.thinking(act, list(map(str, pieces)))
        return self.json(
            {
                "reqid": asked["reqid"],
                "code": 3000,
                "operation": "query",
                "message": "Success",
                "sequence": -1,
                "data": b64encode(b"".join(pieces)).decode(),
                "addition": {"duration": "1960"},
            },
            act,
        )

    async def _acted(
        self, request: web.Request, body: Body, act: Act, *rest: Any, **options: Any
    ) -> web.StreamResponse:
        response = await super()._acted(request, body, act, *rest, **options)
        if response.status != 200 and (number := body.get("request", {}).get("reqid")):
            self.numbers.add(number)  # a number is used up by a failure too
        return response


class VolcengineV3StandIn(VendorStandIn):
    """The protocol of resources (v3): a JSON document a line."""

    version = ""
    stream_type = "application/json"

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """The path of texts that come whole and of sound that comes in pieces."""
        router.add_post("/api/v3/tts/unidirectional", self.answering(self.narrate))

    def unauthorised(self, request: web.Request, body: Body) -> web.Response | None:
        head = request.headers
        of_application = head.get("X-Api-App-Id") == APP_ID and head.get("X-Api-Access-Key") == self.key
        if not (of_application or ("X-Api-App-Id" not in head and head.get("X-Api-Key") == self.key)):
            return self.said(45000010, NO_GRANT, status=401)
        resource = head.get("X-Api-Resource-Id", "")
        if resource not in RESOURCES:
            words = f"resourceId {resource} is not allowed" if resource else "get resource id empty"
            return self.said(45000000, words, status=400)
        return None

    def failure(self, act: Act) -> web.Response:
        if isinstance(act.error, dict):
            return web.Response(body=_line(act.error), status=act.status, content_type=self.stream_type)
        return self.said(V3_CODE_OF_STATUS.get(act.status, 45000000), act.message, status=act.status, act=act)

    def said(self, code: int, message: str, *, status: int, act: Act | None = None) -> web.Response:
        """A refusal before any line."""
        headers = {"X-Tt-Logid": f"log_{self.count}", **(act.headers if act else {})}
        body = {"header": {"reqid": f"req_{self.count}", "code": code, "message": message}}
        return web.json_response(body, status=status, headers=headers)

    async def narrate(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        """The lines of a text."""
        asked = body.get("req_params")
        if not isinstance(asked, dict) or not isinstance(asked.get("additions", ""), str) or "user" not in body:
            return self.said(45000000, "payload unmarshal", status=400)
        audio = asked["audio_params"]
        if audio.get("format", "mp3") not in ("mp3", "ogg_opus", "pcm", "wav"):
            return self.said(45000001, "[Invalid argument] format", status=400)
        if not -50 <= audio.get("speech_rate", 0) <= 100:
            return self.said(45000001, "[Invalid argument] speech_rate", status=400)
        json.loads(asked.get("additions") or "{}")
        if not asked.get("text"):
            return self.failure(Act(error={"code": 45002001, "message": "No readable text!", "data": None}))
        if asked.get("speaker") not in SPEAKERS:
            words = f"speaker permission denied: get resource id: access denied: {asked.get('speaker')}"
            return self.failure(Act(error={"code": 45000000, "message": words, "data": None}))
        return await self.play(
            request,
            act,
            Frames(
                pieces=[_of({"data": b64encode(piece).decode()}) for piece in sound_of(act, asked["text"])],
                end=[_of({"data": None, "sentence": {"text": asked["text"], "words": []}})],
                tail=[_line({"code": 20000000, "message": "ok", "data": None})],
                error=_line({"code": 55000000, "message": act.message, "data": None}),
                malformed=b'{"code": 0, "data": "abc\n',
            ),
        )


def _of(part: Body) -> bytes:
    return _line({"code": 0, "message": "", **part})


def _line(body: Body) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode() + b"\n"
