"""Vendors for notebooks that run without keys and network: they answer something that is worth looking at.

from tests.standins.for_notebooks import Street

street = Street()          # every vendor listens on a port of this machine, until the kernel ends
street.openai.url, street.openai.key
street.openai.next(Act(status=503))  # as in tests
"""

from __future__ import annotations

import io
import math
import struct
import wave
import zlib
from dataclasses import replace

from aiohttp import web

from tests.standins.claude import ClaudeStandIn
from tests.standins.dashscope import DashScopeStandIn
from tests.standins.gemini import GeminiStandIn
from tests.standins.openai import OpenAIStandIn, last_words
from tests.standins.vendor import Act, Body

RATE = 24_000  # samples a second
LETTER_SECONDS = 0.06
SCALE = (262, 294, 330, 392, 440, 523, 587, 659)  # five tones of an octave, and three of the next, in Hz
SIDE = 160  # of a picture, in dots
WORDS_A_SECOND = 25.0


class SingingOpenAI(OpenAIStandIn):
    """OpenAI's server, whose voices hum a tone for each letter and whose pictures are large enough to be seen."""

    async def speech(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        """The sound of a text, all at once: it has more pieces than its words."""
        return await super().speech(request, body, replace(act, rate=0.0))

    def sound(self, text: str, kind: str) -> bytes:
        """The tune of a text; as WAV, for the other formats have nothing to hear."""
        return tune(text) if kind == "wav" else super().sound(text, kind)

    def picture_of(self, words: str) -> bytes:
        """Rings in two colours that depend on the words."""
        return rings(words)


class Street:
    """The vendors, each at an address of its own."""

    def __init__(self) -> None:
        self.openai = SingingOpenAI().start()
        self.claude = ClaudeStandIn().start()
        self.gemini = GeminiStandIn().start()
        self.qianwen = DashScopeStandIn().start()
        self.down = OpenAIStandIn().start()
        self.openai.always = _introduced("OpenAI")
        self.claude.always = _introduced("Anthropic")
        self.gemini.always = _introduced("Google")
        self.qianwen.always = _introduced("Alibaba")
        self.down.always = Act(status=503, message="The server is being repaired")

    def close(self) -> None:
        """Stop them all."""
        for vendor in (self.openai, self.claude, self.gemini, self.qianwen, self.down):
            vendor.stop()


def _introduced(vendor: str) -> Act:
    return Act(reply=lambda body: _what_it_saw(body) or _INTRODUCTION.format(vendor), rate=WORDS_A_SECOND)


_INTRODUCTION = "I stand in for {}. The real one would know more."


def _what_it_saw(body: Body) -> str:
    """About the picture of a question, in OpenAI's form; nothing where there is none."""
    content = body["messages"][-1]["content"] if "messages" in body else ""
    urls = [part["image_url"]["url"] for part in content if isinstance(part, dict) and "image_url" in part]
    if not urls:
        return ""
    kind, _, data = urls[0].removeprefix("data:").partition(";base64,")
    return f"I was asked {last_words(body).strip()!r} and shown a picture: {kind}, {len(data) * 3 // 4} bytes."


def tune(text: str) -> bytes:
    """A WAV file with a soft tone for each letter."""
    samples = bytearray()
    count = int(RATE * LETTER_SECONDS)
    for letter in text:
        tone = SCALE[ord(letter) % len(SCALE)] if letter.isalnum() else 0
        for place in range(count):
            loud = 9000 * math.sin(math.pi * place / count)  # swells and fades, or it would click
            samples += struct.pack("<h", int(loud * math.sin(2 * math.pi * tone * place / RATE)))
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(bytes(samples))
    return held.getvalue()


def rings(words: str) -> bytes:
    """A PNG of rings."""
    seed = zlib.crc32(words.encode())
    colours = seed.to_bytes(4, "big")[:3], (seed ^ 0xFFFFFFFF).to_bytes(4, "big")[:3]
    middle, width = SIDE / 2, 6 + seed % 9
    rows = b"".join(
        b"\0" + b"".join(colours[int(math.hypot(x - middle, y - middle)) // width % 2] for x in range(SIDE))
        for y in range(SIDE)
    )
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
