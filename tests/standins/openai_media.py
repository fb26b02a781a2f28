"""The part of OpenAI's server that speaks, listens and draws, as its public reference describes it."""

from __future__ import annotations

import asyncio
import io
import struct
import wave
import zlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace

import aiohttp
from aiohttp import web
from aiohttp.base_protocol import BaseProtocol

from tests.standins.sounds import sound_of as plain_sound_of
from tests.standins.vendor import Act, Body, Frames, VendorStandIn

VOICES = ("alloy", "ash", "ballad", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer", "verse")
SOUND_KINDS = {
    "mp3": "audio/mpeg",
    "opus": "audio/opus",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
SIZES = ("1024x1024", "256x256", "512x512", "1792x1024", "1024x1792")
NEW_SIZES = ("auto", "1024x1024", "1536x1024", "1024x1536")
SOUND_SIGNS = (b"RIFF", b"ID3", b"\xff\xfb", b"fLaC", b"OggS", b"\x1aE\xdf\xa3")
HEARD_KINDS = ["flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm"]
TRANSCRIPT = ("Good morning.", "How are you?")


@dataclass(frozen=True, kw_only=True)
class Form:
    """A form as it arrived: its fields in order, and the file."""

    fields: tuple[tuple[str, str], ...]
    file: bytes
    file_name: str
    file_type: str

    def all(self, name: str) -> list[str]:
        """Every value of a field."""
        return [value for key, value in self.fields if key == name]

    def first(self, name: str) -> str:
        """The value of a field, or nothing."""
        return next(iter(self.all(name)), "")


class MediaStandIn(VendorStandIn):
    """Speech out, transcripts and pictures; `forms` are those that arrived.

    One that speaks plainly gives the text itself, or the reply of the act, in the place of sound.
    """

    speaks_plainly = False

    def __init__(self, *, key: str) -> None:
        super().__init__(key=key)
        self.forms: list[Form] = []

    def add_media_routes(self, router: web.UrlDispatcher, base: str = "/{base:.*}") -> None:
        """The calls, and the place where pictures can be fetched for a while without a key."""
        router.add_post(f"{base}audio/speech", self.answering(self.speech))
        router.add_post(f"{base}audio/transcriptions", self.answering(self.transcription))
        router.add_post(f"{base}images/generations", self.answering(self.images))
        router.add_get("/pictures/{name}.png", self.answering(self.picture, authorise=False))

    async def speech(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        """The sound of a text, in chunks."""
        if not body.get("input"):
            return self.refuse("Invalid 'input': string too short.", param="input", code="string_too_short")
        if body.get("voice") not in VOICES:
            return self.refuse_value(body.get("voice"), VOICES, param="voice")
        kind = body.get("response_format", "mp3")
        if kind not in SOUND_KINDS:
            return self.refuse_value(kind, list(SOUND_KINDS), param="response_format")
        if unknown := body.keys() - {"model", "input", "voice", "response_format", "speed", "instructions"}:
            return self.refuse_unknown(min(unknown))
        if self.speaks_plainly:
            pieces = plain_sound_of(act, body["input"])
        else:
            sound = self.sound(body["input"], kind)
            pieces = [sound[start : start + 300] for start in range(0, len(sound), 300)]
        return await self.play(
            request, replace(act, headers={"Content-Type": SOUND_KINDS[kind], **act.headers}), Frames(pieces=pieces)
        )

    async def transcription(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        """What the file says."""
        if request.content_type != "multipart/form-data":
            return self.refuse(f"Unsupported content type: '{request.content_type}'.", status=415)
        form = await form_of(await request.read(), request.headers)
        self.forms.append(form)
        model = self.model_of(request, {"model": form.first("model")})
        if not form.first("model"):
            return self.refuse("you must provide a model parameter")
        form_kind = form.first("response_format") or "json"
        is_timed = model.startswith("whisper")
        if form_kind not in ("json", "verbose_json") or (form_kind == "verbose_json" and not is_timed):
            message = f"response_format '{form_kind}' is not compatible with model '{model}'. Use 'json' instead."
            return self.refuse(message, param="response_format", code="unsupported_value")
        grains = form.all("timestamp_granularities[]")
        if grains and form_kind != "verbose_json":
            return self.refuse("timestamp_granularities need response_format verbose_json.", param="response_format")
        if not form.file.startswith(SOUND_SIGNS):
            return self.refuse(f"Invalid file format. Supported formats: {HEARD_KINDS}")
        if form.file_name.rpartition(".")[2] not in HEARD_KINDS:
            return self.refuse(f"Unrecognized file format. Supported formats: {HEARD_KINDS}")
        return self.json(transcript(grains) if form_kind == "verbose_json" else {"text": " ".join(TRANSCRIPT)}, act)

    async def images(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        """Pictures: in the answer or, from older models that are not asked for that, at an address."""
        model = self.model_of(request, body)
        is_new = "gpt-image" in model
        if is_new and "response_format" in body:
            return self.refuse_unknown("response_format")
        qualities = ("low", "medium", "high", "auto") if is_new else ("standard", "hd")
        if body.get("quality", qualities[0]) not in qualities:
            return self.refuse_value(body["quality"], qualities, param="quality")
        sizes = NEW_SIZES if is_new else SIZES
        if body.get("size", sizes[0]) not in sizes:
            return self.refuse_value(body["size"], sizes, param="size")
        if model == "dall-e-3" and body.get("n", 1) != 1:
            return self.refuse("You must provide n=1 for this model.", code="invalid_value", param="n")
        if not body.get("prompt"):
            return self.refuse("Missing required parameter: 'prompt'.", param="prompt")
        if is_new or body.get("response_format") == "b64_json":
            data = [
                {"b64_json": b64encode(self.picture_of(f"{body['prompt']} {each}")).decode()}
                for each in range(body.get("n", 1))
            ]
        else:
            data = [{"url": f"{self.origin}/pictures/{each}.png?sig=a%2Bb%3D"} for each in range(body.get("n", 1))]
        return self.json({"created": 1_700_000_000, "data": data}, act)

    async def picture(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        """A picture at its address; a signed one, which no key may be shown to."""
        if request.query.get("sig") != "a+b=" or "Authorization" in request.headers or "api-key" in request.headers:
            return web.Response(status=403, text="<Error><Code>AuthenticationFailed</Code></Error>")
        return web.Response(body=picture(request.match_info["name"]), content_type="image/png")

    def sound(self, text: str, kind: str) -> bytes:
        """What a text sounds like."""
        return sound_of(text, kind)

    def picture_of(self, words: str) -> bytes:
        """What words look like."""
        return picture(words)

    def model_of(self, request: web.Request, body: Body) -> str:
        """The model that answers."""
        return str(body.get("model", ""))

    def refuse(
        self, message: str, *, param: str | None = None, code: str | None = None, status: int = 400
    ) -> web.Response:
        """The vendor's answer to a body that it does not take."""
        error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
        return self.json({"error": error}, Act(status=status))

    def refuse_unknown(self, name: str) -> web.Response:
        """The answer to a parameter that is none."""
        return self.refuse(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")

    def refuse_value(self, value: object, right: tuple[str, ...] | list[str], *, param: str) -> web.Response:
        """The answer to a value that is none."""
        *others, last = (f"'{each}'" for each in right)
        message = f"Invalid value: '{value}'. Supported values are: {', '.join(others)}, and {last}."
        return self.refuse(message, param=param, code="invalid_value")


async def form_of(raw: bytes, headers: Mapping[str, str]) -> Form:
    """A multipart body read by the book."""
    loop = asyncio.get_running_loop()
    stream = aiohttp.StreamReader(BaseProtocol(loop), len(raw), loop=loop)  # a smaller limit would pause a socket
    stream.feed_data(raw)
    stream.feed_eof()
    fields: list[tuple[str, str]] = []
    file, name, kind = b"", "", ""
    reader = aiohttp.MultipartReader(headers, stream)
    while (part := await reader.next()) is not None:
        assert isinstance(part, aiohttp.BodyPartReader)
        assert "form-data" in part.headers["Content-Disposition"]
        data = bytes(await part.read())
        if part.filename is None:
            fields.append((part.name or "", data.decode()))
        else:
            assert part.name == "file"
            file, name, kind = data, part.filename, part.headers.get("Content-Type", "")
    return Form(fields=tuple(fields), file=file, file_name=name, file_type=kind)


def transcript(grains: list[str]) -> Body:
    """What verbose_json says: words where they were asked for, segments unless only words were."""
    answer: Body = {
        "task": "transcribe",
        "language": "english",
        "duration": 2.5,
        "text": " ".join(TRANSCRIPT),
        "usage": {"type": "duration", "seconds": 3},
    }
    if "segment" in grains or not grains:
        answer["segments"] = [
            {
                "id": place,
                "seek": 0,
                "start": place * 1.25,
                "end": place * 1.25 + 1,
                "text": text,
                "tokens": [50364 + place, 1],
                "temperature": 0.0,
                "avg_logprob": -0.25,
                "compression_ratio": 1.5,
                "no_speech_prob": 0.125,
            }
            for place, text in enumerate(TRANSCRIPT)
        ]
    if "word" in grains:
        words = " ".join(TRANSCRIPT).replace(".", "").replace("?", "").split()
        answer["words"] = [
            {"word": word, "start": place * 0.5, "end": place * 0.5 + 0.25} for place, word in enumerate(words)
        ]
    return answer


def sound_of(text: str, kind: str) -> bytes:
    """Sound that can be played and that depends on the text; as MP3 it is silence with the text in its tag."""
    samples = b"".join(struct.pack("<h", (ord(letter) * 257) % 30_000) * 8 for letter in text)
    if kind == "wav":
        held = io.BytesIO()
        with wave.open(held, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(24_000)
            file.writeframes(samples)
        return held.getvalue()
    if kind == "mp3":
        title = b"\x03" + text.encode()
        frame = b"TIT2" + struct.pack(">I", len(title)) + b"\0\0" + title
        size = bytes(len(frame) >> shift & 127 for shift in (21, 14, 7, 0))
        return b"ID3\x04\0\0" + size + frame + (b"\xff\xfb\x90\x00" + bytes(413)) * 3
    return {"flac": b"fLaC", "opus": b"OggS"}.get(kind, b"") + samples


def picture(words: str) -> bytes:
    """A small PNG in a colour that depends on the words."""
    colour = zlib.crc32(words.encode()).to_bytes(4, "big")[:3]

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + colour * 4) * 4
    head = struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
