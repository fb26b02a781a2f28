"""`saas/azure`: texts read out by Azure's speech service, over its REST interface."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from html import escape
from typing import Any

from yarl import URL

from byzer_nb.errors import BadInputError
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.call import Call
from byzer_nb.providers.wire.engine import WireEngine
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.route_settings import called_by, read_route, read_url, versioned
from byzer_nb.types import Capabilities, DeploySpec, ModelCard, SpeakRequest
from byzer_nb.types.settings import Settings

DEFAULT_REGION = "eastus"
DEFAULT_VOICE = "zh-CN-XiaoxiaoNeural"
DEFAULT_LANGUAGE = "zh-CN"
MODEL = "azure-speech"  # the voice is the model, and each request names its own
PATH = "/cognitiveservices/v1"
PATH_AT_OWN_HOST = "/tts/cognitiveservices/v1"
OWN_HOSTS = ".cognitiveservices.azure.com"  # resources with a name of their own serve more than speech
CLOUDS = {"china": "azure.cn", "usgov": "azure.us"}  # regions that begin so are in a cloud apart

# What each format of a file is called there; a name with dashes in it is one of Azure's own.
FORMATS = {
    "mp3": "audio-48khz-192kbitrate-mono-mp3",
    "wav": "riff-24khz-16bit-mono-pcm",
    "pcm": "raw-24khz-16bit-mono-pcm",
    "ogg": "ogg-24khz-16bit-mono-opus",
    "opus": "ogg-24khz-16bit-mono-opus",
    "webm": "webm-24khz-16bit-mono-opus",
}
PROSODY = ("pitch", "contour", "range", "volume")
STYLE = ("style", "styledegree", "role")
OF_OLDER_CLIENTS = ("chunk_size",)  # how large the pieces of a stream are; they come as they arrive

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class AzureSpeech(WireEngine):
    """Azure's voices in one region."""

    @classmethod
    def from_spec(cls, spec: DeploySpec) -> AzureSpeech:
        """The engine for a spec whose settings are those of `saas/azure`, without the prefix."""
        settings = Settings(spec)
        model = settings.text("model", default=MODEL)  # a name for messages and for the card; it changes nothing else
        url = _base_url(settings)
        route = read_route(settings, url)
        key = settings.secret("api_key")
        settings.warn_about_the_rest()
        called = called_by(spec, model=model, url=url, secrets=(key,))
        return cls(
            None,
            replace(route, headers={"Ocp-Apim-Subscription-Key": key}),
            called=called,
            card=ModelCard(
                model=model, engine=spec.engine, capabilities=Capabilities(chat=False, stream=False, speak=True)
            ),
            narrator=SsmlNarrator(called=called),
        )

    @property
    def address(self) -> URL:
        """Where texts are sent."""
        return self.address_of("")


class SsmlNarrator:
    """Writes a text as SSML; the answer is the sound itself."""

    def __init__(self, *, called: Called) -> None:
        self._called = called

    def speak(self, request: SpeakRequest) -> Call:
        """The text and its voice in XML, the format in a header."""
        return Call(
            path="",
            body=ssml(request).encode(),
            headers={"Content-Type": "application/ssml+xml", "X-Microsoft-OutputFormat": _format(request.format)},
        )

    def sound(self, body: bytes, headers: Mapping[str, str]) -> bytes:
        """Always an error: the sound never comes in a document."""
        raise failures.instead_of_sound(body, headers, self._called)


def ssml(request: SpeakRequest) -> str:
    """The text as Azure reads it: nothing in it is taken for markup."""
    extra = {name: value for name, value in request.extra.items() if name not in OF_OLDER_CLIENTS}
    for name in extra:
        if name not in PROSODY + STYLE:
            raise BadInputError(
                f"Azure's voices know no {name!r}.", hint=f"What extra can hold: {', '.join(PROSODY + STYLE)}."
            )
    rate = {} if request.speed is None else {"rate": f"{(request.speed - 1) * 100:+g}%"}
    spoken = _text(request.text)
    spoken = _tag("prosody", rate | _those(extra, PROSODY), spoken)
    styled = _tag("mstts:express-as", _those(extra, STYLE), spoken)
    names = " xmlns:mstts='https://www.w3.org/2001/mstts'" if styled != spoken else ""
    voice = _text(request.voice or DEFAULT_VOICE)
    language = _text(request.language or DEFAULT_LANGUAGE)
    return f"<speak version='1.0'{names} xml:lang='{language}'><voice name='{voice}'>{styled}</voice></speak>"


def _those(extra: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:  # Any: whatever the user wrote
    return {name: extra[name] for name in names if name in extra}


def _tag(name: str, attributes: Mapping[str, Any], content: str) -> str:
    """The content in a tag; without attributes it needs none."""
    if not attributes:
        return content
    written = "".join(f" {key}='{_text(str(value))}'" for key, value in attributes.items())
    return f"<{name}{written}>{content}</{name}>"


def _text(text: str) -> str:
    """Text for XML, between tags or between quotes; characters that XML cannot hold have no sound either."""
    return escape(_NOT_IN_XML.sub(" ", text))


def _format(name: str) -> str:
    """A format in Azure's words."""
    if "-" in name:
        return name
    try:
        return FORMATS[name.lower()]
    except KeyError:
        raise BadInputError(
            f"Azure's voices are not written as {name!r}.",
            hint=f"Formats: {', '.join(FORMATS)}, or a name of Azure's own such as audio-16khz-32kbitrate-mono-mp3.",
        ) from None


def _base_url(settings: Settings) -> URL:
    """The address of the service: that of the region, unless another one was given."""
    region = settings.text("service_region", default=DEFAULT_REGION).lower()
    if not re.fullmatch(r"[a-z0-9]+", region):
        raise settings.refused("service_region", "the name of a region", region, example=DEFAULT_REGION)
    cloud = next((cloud for start, cloud in CLOUDS.items() if region.startswith(start)), "microsoft.com")
    url = read_url(settings, "base_url", default=f"https://{region}.tts.speech.{cloud}")
    path = PATH_AT_OWN_HOST if (url.host or "").endswith(OWN_HOSTS) else PATH
    return versioned(url, path, tails=("cognitiveservices", "tts"))
