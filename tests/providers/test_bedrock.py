"""What is special about Bedrock: its settings, its addresses and keys, and its exceptions."""

from __future__ import annotations

from datetime import timedelta

import pytest

from byzer_nb.errors import (
    BadInputError,
    CallTimeoutError,
    MissingSettingError,
    ModelCallError,
    RateLimitedError,
    RefusedError,
)
from byzer_nb.types import Engine, Secret
from byzer_nb.types.settings import SettingWarning
from tests.providers.asking import answered, asked, said
from tests.providers.bedrock_asking import HAIKU, LLAMA_3, LLAMA_4, MISTRAL, Make, built
from tests.providers.failing import assert_no_key
from tests.standins.aws_frames import chunk, exception_frame, frame
from tests.standins.bedrock import MODELS, BedrockStandIn
from tests.standins.vendor import Act

pytestmark = pytest.mark.contract("SAAS-28")

STREAM = "application/vnd.amazon.eventstream"


async def failed(engine: Engine, *, stream: bool = False) -> ModelCallError:
    """The error of one call, which keeps the keys to itself."""
    with pytest.raises(ModelCallError) as caught:
        await answered(engine, asked(stream=stream))
    assert_no_key(caught.value)
    return caught.value


# -- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["aws_access_key", "aws_secret_key", "region_name", "model"])
@pytest.mark.parametrize("empty", [None, ""])
@pytest.mark.filterwarnings("error")
def test_missing_setting_is_named(name: str, empty: str | None) -> None:
    settings = {"aws_access_key": "AKID", "aws_secret_key": "secret", "region_name": "us-east-1", "model": HAIKU}
    with pytest.raises(MissingSettingError, match=f"saas/aws_bedrock needs the setting {name}") as caught:
        built(settings | {name: empty})
    assert caught.value.setting == name
    assert f"{name}=" in caught.value.hint


@pytest.mark.parametrize(
    ("region", "endpoint"),
    [
        ("us-east-1", "https://bedrock-runtime.us-east-1.amazonaws.com"),
        ("eu-central-1", "https://bedrock-runtime.eu-central-1.amazonaws.com"),
        ("cn-north-1", "https://bedrock-runtime.cn-north-1.amazonaws.com.cn"),
    ],
)
async def test_endpoint_is_that_of_the_region(make_bedrock: Make, region: str, endpoint: str) -> None:
    assert str(make_bedrock(region_name=region, base_url=None).address).rstrip("/") == endpoint


def test_region_that_is_none_is_refused(make_bedrock: Make) -> None:
    with pytest.raises(BadInputError, match="region_name must be the name of a region"):
        make_bedrock(region_name="evil.example/")


@pytest.mark.parametrize("model", [MISTRAL, "us.amazon.nova-lite-v1:0", MODELS[4], "gpt-4o"])
def test_model_that_cannot_be_invoked_is_told_what_can_and_the_way_out(make_bedrock: Make, model: str) -> None:
    with pytest.raises(BadInputError, match="supported are those of anthropic and meta") as caught:
        make_bedrock(model)
    assert "api='converse'" in caught.value.hint
    assert make_bedrock(model, api="converse").describe().capabilities.chat


def test_unknown_api_is_refused(make_bedrock: Make) -> None:
    with pytest.raises(BadInputError, match="api must be 'invoke' or 'converse', not 'chat'"):
        make_bedrock(api="chat")


async def test_unknown_setting_is_told(make_bedrock: Make) -> None:
    with pytest.warns(SettingWarning, match="does not know region. "):
        make_bedrock(region="us-east-1")


async def test_card_says_what_the_family_can_do(make_bedrock: Make) -> None:
    claude, llama = make_bedrock().describe().capabilities, make_bedrock(LLAMA_3).describe().capabilities
    converse = make_bedrock(MISTRAL, api="converse").describe().capabilities
    assert (claude.images, llama.images, converse.images) == (True, False, True)
    assert (claude.embed, llama.embed, converse.embed) == (False, False, False)
    usual = {"max_tokens", "temperature", "top_p", "continue_last", "timeout", "extra"}
    assert claude.options == usual | {"top_k", "stop"}
    assert llama.options == usual
    assert converse.options == usual | {"stop"}
    assert make_bedrock(api="converse").describe().capabilities.options == usual | {"stop", "top_k"}


