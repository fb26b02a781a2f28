"""`saas/volcengine` against a stand-in that speaks the vendor's v1 queries, and its settings."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import pytest

from byzer_nb.engines import build
from byzer_nb.errors import (
    BadInputError,
    CallTimeoutError,
    MissingSettingError,
    ModelCallError,
    RateLimitedError,
    RefusedError,
)
from byzer_nb.providers.volcengine import Volcengine
from byzer_nb.types import DeploySpec, Secret
from byzer_nb.types.settings import SettingWarning
from tests.providers.asking import heard
from tests.providers.failing import assert_no_key
from tests.standins.vendor import KEY, Act
from tests.standins.volcengine import APP_ID, VolcengineStandIn

pytestmark = pytest.mark.contract("SAAS-16")

LONGEST = "一" * 341


def built(**settings: Any) -> Volcengine:
    usual = {"api_key": "k-1", "app_id": APP_ID}
    engine = build(DeploySpec(name="voice", engine="saas/volcengine", settings=usual | settings))
    assert isinstance(engine, Volcengine)
    return engine


@pytest.fixture
def old() -> Iterator[VolcengineStandIn]:
    """The vendor's v1 in process."""
    with VolcengineStandIn() as standin:
        yield standin


@pytest.fixture
async def v1(old: VolcengineStandIn) -> AsyncIterator[Volcengine]:
    """An engine that queries."""
    engine = built(api_key=old.key, base_url=old.url, max_retries=0)
    yield engine
    await engine.close()


async def test_query_is_sent_as_the_documents_show(old: VolcengineStandIn, v1: Volcengine) -> None:
    assert await heard(v1, text="你好") == "你好".encode()
    (seen,) = old.requests
    assert (seen.method, seen.path) == ("POST", "/api/v1/tts")
    assert seen.headers["Authorization"] == f"Bearer;{KEY}"
    assert seen.headers["Content-Type"] == "application/json"
    assert UUID(seen.body["request"].pop("reqid")).version == 4
    assert seen.body == {
        "app": {"appid": APP_ID, "token": KEY, "cluster": "volcano_tts"},
        "user": {"uid": "byzer_nb"},
        "audio": {"voice_type": "BV705_streaming", "encoding": "mp3"},
        "request": {"text": "你好", "text_type": "plain", "operation": "query"},
    }


async def test_voice_format_speed_and_language_are_those_of_the_request(old: VolcengineStandIn, v1: Volcengine) -> None:
    await heard(v1, voice="BV001_streaming", format="opus", speed=1.5, language="en")
    assert old.requests[0].body["audio"] == {
        "voice_type": "BV001_streaming",
        "encoding": "ogg_opus",
        "speed_ratio": 1.5,
        "language": "en",
    }


async def test_cluster_is_the_model(old: VolcengineStandIn) -> None:
    engine = built(api_key=old.key, base_url=old.url, model="volcano_icl")
    with pytest.raises(ModelCallError, match=r"app\.cluster"):  # the stand-in serves another
        await heard(engine)
    assert old.requests[0].body["app"]["cluster"] == "volcano_icl"
    assert engine.describe().model == "volcano_icl"
    await engine.close()


async def test_each_try_has_a_number_of_its_own(old: VolcengineStandIn) -> None:
    old.next(Act(status=503), Act(status=429, headers={"Retry-After": "0"}))
    engine = built(api_key=old.key, base_url=old.url, max_retries=5)
    assert await heard(engine) == "你好".encode()
    assert len({seen.body["request"]["reqid"] for seen in old.requests}) == 3
    await engine.close()


