"""What MiniMax answers in its two protocols, and how its verdicts become errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from byzer_nb.errors import ByzerError, CallTimeoutError, ModelCallError, RateLimitedError, RefusedError
from byzer_nb.types import Usage
from tests.providers.asking import answered, asked, said
from tests.providers.failing import assert_no_key
from tests.providers.test_minimax import of_current, of_old
from tests.standins.minimax import MiniMaxCurrentStandIn, MiniMaxStandIn, verdict
from tests.standins.vendor import Act


@pytest.fixture
def old() -> Iterator[MiniMaxStandIn]:
    """`chatcompletion_pro`."""
    with MiniMaxStandIn() as standin:
        yield standin


@pytest.fixture
def current() -> Iterator[MiniMaxCurrentStandIn]:
    """`chatcompletion_v2`."""
    with MiniMaxCurrentStandIn() as standin:
        yield standin


def events(*frames: dict[str, Any]) -> Act:
    """A stream of exactly these frames."""
    raw = "".join(f"data: {json.dumps(frame, ensure_ascii=False)}\n\n" for frame in frames)
    return Act(raw=raw.encode(), raw_type="text/event-stream")


# -- answers --------------------------------------------------------------------------------------------------------


@pytest.mark.contract("SAAS-24", "SAAS-03")
async def test_documented_answer_of_the_old_protocol_is_read(old: MiniMaxStandIn) -> None:
    answer = {
        "created": 1695026998,
        "model": "abab5.5-chat",
        "reply": "月无双",
        "choices": [
            {
                "finish_reason": "max_output",
                "messages": [{"sender_type": "BOT", "sender_name": "MM智能助理", "text": "月无双"}],
            }
        ],
        "usage": {"total_tokens": 350},
        "input_sensitive": False,
        "output_sensitive": False,
        "id": "0157422df0a266482950e56badee8bfc",
        "base_resp": {"status_code": 0, "status_msg": ""},
    }
    old.always = Act(raw=json.dumps(answer).encode())
    (delta,) = await answered(of_old(old), asked(stream=False))
    assert (delta.text, delta.finish_reason) == ("月无双", "length")
    assert delta.usage == Usage(output_tokens=350)  # nobody says which of them were read
    assert delta.request_id == "0157422df0a266482950e56badee8bfc"


def old_frame(text: str, **more: Any) -> dict[str, Any]:
    said = {"sender_type": "BOT", "sender_name": "Assistant", "text": text}
    reason = {"finish_reason": "stop"} if more else {}
    return {"request_id": "r1", "reply": "", "choices": [{"messages": [said], **reason}], **more}


@pytest.mark.contract("SAAS-24")
@pytest.mark.parametrize(
    ("pieces", "last", "expected"),
    [
        (["one", " two"], {"reply": "one two"}, "one two"),
        ([], {"reply": "one two"}, "one two"),
        (["one"], {"reply": "one two"}, "one two"),
        (["call 555"], {"reply": "call ***"}, "call 555"),  # what was masked afterwards is no news
        ([], {"reply": ""}, ""),
    ],
    ids=["all said before", "nothing said before", "some said before", "masked", "empty"],
)
async def test_last_frame_of_the_old_stream_adds_only_what_was_not_said(
    old: MiniMaxStandIn, pieces: list[str], last: dict[str, str], expected: str
) -> None:
    whole = old_frame(last["reply"], **last, usage={"total_tokens": 9}, base_resp={"status_code": 0})
    old.always = events(*map(old_frame, pieces), whole)
    deltas = await answered(of_old(old), asked())
    assert "".join(delta.text for delta in deltas) == expected
    assert (deltas[-1].finish_reason, deltas[-1].usage) == ("stop", Usage(output_tokens=9))
    assert deltas[-1].request_id == "r1"


@pytest.mark.contract("SAAS-24")
async def test_documented_stream_of_the_current_protocol_is_said_once(current: MiniMaxCurrentStandIn) -> None:
    head = {"id": "04ecb6e75e57edd157dee0642353bd0f", "created": 1755153383, "model": "MiniMax-M1"}
    chunk = {**head, "object": "chat.completion.chunk", "usage": {"total_tokens": 0, "total_characters": 0}}

    def of(content: str, **more: Any) -> dict[str, Any]:
        delta = {"content": content, "role": "assistant", "name": "MiniMax AI", "audio_content": "", **more}
        return {**chunk, "choices": [{"index": 0, "delta": delta}]}

    end = of("你的吗？")
    end["choices"][0]["finish_reason"] = "stop"
    message = {"content": "你好！有什么我可以帮你的吗？", "role": "assistant", "reasoning_content": "好的"}
    whole = {
        **head,
        "choices": [{"finish_reason": "stop", "index": 0, "message": message}],
        "object": "chat.completion",
        "usage": {"total_tokens": 249, "prompt_tokens": 26, "completion_tokens": 223},
        "base_resp": {"status_code": 0, "status_msg": ""},
    }
    frames = [of("", reasoning_content="好的"), of("你好！有什么我可以帮", reasoning_content=""), end]
    for sent, usage in (([*frames, whole], Usage(input_tokens=26, output_tokens=223)), (frames, None)):
        current.always = events(*sent)
        deltas = await answered(of_current(current), asked())
        assert "".join(delta.text for delta in deltas) == "你好！有什么我可以帮你的吗？"
        assert "".join(delta.reasoning for delta in deltas) == "好的"
        assert (deltas[-1].finish_reason, deltas[-1].usage) == ("stop", usage)
        assert deltas[-1].request_id == head["id"]


@pytest.mark.contract("SAAS-24")
async def test_sum_of_tokens_is_kept_where_nobody_takes_it_apart(current: MiniMaxCurrentStandIn) -> None:
    message = {"choices": [{"finish_reason": "length", "message": {"content": "hi"}}], "usage": {"total_tokens": 73}}
    current.always = Act(raw=json.dumps(message).encode())
    (delta,) = await answered(of_current(current), asked(stream=False))
    assert (delta.text, delta.finish_reason, delta.usage) == ("hi", "length", Usage(output_tokens=73))


# -- errors ---------------------------------------------------------------------------------------------------------


@pytest.mark.contract("SAAS-24", "SAAS-04")
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_wrong_group_is_refused(old: MiniMaxStandIn, stream: bool) -> None:
    with pytest.raises(RefusedError) as caught:
        await answered(of_old(old, group_id="1", max_retries=5), asked(stream=stream))
    assert caught.value.code == "1004"
    assert caught.value.hint == "Check the settings api_key and group_id."
    assert len(old.requests) == 1
    assert_no_key(caught.value)


@pytest.mark.contract("SAAS-24", "SAAS-04")
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize(
    ("code", "kind", "is_retryable"),
    [
        (1000, ModelCallError, True),
        (1001, CallTimeoutError, True),
        (1002, RateLimitedError, True),
        (1004, RefusedError, False),
        (1008, RefusedError, False),
        (1013, ModelCallError, True),
        (1024, ModelCallError, True),
        (1026, ModelCallError, False),
        (1027, ModelCallError, False),
        (1033, ModelCallError, True),
        (1039, RateLimitedError, True),
        (2013, ModelCallError, False),
        (2049, RefusedError, False),
        (9999, ModelCallError, False),
    ],
)
async def test_code_in_success_becomes_the_right_error(
    old: MiniMaxStandIn,
    current: MiniMaxCurrentStandIn,
    code: int,
    kind: type[ByzerError],
    is_retryable: bool,
    stream: bool,
) -> None:
    for made, standin in ((of_old(old), old), (of_current(current), current)):
        standin.always = Act(error={"id": "t1", **verdict(code, "no such luck")})
        with pytest.raises(ModelCallError) as caught:
            await answered(made, asked(stream=stream))
        error = caught.value
        assert type(error) is kind
        assert (error.code, error.retryable, error.request_id) == (str(code), is_retryable, "t1")
        assert (error.provider, error.model, error.status) == ("saas/minimax", "chat", 200)
        assert kind is RefusedError or "no such luck" in str(error)


@pytest.mark.contract("SAAS-24", "SAAS-04")
async def test_verdict_in_the_first_frame_of_a_stream_is_tried_again(
    old: MiniMaxStandIn, current: MiniMaxCurrentStandIn
) -> None:
    for made, standin in ((of_old(old, max_retries=2), old), (of_current(current, max_retries=2), current)):
        standin.always = Act(reply="now it works")
        standin.next(Act(error=verdict(1039, "tokens per minute"), error_at=0))
        assert await said(made, asked()) == "now it works"
        assert len(standin.requests) == 2


@pytest.mark.contract("SAAS-24", "SAAS-04")
async def test_code_may_be_text(old: MiniMaxStandIn) -> None:
    old.always = Act(error={"base_resp": {"status_code": "1002", "status_msg": "slow down"}})
    with pytest.raises(RateLimitedError, match="slow down"):
        await answered(of_old(old), asked())


@pytest.mark.contract("SAAS-24", "SAAS-04")
async def test_status_beside_a_code_keeps_both(old: MiniMaxStandIn) -> None:
    old.always = Act(status=429, message="slow down", headers={"Trace-Id": "t2"})
    with pytest.raises(RateLimitedError, match="HTTP 429: slow down") as caught:
        await answered(of_old(old), asked())
    assert (caught.value.status, caught.value.code) == (429, "1002")


@pytest.mark.contract("SAAS-24", "SAAS-04")
async def test_trace_in_the_header_names_a_failed_call(old: MiniMaxStandIn) -> None:
    body = json.dumps(verdict(2013, "invalid params")).encode()
    old.always = Act(raw=body, headers={"Trace-Id": "t3"})
    with pytest.raises(ModelCallError, match="invalid params") as caught:
        await answered(of_old(old), asked(stream=False))
    assert caught.value.request_id == "t3"


@pytest.mark.contract("SAAS-24", "SAAS-04")
async def test_error_page_of_a_gateway_is_an_error(old: MiniMaxStandIn) -> None:
    old.always = Act(raw=b"<html>bad gateway</html>", raw_type="text/html", status=502)
    with pytest.raises(ModelCallError, match="HTTP 502") as caught:
        await answered(of_old(old), asked())
    assert caught.value.retryable