# -- addresses and keys -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "api", "stream", "path"),
    [
        (HAIKU, "invoke", False, "/model/anthropic.claude-3-haiku-20240307-v1%3A0/invoke"),
        (HAIKU, "invoke", True, "/model/anthropic.claude-3-haiku-20240307-v1%3A0/invoke-with-response-stream"),
        (HAIKU, "converse", False, "/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse"),
        (MISTRAL, "converse", True, "/model/mistral.mistral-large-2402-v1%3A0/converse-stream"),
        (MODELS[2], "invoke", False, "/model/us.anthropic.claude-3-5-sonnet-20240620-v1%3A0/invoke"),
        (
            MODELS[3],
            "invoke",
            False,
            "/model/arn%3Aaws%3Abedrock%3Aus-west-2%3A123456789012%3Ainference-profile%2F"
            "us.anthropic.claude-3-5-sonnet-20240620-v1%3A0/invoke",
        ),
        (LLAMA_4, "invoke", True, "/model/us.meta.llama4-scout-17b-instruct-v1%3A0/invoke-with-response-stream"),
    ],
)
async def test_model_stands_in_the_address(
    bedrock: BedrockStandIn, make_bedrock: Make, model: str, api: str, stream: bool, path: str
) -> None:
    assert await said(make_bedrock(model, api=api), asked("hi", stream=stream)) == "hi"
    assert bedrock.requests[-1].target == path


@pytest.mark.parametrize("tail", ["/", "/behind/a/gateway", "/behind/a/gateway/"])
async def test_base_url_may_have_a_path(bedrock: BedrockStandIn, make_bedrock: Make, tail: str) -> None:
    assert await said(make_bedrock(base_url=bedrock.url + tail), asked("hi")) == "hi"
    assert bedrock.requests[-1].path.startswith(f"{tail.rstrip('/')}/model/")


async def test_lent_keys_come_with_their_token(bedrock: BedrockStandIn, make_bedrock: Make) -> None:
    bedrock.session_token = "lent/token+for-a-while=="
    assert await said(make_bedrock(aws_session_token=bedrock.session_token), asked("hi")) == "hi"
    assert bedrock.requests[-1].headers["X-Amz-Security-Token"] == bedrock.session_token
    error = await failed(make_bedrock())
    assert isinstance(error, RefusedError)
    bedrock.always = Act(hang_up=True)
    with pytest.raises(ModelCallError) as caught:
        await answered(make_bedrock(aws_session_token=Secret(bedrock.session_token)), asked())
    assert_no_key(caught.value, key=bedrock.session_token)


@pytest.mark.parametrize(
    ("setting", "value", "code"),
    [
        ("aws_access_key", "AKIDUNKNOWN000000000", "UnrecognizedClientException"),
        ("aws_secret_key", "wrong/secret", "InvalidSignatureException"),
        ("region_name", "eu-west-1", "InvalidSignatureException"),
    ],
)
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_wrong_key_or_region_names_the_settings(
    make_bedrock: Make, setting: str, value: str, code: str, stream: bool
) -> None:
    error = await failed(make_bedrock(**{setting: value, "max_retries": 5}), stream=stream)
    assert isinstance(error, RefusedError)
    assert (error.status, error.code) == (403, code)
    assert error.hint == "Check the settings aws_access_key, aws_secret_key and region_name."
    assert error.request_id
    assert_no_key(error, key=value)


async def test_wrong_clock_is_told_in_the_services_words(bedrock: BedrockStandIn, make_bedrock: Make) -> None:
    bedrock.clock_is_off = timedelta(hours=1)
    error = await failed(make_bedrock())
    assert isinstance(error, RefusedError)
    assert "Signature expired" in str(error)


async def test_every_try_is_signed_anew(bedrock: BedrockStandIn, make_bedrock: Make) -> None:
    bedrock.next(Act(status=429, headers={"Retry-After": "1.1"}))
    assert await said(make_bedrock(max_retries=1), asked("hi")) == "hi"
    first, second = [seen.headers["X-Amz-Date"] for seen in bedrock.requests]
    assert first < second


