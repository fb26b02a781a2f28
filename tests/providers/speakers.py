"""Every speaking engine with its stand-in: the suite in `test_every_speaker.py` runs over this list.

A new one is one line here. Its stand-in gives the text itself as sound, or the reply of the act, a piece of sound for
each piece of it (`sound_of` in tests/standins/sounds.py), and refuses voices that it does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from byzer_nb.engines import build
from byzer_nb.providers.wire.engine import WireEngine
from byzer_nb.types import DeploySpec
from tests.standins.azure_openai import AzureOpenAIStandIn
from tests.standins.azure_speech import AzureSpeechStandIn
from tests.standins.openai import OpenAIStandIn
from tests.standins.openai_media import MediaStandIn
from tests.standins.vendor import Act, VendorStandIn
from tests.standins.volcengine import APP_ID, VolcengineStandIn, VolcengineV3StandIn

Settings = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """A vendor's speech model.

    `settings` are those for a stand-in. `errors_in_success` are failures that come with HTTP 200, each with whether
    another try makes sense.
    """

    engine: str
    standin: Callable[[], VendorStandIn]
    settings: Callable[[Any], Settings]  # Any: the vendor's own stand-in
    name: str = ""  # where one engine stands here twice
    wrong_key: Mapping[str, str] = field(default_factory=lambda: {"api_key": "sk-wrong-0123456789abcdef-canary"})
    errors_in_success: tuple[tuple[Act, bool], ...] = ()
    in_pieces: bool = True  # the sound arrives piece by piece, and not in one document
    says_the_end: bool = False  # sound that ends too early can be told from sound that is whole

    def __str__(self) -> str:
        return self.name or self.engine

    def build(self, standin: VendorStandIn, *, name: str = "voice", **settings: Any) -> WireEngine:
        """An engine for a stand-in; it tries once unless told otherwise."""
        usual = {"max_retries": 0, **self.settings(standin)}
        engine = build(DeploySpec(name=name, engine=self.engine, settings=usual | settings))
        assert isinstance(engine, WireEngine)
        return engine


def _keyed(standin: VendorStandIn) -> Settings:
    return {"api_key": standin.key, "base_url": standin.url}


def _volcengine(standin: VendorStandIn) -> Settings:
    return {**_keyed(standin), "app_id": APP_ID}


def _volcengine_v3(standin: VendorStandIn) -> Settings:
    return {**_volcengine(standin), "resource_id": "seed-tts-2.0"}


def _openai(standin: VendorStandIn) -> Settings:
    return {"api_key": standin.key, "base_url": standin.url, "model": "tts-1"}


def _azure_openai(standin: VendorStandIn) -> Settings:
    return {**_openai(standin), "azure_deployment": "our-voice", "api_version": "2024-02-15-preview"}


def _plainly(standin: MediaStandIn) -> MediaStandIn:
    standin.speaks_plainly = True
    return standin


def _said(code: int, message: str = "the vendor's words") -> Act:
    return Act(error={"code": code, "message": message})


SPEAKERS: list[Speaker] = [
    Speaker(
        engine="saas/openai",
        standin=lambda: _plainly(OpenAIStandIn()),
        settings=_openai,
        errors_in_success=((_said(503), True), (_said(400), False)),
    ),
    Speaker(engine="saas/azure_openai", standin=lambda: _plainly(AzureOpenAIStandIn()), settings=_azure_openai),
    Speaker(engine="saas/azure", standin=AzureSpeechStandIn, settings=_keyed),
    Speaker(
        engine="saas/volcengine",
        standin=VolcengineStandIn,
        settings=_volcengine,
        in_pieces=False,
        errors_in_success=(
            (_said(3001), False),
            (_said(3001, "authenticate request: load grant: requested grant not found"), False),
            (_said(3003, "quota exceeded for types: concurrency"), True),
            (_said(3003, "quota exceeded for types: tts_lifetime"), False),
            (_said(3005), True),
            (_said(3006), False),
            (_said(3010), False),
            (_said(3011), False),
            (_said(3030), True),
            (_said(3031), True),
            (_said(3031, "Fail to feed text, reason Init Engine Instance failed"), False),
            (_said(3032), True),
            (_said(3040), True),
            (_said(3050), False),
            (_said(9999), False),
        ),
    ),
    Speaker(
        name="saas/volcengine v3",
        engine="saas/volcengine",
        standin=VolcengineV3StandIn,
        settings=_volcengine_v3,
        says_the_end=True,
        errors_in_success=(
            (_said(40402003, "TTSExceededTextLimit:exceed max limit"), False),
            (_said(45000000, "speaker permission denied: get resource id: access denied"), False),
            (_said(45000000, "quota exceeded for types: concurrency"), True),
            (_said(45000000, "quota exceeded for types: text_words_lifetime"), False),
            (_said(45002001, "No readable text!"), False),
            (_said(55000000), True),
            (_said(55000000, "resource ID is mismatched with speaker related resource"), False),
            (Act(error={"header": {"code": 45000010, "message": "load grant: requested grant not found"}}), False),
        ),
    ),
]