async def test_parameters_of_the_vendor_are_given_by_section(old: VolcengineStandIn, v1: Volcengine) -> None:
    extra = {"audio": {"emotion": "happy", "pitch_ratio": 1.1}, "request": {"silence_duration": 500}}
    await heard(v1, text="hi", extra=extra)
    body = old.requests[0].body
    assert body["audio"]["emotion"] == "happy"
    assert body["audio"]["pitch_ratio"] == 1.1
    assert (body["request"]["silence_duration"], body["request"]["text"]) == (500, "hi")


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"emotion": "happy"}, "'emotion' is no section"),
        ({"audio": "happy"}, "'audio' is no section"),
        ({"audio": {"voice_type": "x"}}, "'voice_type'"),
        ({"audio": {"encoding": "x"}}, "'encoding'"),
        ({"request": {"text": "x"}}, "'text'"),
        ({"request": {"reqid": "x"}}, "'reqid'"),
        ({"request": {"operation": "submit"}}, "'operation'"),
        ({"app": {"token": "x"}}, "'token'"),
        ({"audio": {"emotion": object()}}, "cannot be written as JSON"),
    ],
)
async def test_extra_that_the_call_decides_is_refused_before_sending(
    old: VolcengineStandIn, v1: Volcengine, extra: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadInputError, match=words) as refused:
        await heard(v1, extra=extra)
    assert refused.value.hint
    assert_no_key(refused.value)
    assert old.requests == []


@pytest.mark.parametrize("name", ["aac", "flac", ""])
async def test_format_that_is_not_known_is_refused_before_sending(
    old: VolcengineStandIn, v1: Volcengine, name: str
) -> None:
    with pytest.raises(BadInputError, match="does not write sound") as refused:
        await heard(v1, format=name)
    assert "ogg_opus" in refused.value.hint
    assert old.requests == []


@pytest.mark.parametrize(
    ("code", "kind", "is_retryable"),
    [
        (3001, ModelCallError, False),
        (3003, RateLimitedError, True),
        (3005, ModelCallError, True),
        (3006, ModelCallError, False),
        (3010, ModelCallError, False),
        (3011, ModelCallError, False),
        (3030, CallTimeoutError, True),
        (3031, ModelCallError, True),
        (3032, CallTimeoutError, True),
        (3040, ModelCallError, True),
        (3050, ModelCallError, False),
        (4321, ModelCallError, False),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 500])
async def test_code_says_more_than_the_status(
    old: VolcengineStandIn, v1: Volcengine, code: int, kind: type[ModelCallError], is_retryable: bool, status: int
) -> None:
    old.always = Act(status=status, error={"code": code, "message": "their words", "reqid": "r-7"})
    with pytest.raises(ModelCallError) as failed:
        await heard(v1)
    error = failed.value
    assert "their words" in str(error)
    assert (error.code, error.status, error.request_id) == (str(code), status, "r-7")
    if status == 200 or code not in (3001, 4321):  # those two say nothing that the status does not say better
        assert type(error) is kind
        assert error.retryable is is_retryable


async def test_document_is_read_whatever_the_status(old: VolcengineStandIn) -> None:
    engine = built(api_key="sk-wrong-0123456789abcdef", base_url=old.url)
    with pytest.raises(RefusedError) as refused:
        await heard(engine)
    assert (refused.value.status, refused.value.code) == (403, "3001")
    assert refused.value.hint == "Check the settings api_key and app_id."
    await engine.close()


async def test_wrong_application_is_refused_in_the_same_way(old: VolcengineStandIn) -> None:
    engine = built(api_key=old.key, app_id="999", base_url=old.url)
    with pytest.raises(RefusedError) as refused:
        await heard(engine)
    assert "app_id" in refused.value.hint
    assert_no_key(refused.value)
    await engine.close()


async def test_refusal_without_a_code_goes_by_its_status(old: VolcengineStandIn, v1: Volcengine) -> None:
    old.always = Act(raw=b'{"message": "upstream is gone"}', status=502)
    with pytest.raises(ModelCallError, match="upstream is gone") as failed:
        await heard(v1)
    assert (failed.value.status, failed.value.retryable) == (502, True)
    old.always = Act(raw=b"<html>", raw_type="text/html", status=429)
    with pytest.raises(RateLimitedError):
        await heard(v1)


@pytest.mark.parametrize("data", ["%%%", "QUJ", "你好", 5])
async def test_data_that_is_no_base64_is_an_error(old: VolcengineStandIn, v1: Volcengine, data: object) -> None:
    old.always = Act(raw=json.dumps({"code": 3000, "data": data}).encode())
    with pytest.raises(ModelCallError, match="not its protocol"):
        await heard(v1)


