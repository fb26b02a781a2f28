"""Azure's speech service, played in process, as its REST reference describes it.

A text comes as SSML with the key in a header, and the answer is the sound itself. The words of a 400 stand in the
status line, above an empty body.
"""

from __future__ import annotations

from xml.etree import ElementTree

from aiohttp import web

from tests.standins.sounds import sound_of
from tests.standins.vendor import Act, Body, Frames, VendorStandIn

XML = "{http://www.w3.org/XML/1998/namespace}"
MSTTS = "{https://www.w3.org/2001/mstts}"
VOICES = ("zh-CN-XiaoxiaoNeural", "zh-CN-YunxiNeural", "en-US-JennyNeural")
FORMATS = {
    "audio-16khz-32kbitrate-mono-mp3": "audio/mpeg",
    "audio-48khz-192kbitrate-mono-mp3": "audio/mpeg",
    "riff-24khz-16bit-mono-pcm": "audio/x-wav",
    "raw-24khz-16bit-mono-pcm": "audio/basic",
    "ogg-24khz-16bit-mono-opus": "audio/ogg; codecs=opus",
    "webm-24khz-16bit-mono-opus": "audio/webm; codecs=opus",
}


class AzureSpeechStandIn(VendorStandIn):
    """The service of one region."""

    version = ""

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """One path, and the list of the voices."""
        router.add_post("/cognitiveservices/v1", self.answering(self.speak))

    def unauthorised(self, request: web.Request, body: Body) -> web.Response | None:
        if request.headers.get("Ocp-Apim-Subscription-Key") == self.key:
            return None
        message = (
            "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key "
            "for an active subscription and use a correct regional API endpoint for your resource."
        )
        return self.failure(Act(status=401, message=message))

    def failure(self, act: Act) -> web.Response:
        if act.status == 400:
            return web.Response(status=400, reason=act.message, headers=act.headers)
        return self.json({"error": {"code": str(act.status), "message": act.message}}, act)

    async def speak(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        """The sound of an SSML document."""
        if request.content_type != "application/ssml+xml":
            return self.failure(Act(status=415, message="Content-Type must be application/ssml+xml."))
        kind = FORMATS.get(request.headers.get("X-Microsoft-OutputFormat", ""))
        if kind is None or "User-Agent" not in request.headers:
            return self.failure(Act(status=400, message="A required header is missing or invalid."))
        try:
            speak = ElementTree.fromstring(await request.read())
        except ElementTree.ParseError as reason:
            return self.failure(Act(status=400, message=f"SSML parsing error: {reason}."))
        voice = speak.find("voice")
        if speak.tag != "speak" or speak.get("version") != "1.0" or not speak.get(f"{XML}lang") or voice is None:
            return self.failure(Act(status=400, message="SSML parsing error: speak or voice."))
        if voice.get("name") not in VOICES:
            return self.failure(Act(status=400, message=f"Unsupported voice {voice.get('name')}."))
        pieces = sound_of(act, "".join(voice.itertext()))
        self.stream_type = kind
        return await self.play(request, act, Frames(pieces=pieces))
