"""`saas/volcengine` in its newer protocol, against a stand-in that answers with a JSON document a line."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from byzer_nb.engines import build
from byzer_nb.errors import BadInputError, ModelCallError, RateLimitedError, RefusedError
from byzer_nb.providers.volcengine import Volcengine
from byzer_nb.types import DeploySpec
from tests.providers.asking import heard
from tests.standins.vendor import KEY, Act
from tests.standins.volcengine import APP_ID, VolcengineV3StandIn

pytestmark = pytest.mark.contract("SAAS-16")


def built(standin: VolcengineV3StandIn, **settings: Any) -> Volcengine:
    usual = {"api_key": standin.key, "app_id": APP_ID, "base_url": standin.url, "max_retries": 0}
    engine = build(DeploySpec(name="voice", engine="saas/volcengine", settings=usual | settings))
    assert isinstance(engine, Volcengine)
    return engine


@pytest.fixture
def standin() -> Iterator[VolcengineV3StandIn]:
    """The vendor in process."""
    with VolcengineV3StandIn() as standin:
        yield standin


@pytest.fixture
async def engine(standin: VolcengineV3StandIn) -> AsyncIterator[Volcengine]:
    """An engine for it."""
    engine = built(standin, resource_id="seed-tts-2.0")
    yield engine
    await engine.close()


async def test_text_is_sent_as_the_documents_show(standin: VolcengineV3StandIn, engine: Volcengine) -> None:
    assert await heard(engine, text="你好") == "你好".encode()
    (seen,) = standin.requests
    assert (seen.method, seen.path) == ("POST", "/api/v3/tts/unidirectional")
    assert seen.headers["X-Api-App-Id"] == APP_ID
    assert seen.headers["X-Api-Access-Key"] == KEY
    assert seen.headers["X-Api-Resource-Id"] == "seed-tts-2.0"
    assert "Authorization" not in seen.headers
    assert seen.body == {
        "user": {"uid": "byzer_nb"},
        "req_params": {
            "text": "你好",
            "speaker": "zh_female_vv_uranus_bigtts",
            "audio_params": {"format": "mp3"},
        },
    }


async def test_key_of_the_new_console_needs_no_application(standin: VolcengineV3StandIn) -> None:
    engine = built(standin, app_id=None, base_url=f"{standin.url}/api/v3")
    assert await heard(engine) == "你好".encode()
    seen = standin.requests[0]
    assert seen.headers["X-Api-Key"] == KEY
    assert seen.headers["X-Api-Resource-Id"] == "seed-tts-2.0"
    assert "X-Api-App-Id" not in seen.headers
    await engine.close()


async def test_resource_that_the_vendor_does_not_know_is_told(standin: VolcengineV3StandIn) -> None:
    engine = built(standin, resource_id="no-such-resource")
    with pytest.raises(RefusedError, match="resourceId no-such-resource is not allowed") as refused:
        await heard(engine)
    assert (refused.value.status, refused.value.code) == (400, "45000000")
    await engine.close()


async def test_wishes_have_other_names_here(standin: VolcengineV3StandIn, engine: Volcengine) -> None:
    extra = {
        "audio_params": {"sample_rate": 16000, "emotion": "happy"},
        "additions": '{"silence_duration": 100}',
        "model": "seed-tts-2.0-expressive",
    }
    await heard(engine, voice="zh_male_m191_uranus_bigtts", format="ogg", speed=0.8, language="ja", extra=extra)
    asked = standin.requests[0].body["req_params"]
    assert asked["speaker"] == "zh_male_m191_uranus_bigtts"
    assert asked["audio_params"] == {
        "format": "ogg_opus",
        "speech_rate": -20,
        "sample_rate": 16000,
        "emotion": "happy",
    }
    assert json.loads(asked["additions"]) == {"silence_duration": 100, "explicit_language": "ja"}
    assert asked["model"] == "seed-tts-2.0-expressive"


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"text": "x"}, "'text'"),
        ({"speaker": "x"}, "'speaker'"),
        ({"audio_params": {"format": "x"}}, "'format'"),
        ({"audio_params": 3}, "audio_params is an object"),
        ({"additions": "not json"}, "additions is an object"),
        ({"additions": [1]}, "additions is an object"),
    ],
)
async def test_extra_that_the_call_decides_is_refused_before_sending(
    standin: VolcengineV3StandIn, engine: Volcengine, extra: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadInputError, match=words) as refused:
        await heard(engine, extra=extra)
    assert refused.value.hint
    assert standin.requests == []


async def test_wav_is_not_written_in_pieces(standin: VolcengineV3StandIn, engine: Volcengine) -> None:
    with pytest.raises(BadInputError, match="'wav'") as refused:
        await heard(engine, format="wav")
    assert "pcm" in refused.value.hint
    assert standin.requests == []


@pytest.mark.parametrize(
    ("model", "sent"), [("volcano_tts", None), ("seed-tts-2.0-standard", "seed-tts-2.0-standard"), (None, None)]
)
async def test_name_of_a_cluster_is_not_sent_as_a_model(
    standin: VolcengineV3StandIn, model: str | None, sent: str | None
) -> None:
    engine = built(standin, resource_id="seed-tts-1.0", model=model)
    await heard(engine)
    assert standin.requests[0].body["req_params"].get("model") == sent
    assert engine.describe().model == (model or "seed-tts-1.0")
    await engine.close()


@pytest.mark.parametrize(
    ("error", "kind", "is_retryable"),
    [
        ({"code": 40402003, "message": "TTSExceededTextLimit"}, ModelCallError, False),
        ({"code": 45000000, "message": "speaker permission denied: x"}, RefusedError, False),
        ({"code": 45000000, "message": "quota exceeded for types: concurrency"}, RateLimitedError, True),
        ({"code": 45000292, "message": "slow down"}, RateLimitedError, True),
        ({"code": 45000000, "message": "quota exceeded for types: text_words_lifetime"}, RefusedError, False),
        ({"code": 45000001, "message": "[Invalid argument] InvalidModel"}, ModelCallError, False),
        ({"code": 55000000, "message": "server error"}, ModelCallError, True),
        ({"code": 55000001, "message": "x"}, ModelCallError, True),
        ({"code": 55000000, "message": "resource ID is mismatched with speaker"}, ModelCallError, False),
        ({"header": {"code": 45000010, "message": "load grant", "reqid": "r"}}, RefusedError, False),
        ({"header": {"code": 45000030, "message": "not bought"}}, RefusedError, False),
    ],
)
async def test_line_with_an_error_is_one(
    standin: VolcengineV3StandIn,
    engine: Volcengine,
    error: dict[str, Any],
    kind: type[ModelCallError],
    is_retryable: bool,
) -> None:
    standin.always = Act(error=error)
    with pytest.raises(ModelCallError) as failed:
        await heard(engine)
    assert type(failed.value) is kind
    assert failed.value.retryable is is_retryable
    assert failed.value.code == str((error.get("header") or error)["code"])


async def test_number_in_the_vendors_log_is_kept(standin: VolcengineV3StandIn, engine: Volcengine) -> None:
    number = "2025041513355271DF5CF1A0AE0508E78C"
    standin.always = Act(reply=["one"], error_at=1, message="broke", headers={"X-Tt-Logid": number})
    with pytest.raises(ModelCallError, match="broke") as failed:
        await heard(engine)
    assert failed.value.request_id == number


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/octet-stream", "text/event-stream"])
async def test_lines_are_read_whatever_they_are_called(
    standin: VolcengineV3StandIn, engine: Volcengine, kind: str
) -> None:
    standin.stream_type = kind
    standin.always = Act(reply=["one", "two"], cut_every=7, line_end="\r\n")
    assert await heard(engine) == b"onetwo"


@pytest.mark.parametrize("after", [b"", b"\n", b"\nnot json"])
async def test_line_with_the_last_code_is_the_end(
    standin: VolcengineV3StandIn, engine: Volcengine, after: bytes
) -> None:
    lines = b'\n\n{"code": 0, "data": "AQID"}\n{"code": 20000000, "message": "ok", "data": null}'
    standin.always = Act(raw=lines + after, raw_type="text/plain")
    assert await heard(engine) == b"\1\2\3"


async def test_end_without_sound_is_an_error(standin: VolcengineV3StandIn, engine: Volcengine) -> None:
    standin.always = Act(reply=[])
    with pytest.raises(ModelCallError, match="without any sound"):
        await heard(engine)