@pytest.mark.parametrize("data", ["", None])
async def test_success_without_sound_is_an_error(old: VolcengineStandIn, v1: Volcengine, data: str | None) -> None:
    old.always = Act(raw=json.dumps({"code": 3000, "message": "Success", "data": data}).encode())
    with pytest.raises(ModelCallError, match="without any sound"):
        await heard(v1)


async def test_text_that_is_too_long_is_told_by_the_vendor(old: VolcengineStandIn, v1: Volcengine) -> None:
    assert await heard(v1, text=LONGEST) == LONGEST.encode()
    with pytest.raises(ModelCallError, match="text too long") as refused:
        await heard(v1, text=LONGEST + "一")
    assert refused.value.code == "3010"


async def test_key_is_in_no_traceback_though_it_is_in_the_body(old: VolcengineStandIn, v1: Volcengine) -> None:
    for act in (Act(hang_up=True), Act(status=500, message=f"token {KEY}"), Act(raw=b"x")):
        old.always = act
        with pytest.raises(ModelCallError) as failed:
            await heard(v1)
        assert_no_key(failed.value)


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, "https://openspeech.bytedance.com/api/v1/tts"),
        ({"base_url": "https://h/"}, "https://h/api/v1/tts"),
        ({"base_url": "https://h/api/v1"}, "https://h/api/v1/tts"),
        ({"base_url": "https://h/api/v1/tts"}, "https://h/api/v1/tts"),
        ({"base_url": "https://h/api"}, "https://h/api/v1/tts"),
        ({"base_url": "https://h/gate/api/v1/?x=1"}, "https://h/gate/api/v1/tts?x=1"),
        ({"resource_id": "seed-tts-2.0"}, "https://openspeech.bytedance.com/api/v3/tts/unidirectional"),
        ({"base_url": "https://h/api/v3"}, "https://h/api/v3/tts/unidirectional"),
        ({"base_url": "https://h/api/v3/tts/unidirectional/"}, "https://h/api/v3/tts/unidirectional"),
        ({"base_url": "https://h/api/v3/tts/unidirectional/sse"}, "https://h/api/v3/tts/unidirectional"),
        ({"base_url": "https://h/api/v1/tts", "resource_id": "x"}, "https://h/api/v3/tts/unidirectional"),
    ],
)
@pytest.mark.contract("SAAS-02")
def test_settings_choose_the_protocol_and_the_version_is_added_once(settings: dict[str, str], address: str) -> None:
    assert str(built(**settings).address) == address


@pytest.mark.parametrize(
    ("settings", "missing"), [({"app_id": ""}, "app_id"), ({"api_key": None}, "api_key"), ({"app_id": " "}, "app_id")]
)
def test_missing_setting_is_named(settings: dict[str, Any], missing: str) -> None:
    with pytest.raises(MissingSettingError, match=f"saas/volcengine needs the setting {missing}") as caught:
        built(**settings)
    assert caught.value.setting == missing


def test_misspelt_application_is_told_before_the_missing_one() -> None:
    with (
        pytest.warns(SettingWarning, match=r"does not know appid\. Did you mean 'app_id'\?"),
        pytest.raises(MissingSettingError),
    ):
        built(app_id=None, appid="7")


@pytest.mark.parametrize("app_id", [7820115, "7820115", "'7820115'", Secret("7820115")])
async def test_application_may_be_written_as_a_number(old: VolcengineStandIn, app_id: Any) -> None:
    engine = built(api_key=old.key, base_url=old.url, app_id=app_id)
    assert await heard(engine)
    assert old.requests[0].body["app"]["appid"] == "7820115"
    await engine.close()


@pytest.mark.parametrize("app_id", [True, ["7"], 1.5])
def test_application_that_is_no_name_is_refused(app_id: Any) -> None:
    with pytest.raises(BadInputError, match="app_id must be text"):
        built(app_id=app_id)
