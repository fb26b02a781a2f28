"""`saas/claude` against a stand-in that speaks Anthropic's public protocol."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from byzer_nb.engines import build
from byzer_nb.errors import (
    BadInputError,
    CallTimeoutError,
    MissingSettingError,
    ModelCallError,
    RateLimitedError,
    RefusedError,
    UnsupportedError,
)
from byzer_nb.providers.claude import Claude
from byzer_nb.types import (
    AudioPart,
    ChatOptions,
    ChatRequest,
    Delta,
    DeploySpec,
    EmbedRequest,
    ImagePart,
    Message,
    TextPart,
    Usage,
)
from byzer_nb.types.settings import SettingWarning
from tests.providers.asking import answered, asked, said
from tests.standins.claude import ClaudeStandIn
from tests.standins.vendor import Act, sse

pytestmark = pytest.mark.contract("SAAS-29")

SONNET = "claude-3-5-sonnet-20240620"
PIXEL = "iVBORw0KGgo="
SYSTEM = Message(role="system", content="Be brief.")
CONTINUED = (Message(role="user", content="Count."), Message(role="assistant", content="1, 2, "))

MakeClaude = Callable[..., Claude]


@pytest.fixture
def anthropic() -> Iterator[ClaudeStandIn]:
    """Anthropic in process."""
    with ClaudeStandIn() as standin:
        yield standin


@pytest.fixture
async def make(anthropic: ClaudeStandIn) -> AsyncIterator[MakeClaude]:
    """Makes an engine for the stand-in; settings can be added or replaced."""
    made: list[Claude] = []

    def make(**settings: Any) -> Claude:
        usual = {"api_key": anthropic.key, "base_url": anthropic.url, "model": SONNET, "max_retries": 0}
        engine = build(DeploySpec(name="chat", engine="saas/claude", settings=usual | settings))
        assert isinstance(engine, Claude)
        made.append(engine)
        return engine

    yield make
    for engine in made:
        await engine.close()


async def failure(engine: Claude, request: ChatRequest) -> ModelCallError:
    """The error of a call that must fail."""
    with pytest.raises(ModelCallError) as caught:
        await answered(engine, request)
    return caught.value


# -- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.contract("SAAS-02")
def test_missing_key_is_named() -> None:
    with pytest.raises(MissingSettingError, match="saas/claude needs the setting api_key") as caught:
        build(DeploySpec(name="chat", engine="saas/claude"))
    assert caught.value.setting == "api_key"


@pytest.mark.contract("SAAS-02")
@pytest.mark.parametrize("tail", ["", "/", "/v1", "/v1/", "/v1/messages", "/messages"])
async def test_base_url_is_taken_with_and_without_its_version(
    anthropic: ClaudeStandIn, make: MakeClaude, tail: str
) -> None:
    assert await said(make(base_url=f"{anthropic.origin}{tail}"), asked("hi")) == "hi"
    assert anthropic.requests[0].path == "/v1/messages"


def test_usual_address_and_model_are_anthropics() -> None:
    engine = build(DeploySpec(name="chat", engine="saas/claude", settings={"api_key": "k"}))
    assert isinstance(engine, Claude)
    assert engine.describe().model == "claude-3-haiku-20240307"
    assert str(engine.address_of("messages")) == "https://api.anthropic.com/v1/messages"


@pytest.mark.parametrize(
    ("setting", "option", "expected"), [(None, None, 4096), ("8192", None, 8192), (8192, 5, 5), (None, 5, 5)]
)
async def test_limit_of_tokens_is_always_sent(
    anthropic: ClaudeStandIn, make: MakeClaude, setting: object, option: int | None, expected: int
) -> None:
    await said(make(max_output_tokens=setting), asked(max_tokens=option))
    assert anthropic.requests[0].body["max_tokens"] == expected


def test_limit_of_tokens_that_is_none_is_refused() -> None:
    with pytest.raises(BadInputError, match="max_output_tokens must be a number of at least 1, not 0"):
        build(DeploySpec(name="chat", engine="saas/claude", settings={"api_key": "k", "max_output_tokens": 0}))


# -- requests ---------------------------------------------------------------------------------------------------------


async def test_plain_question_is_one_turn_and_one_answer(anthropic: ClaudeStandIn, make: MakeClaude) -> None:
    anthropic.always = Act(reply="hello there")
    (delta,) = await answered(make(), asked("hi", stream=False))
    assert delta == Delta(
        text="hello there", finish_reason="stop", usage=Usage(input_tokens=1, output_tokens=2), request_id="msg_1"
    )
    seen = anthropic.requests[0]
    assert seen.path == "/v1/messages"
    assert seen.headers["x-api-key"] == anthropic.key
    assert seen.headers["anthropic-version"] == "2023-06-01"
    assert "Authorization" not in seen.headers
    assert seen.body == {
        "model": SONNET,
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
    }


async def test_stream_gives_one_delta_an_event_and_the_count_at_the_end(
    anthropic: ClaudeStandIn, make: MakeClaude
) -> None:
    anthropic.always = Act(reply=["Hel", "lo"])
    deltas = await answered(make(), asked("hi"))
    assert [delta.text for delta in deltas] == ["Hel", "lo", ""]
    assert deltas[-1].usage == Usage(input_tokens=1, output_tokens=2)
    assert {delta.request_id for delta in deltas} == {"msg_1"}
    assert anthropic.requests[0].body["stream"] is True


async def test_every_option_has_its_name(anthropic: ClaudeStandIn, make: MakeClaude) -> None:
    engine = make()
    options = ChatOptions(
        max_tokens=9, temperature=0.0, top_p=0.5, top_k=40, stop=("x", "y"), extra={"metadata": {"user_id": "me"}}
    )
    await said(engine, ChatRequest(messages=asked().messages, options=options))
    assert anthropic.requests[0].body == {
        "model": SONNET,
        "stream": True,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        "max_tokens": 9,
        "temperature": 0.0,
        "top_p": 0.5,
        "top_k": 40,
        "stop_sequences": ["x", "y"],
        "metadata": {"user_id": "me"},
    }
    assert engine.describe().capabilities.options == {*options.given(), "continue_last", "timeout"}


async def test_system_stands_beside_the_turns_which_alternate(anthropic: ClaudeStandIn, make: MakeClaude) -> None:
    messages = (
        SYSTEM,
        Message(role="user", content="one"),
        Message(role="assistant", content=" \n"),
        Message(role="user", content="two"),
        Message(role="system", content="In Chinese."),
    )
    await said(make(), ChatRequest(messages=messages))
    body = anthropic.requests[0].body
    assert body["system"] == "Be brief.\n\nIn Chinese."
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]}
    ]


async def test_pictures_travel_inside_or_as_addresses(anthropic: ClaudeStandIn, make: MakeClaude) -> None:
    content = (
        ImagePart(url=f"data:image/jpg;base64,{PIXEL}"),
        ImagePart(url="https://example.com/a.png"),
        TextPart(text="What is this?"),
    )
    await said(make(), ChatRequest(messages=(Message(role="user", content=content),)))
    assert anthropic.requests[0].body["messages"][0]["content"] == [
        {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": PIXEL}},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        {"type": "text", "text": "What is this?"},
    ]


async def test_sound_and_texts_to_embed_are_refused_before_they_are_sent(
    anthropic: ClaudeStandIn, make: MakeClaude
) -> None:
    engine = make()
    message = Message(role="user", content=(AudioPart(url="data:audio/wav;base64,AAAA"),))
    with pytest.raises(UnsupportedError, match="does not hear sound"):
        await answered(engine, ChatRequest(messages=(message,)))
    with pytest.raises(UnsupportedError, match="no embedding service"):
        await engine.embed(EmbedRequest(texts=("a",)))
    assert not anthropic.requests


@pytest.mark.contract("CHAT-08")
async def test_begun_answer_is_continued_as_a_plain_last_turn(anthropic: ClaudeStandIn, make: MakeClaude) -> None:
    engine = make()
    assert engine.describe().capabilities.continues
    await said(engine, ChatRequest(messages=CONTINUED, options=ChatOptions(continue_last=True)))
    last = anthropic.requests[0].body["messages"][-1]
    assert last == {"role": "assistant", "content": [{"type": "text", "text": "1, 2,"}]}


@pytest.mark.contract("CHAT-08")
async def test_model_that_continues_nothing_says_so(anthropic: ClaudeStandIn, make: MakeClaude) -> None:
    anthropic.prefills = False
    error = await failure(make(), ChatRequest(messages=CONTINUED, options=ChatOptions(continue_last=True)))
    assert error.status == 400
    assert "does not support assistant message prefill" in str(error)


@pytest.mark.parametrize("name", ["model", "messages", "system", "stream"])
async def test_own_parameters_cannot_change_what_the_call_decides(
    anthropic: ClaudeStandIn, make: MakeClaude, name: str
) -> None:
    with pytest.raises(BadInputError, match="the call itself decides it"):
        await answered(make(), asked(extra={name: 1}))
    assert not anthropic.requests


async def test_model_that_takes_one_of_two_keeps_the_temperature_and_takes_top_p_alone(
    anthropic: ClaudeStandIn, make: MakeClaude, stream: bool
) -> None:
    anthropic.takes_both = False
    engine = make()
    with pytest.warns(SettingWarning, match="takes no top_p beside a temperature") as told:
        await said(engine, asked(temperature=0.5, top_p=0.9, stream=stream))
    await said(engine, asked(temperature=0.5, top_p=0.9, stream=stream))
    await said(engine, asked(top_p=0.9, stream=stream))
    sent = [{name for name in seen.body if name in ("temperature", "top_p")} for seen in anthropic.requests]
    assert sent == [{"temperature", "top_p"}, {"temperature"}, {"temperature"}, {"top_p"}]
    assert len(told) == 1


async def test_model_without_temperature_is_asked_without(anthropic: ClaudeStandIn, make: MakeClaude) -> None:
    error = {"type": "invalid_request_error", "message": "`temperature` is deprecated for this model."}
    anthropic.always = Act(refuses={"temperature": error})
    engine = make()
    with pytest.warns(SettingWarning, match="takes no temperature"):
        await said(engine, asked(temperature=0.5, top_k=4))
    await said(engine, asked(temperature=0.5))
    assert ["temperature" in seen.body for seen in anthropic.requests] == [True, False, False]
    assert anthropic.requests[1].body["top_k"] == 4


async def test_value_out_of_range_is_the_callers_to_mend(anthropic: ClaudeStandIn, make: MakeClaude) -> None:
    error = await failure(make(max_retries=3), asked(temperature=1.5))
    assert "temperature: range: 0..1" in str(error)
    assert (error.status, error.code, error.retryable) == (400, "invalid_request_error", False)
    assert len(anthropic.requests) == 1


# -- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
    ],
)
async def test_reason_is_told_in_our_words(
    anthropic: ClaudeStandIn, make: MakeClaude, theirs: str, ours: str, stream: bool
) -> None:
    anthropic.always = Act(reply="so far", finish_reason=theirs)
    assert (await answered(make(), asked(stream=stream)))[-1].finish_reason == ours


async def test_the_stop_string_that_ended_an_answer_is_named(
    anthropic: ClaudeStandIn, make: MakeClaude, stream: bool
) -> None:
    anthropic.always = Act(reply="one two three four")
    last = (await answered(make(), asked(stream=stream, stop=("four", "three"))))[-1]
    assert (last.finish_reason, last.stopped_by) == ("stop", "three")
    last = (await answered(make(), asked(stream=stream, stop=("never",))))[-1]
    assert (last.finish_reason, last.stopped_by) == ("stop", "")


async def test_signature_and_tools_bring_no_words(anthropic: ClaudeStandIn, make: MakeClaude) -> None:
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"id": "msg", "usage": {"input_tokens": 3, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "redacted_thinking", "data": "x"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "word"}},
        {"type": "an_event_of_next_year", "content": 7},
        {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "{"}},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}},
        {"type": "message_stop"},
    ]
    raw = b"".join(sse(event, name=event["type"]) for event in events)
    anthropic.always = Act(raw=raw, raw_type="text/event-stream")
    first, last = await answered(make(), asked())
    assert (first.text, first.reasoning) == ("word", "")
    assert last.finish_reason == "tool_calls"
    assert last.usage == Usage(input_tokens=3, output_tokens=9)


async def test_cached_tokens_were_read_too(anthropic: ClaudeStandIn, make: MakeClaude) -> None:
    usage = {"input_tokens": 2, "cache_creation_input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 5}
    answer = {"id": "m", "content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn", "usage": usage}
    anthropic.always = Act(raw=json.dumps(answer).encode())
    (delta,) = await answered(make(), asked(stream=False))
    assert delta.usage == Usage(input_tokens=9, output_tokens=5)


# -- errors -----------------------------------------------------------------------------------------------------------


async def test_overloaded_server_is_tried_again(anthropic: ClaudeStandIn, make: MakeClaude, stream: bool) -> None:
    anthropic.always = Act(reply="now it works")
    anthropic.next(Act(status=529, message="Overloaded"))
    assert await said(make(max_retries=1), asked(stream=stream)) == "now it works"
    assert len(anthropic.requests) == 2


@pytest.mark.parametrize(
    ("kind", "expected", "is_retryable"),
    [
        ("invalid_request_error", ModelCallError, False),
        ("authentication_error", RefusedError, False),
        ("billing_error", RefusedError, False),
        ("permission_error", RefusedError, False),
        ("not_found_error", ModelCallError, False),
        ("request_too_large", ModelCallError, False),
        ("rate_limit_error", RateLimitedError, True),
        ("timeout_error", CallTimeoutError, True),
        ("api_error", ModelCallError, True),
        ("overloaded_error", ModelCallError, True),
    ],
)
async def test_error_event_is_the_same_as_a_status(
    anthropic: ClaudeStandIn, make: MakeClaude, kind: str, expected: type[ModelCallError], is_retryable: bool
) -> None:
    anthropic.always = Act(reply=["one"], error_at=0, error={"type": kind, "message": "vendor words"})
    error = await failure(make(), asked())
    assert type(error) is expected
    assert (error.code, error.retryable) == (kind, is_retryable)


async def test_error_tells_the_id_of_the_request(anthropic: ClaudeStandIn, make: MakeClaude) -> None:
    anthropic.always = Act(status=404, message="model: claude-9")
    error = await failure(make(), asked())
    assert (error.status, error.code, error.request_id) == (404, "not_found_error", "req_1")