# -- failures ---------------------------------------------------------------------------------------------------------


async def test_unknown_model_is_a_setting_to_check(make_bedrock: Make) -> None:
    error = await failed(make_bedrock("anthropic.claude-99", max_retries=5))
    assert type(error) is ModelCallError
    assert (error.status, error.code, error.retryable) == (400, "ValidationException", False)
    assert "The provided model identifier is invalid." in str(error)
    assert error.hint == "Check the settings model and base_url."


@pytest.mark.parametrize(
    ("status", "kind", "code", "is_retryable"),
    [
        (408, CallTimeoutError, "ModelTimeoutException", True),
        (424, ModelCallError, "ModelErrorException", True),
        (429, RateLimitedError, "ThrottlingException", True),
        (403, RefusedError, "AccessDeniedException", False),
        (404, ModelCallError, "ResourceNotFoundException", False),
    ],
)
async def test_exceptions_of_the_service_are_ours(
    bedrock: BedrockStandIn,
    make_bedrock: Make,
    status: int,
    kind: type[ModelCallError],
    code: str,
    is_retryable: bool,
) -> None:
    bedrock.always = Act(status=status, message="its words")
    error = await failed(make_bedrock())
    assert type(error) is kind
    assert (error.status, error.code, error.retryable) == (status, code, is_retryable)
    assert "its words" in str(error)
    assert error.request_id.startswith("9b0c6a52")


async def test_words_of_the_gateway_are_capitalised(bedrock: BedrockStandIn, make_bedrock: Make) -> None:
    bedrock.always = Act(status=403, raw=b'{"Message": "User: arn:aws:iam::1:user/me is not authorized"}')
    error = await failed(make_bedrock())
    assert isinstance(error, RefusedError)
    assert "arn:aws:iam::1:user/me is not authorized" in str(error)


@pytest.mark.parametrize(("model", "api"), [(HAIKU, "invoke"), (LLAMA_3, "invoke"), (MISTRAL, "converse")])
@pytest.mark.parametrize(
    ("name", "kind", "is_retryable"),
    [
        ("throttlingException", RateLimitedError, True),
        ("modelStreamErrorException", ModelCallError, True),
        ("internalServerException", ModelCallError, True),
        ("serviceUnavailableException", ModelCallError, True),
        ("modelTimeoutException", CallTimeoutError, True),
        ("validationException", ModelCallError, False),
    ],
)
async def test_exception_in_a_frame_is_an_error(
    bedrock: BedrockStandIn,
    make_bedrock: Make,
    model: str,
    api: str,
    name: str,
    kind: type[ModelCallError],
    is_retryable: bool,
) -> None:
    bedrock.always = Act(raw=exception_frame(name, "its words"), raw_type=STREAM)
    error = await failed(make_bedrock(model, api=api), stream=True)
    assert type(error) is kind
    assert (error.code, error.retryable) == (name[0].upper() + name[1:], is_retryable)
    assert "its words" in str(error)


async def test_exception_before_the_first_word_is_tried_again(bedrock: BedrockStandIn, make_bedrock: Make) -> None:
    bedrock.always = Act(reply="now it works")
    bedrock.next(Act(raw=exception_frame("throttlingException", "slow down"), raw_type=STREAM))
    assert await said(make_bedrock(max_retries=1), asked()) == "now it works"


async def test_anthropics_own_error_in_a_chunk_is_an_error(bedrock: BedrockStandIn, make_bedrock: Make) -> None:
    event = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    bedrock.always = Act(raw=chunk(event), raw_type=STREAM)
    error = await failed(make_bedrock(), stream=True)
    assert (error.code, error.retryable) == ("overloaded_error", True)


async def test_frames_that_are_yet_to_be_invented_are_passed_over(bedrock: BedrockStandIn, make_bedrock: Make) -> None:
    frames = [
        frame("novelty", {"bytes": "AAAA"}),
        chunk({"type": "novelty", "message": {"id": "m"}}),
        chunk({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "hi"}}),
        chunk({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}),
    ]
    bedrock.always = Act(raw=b"".join(frames), raw_type=STREAM)
    assert await said(make_bedrock(), asked()) == "hi"
