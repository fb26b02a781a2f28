"""`saas/openai` against a stand-in that speaks OpenAI's public protocol."""

from __future__ import annotations

import pytest

from byzer_nb.errors import BadInputError, ModelCallError, UnsupportedError
from byzer_nb.types import ChatOptions, ChatRequest, Delta, EmbedRequest, Message, Usage
from byzer_nb.types.settings import SettingWarning
from tests.providers.asking import answered, asked, said
from tests.providers.conftest import MakeEngine
from tests.standins.openai import OpenAIStandIn, embedding
from tests.standins.vendor import Act

CHINESE = "你好,世界 👩‍👩‍👧‍👦 — “quoted” e\u0301"
CONTINUED = (Message(role="user", content="Count."), Message(role="assistant", content="1, 2,"))


@pytest.mark.contract("SAAS-10", "SAAS-03")
async def test_plain_question_is_one_user_message_and_one_answer(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    openai_standin.always = Act(reply="hello there")
    (delta,) = await answered(make_engine(), asked("hi", stream=False))
    assert delta == Delta(
        text="hello there",
        finish_reason="stop",
        usage=Usage(input_tokens=1, output_tokens=2),
        request_id="chatcmpl-1",
    )
    seen = openai_standin.requests[0]
    assert seen.path == "/v1/chat/completions"
    assert seen.headers["Content-Type"] == "application/json"
    assert seen.body == {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.contract("SAAS-10", "SAAS-03")
async def test_stream_gives_one_delta_a_chunk_and_the_count_at_the_end(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    openai_standin.always = Act(reply=["Hel", "lo", " there"])
    deltas = await answered(make_engine(), asked("hi"))
    assert [delta.text for delta in deltas] == ["Hel", "lo", " there", ""]
    assert deltas[-1].finish_reason == "stop"
    assert deltas[-1].usage == Usage(input_tokens=1, output_tokens=3)
    assert {delta.request_id for delta in deltas} == {"chatcmpl-1"}
    assert openai_standin.requests[0].body["stream_options"] == {"include_usage": True}


@pytest.mark.contract("SAAS-05")
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("cut_every", [1, 2, 3, 7, 1000])
async def test_stream_cut_inside_characters_gives_the_right_text(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, cut_every: int, line_end: str
) -> None:
    openai_standin.always = Act(reply=CHINESE, cut_every=cut_every, comments=True, line_end=line_end)
    assert await said(make_engine(), asked("hi")) == CHINESE


@pytest.mark.contract("SAAS-05")
async def test_usage_is_unknown_when_the_server_does_not_count(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    openai_standin.always = Act(reply="hello", usage=False)
    for stream in (True, False):
        *_, last = await answered(make_engine(), asked(stream=stream))
        assert last.finish_reason == "stop"
        assert last.usage is None


@pytest.mark.parametrize("act", [Act(reply="hello", has_done=False), Act(reply="hello", finish_reason=None)])
async def test_either_a_reason_or_the_done_mark_ends_a_stream_well(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, act: Act
) -> None:
    openai_standin.always = act
    *_, last = deltas = await answered(make_engine(), asked())
    assert "".join(delta.text for delta in deltas) == "hello"
    assert last.finish_reason == "stop"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("length", "length"), ("tool_calls", "tool_calls"), ("content_filter", "content_filter"), ("eos", "stop")],
)
async def test_reasons_of_other_hosts_are_put_in_our_words(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, reason: str, expected: str
) -> None:
    openai_standin.always = Act(reply="x", finish_reason=reason)
    for stream in (True, False):
        assert (await answered(make_engine(), asked(stream=stream)))[-1].finish_reason == expected


@pytest.mark.contract("SAAS-12")
async def test_reasoning_is_kept_apart_from_the_text(openai_standin: OpenAIStandIn, make_engine: MakeEngine) -> None:
    openai_standin.always = Act(reply=["4", "2"], reasoning=["Six times", " seven."])
    for stream in (True, False):
        deltas = await answered(make_engine(), asked(stream=stream))
        assert "".join(delta.text for delta in deltas) == "42"
        assert "".join(delta.reasoning for delta in deltas) == "Six times seven."


@pytest.mark.contract("SAAS-12")
async def test_reasoning_model_is_not_sent_sampling_options_and_says_so_on_its_card(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    engine = make_engine(is_reasoning="true", max_output_tokens=100)
    assert not {"temperature", "max_tokens", "top_p"} & engine.describe().capabilities.options
    await answered(engine, asked(temperature=0.1, max_tokens=9, stop=("x",)))
    body = openai_standin.requests[0].body
    assert not {"temperature", "max_tokens", "top_p"} & body.keys()
    assert body["stop"] == ["x"]


@pytest.mark.contract("CHAT-08")
async def test_answer_that_was_begun_is_marked_as_a_prefix(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    openai_standin.always = Act(reply=" 3, 4")
    request = ChatRequest(messages=CONTINUED, options=ChatOptions(continue_last=True))
    assert await said(make_engine(), request) == " 3, 4"
    assert openai_standin.requests[0].body["messages"][-1] == {"role": "assistant", "content": "1, 2,", "prefix": True}
    assert "prefix" not in openai_standin.requests[0].body["messages"][0]


@pytest.mark.contract("CHAT-08", "SAAS-10")
@pytest.mark.parametrize(
    ("host", "path", "last", "prefix"),
    [
        ("api.siliconflow.cn", "/v1/chat/completions", {"role": "user", "content": "Count."}, "1, 2,"),
        (
            "api.moonshot.cn",
            "/v1/chat/completions",
            {"role": "assistant", "content": "1, 2,", "partial": True},
            None,
        ),
        (
            "api.deepseek.com",
            "/beta/chat/completions",
            {"role": "assistant", "content": "1, 2,", "prefix": True},
            None,
        ),
    ],
)
async def test_each_host_is_asked_to_continue_in_its_own_way(
    openai_standin: OpenAIStandIn,
    make_engine: MakeEngine,
    host: str,
    path: str,
    last: dict[str, object],
    prefix: str | None,
) -> None:
    # The stand-in plays the proxy, so that the real host name can be used.
    engine = make_engine(base_url=f"http://{host}/v1", proxies=openai_standin.origin)
    await answered(engine, ChatRequest(messages=CONTINUED, options=ChatOptions(continue_last=True)))
    seen = openai_standin.requests[0]
    assert seen.target == f"http://{host}{path}"
    assert seen.body["messages"][-1] == last
    assert seen.body.get("prefix") == prefix


@pytest.mark.contract("CHAT-08")
async def test_deepseek_continues_without_being_told_and_answers_plain_questions_at_its_usual_path(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    engine = make_engine(base_url="http://api.deepseek.com/v1", proxies=openai_standin.origin)
    await answered(engine, ChatRequest(messages=CONTINUED))
    await answered(engine, asked("hi"))
    assert [seen.path for seen in openai_standin.requests] == ["/beta/chat/completions", "/v1/chat/completions"]
    assert openai_standin.requests[0].body["messages"][-1]["prefix"] is True


@pytest.mark.contract("CHAT-08")
async def test_nothing_to_continue_is_a_value_error_with_both_conditions(make_engine: MakeEngine) -> None:
    with pytest.raises(BadInputError, match=r"continue_last is set, but the last message is not the assistant's"):
        await answered(make_engine(), asked(continue_last=True))


@pytest.mark.contract("SAAS-10")
async def test_body_gets_what_the_caller_adds(openai_standin: OpenAIStandIn, make_engine: MakeEngine) -> None:
    await answered(make_engine(), asked(extra={"user": "me", "metadata": {"a": [1]}}))
    body = openai_standin.requests[0].body
    assert (body["user"], body["metadata"], body["model"]) == ("me", {"a": [1]}, "gpt-4o")


@pytest.mark.contract("SAAS-10")
@pytest.mark.parametrize(
    ("name", "value", "right_way"),
    [
        ("model", "gpt-4o-mini", "model='...'"),
        ("messages", [], "Give the messages"),
        ("stream", False, "stream(...)"),
        ("stream_options", {}, "usage"),
        ("n", 2, "ask once for each answer"),
    ],
)
async def test_what_the_call_decides_is_not_overridden_by_extra(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, name: str, value: object, right_way: str
) -> None:
    with pytest.raises(BadInputError, match=f"extra cannot hold '{name}'") as refused:
        await answered(make_engine(), asked(extra={name: value}))
    assert right_way in refused.value.hint
    assert not openai_standin.requests


async def test_extra_that_is_no_json_is_refused_before_sending(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    with pytest.raises(BadInputError, match="cannot be written as JSON"):
        await answered(make_engine(), asked(extra={"tool": object()}))
    assert openai_standin.requests == []


async def test_output_limit_of_the_deployment_holds_where_a_call_sets_none(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    engine = make_engine(max_output_tokens="50")
    await answered(engine, asked())
    await answered(engine, asked(max_tokens=5))
    assert [seen.body["max_tokens"] for seen in openai_standin.requests] == [50, 5]


@pytest.mark.contract("SAAS-10")
async def test_model_that_wants_max_completion_tokens_gets_it_from_then_on(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    openai_standin.always = Act(
        reply="fine",
        refuses={
            "max_tokens": {
                "message": "Unsupported parameter: 'max_tokens' is not supported with this model. "
                "Use 'max_completion_tokens' instead.",
                "type": "invalid_request_error",
                "param": "max_tokens",
                "code": "unsupported_parameter",
            },
            "temperature": {
                "message": "Unsupported value: 'temperature' does not support 0.2 with this model. "
                "Only the default (1) value is supported.",
                "type": "invalid_request_error",
                "param": "temperature",
                "code": "unsupported_value",
            },
        },
    )
    engine = make_engine()
    with pytest.warns(SettingWarning, match="takes no temperature of its own") as caught:
        assert await said(engine, asked(max_tokens=7, temperature=0.2)) == "fine"
    assert len(caught) == 1
    assert await said(engine, asked(max_tokens=8, temperature=0.2)) == "fine"
    assert len(openai_standin.requests) == 4
    last = openai_standin.requests[-1].body
    assert last["max_completion_tokens"] == 8
    assert not {"max_tokens", "temperature"} & last.keys()


@pytest.mark.contract("SAAS-10")
async def test_gateway_that_knows_no_stream_options_is_asked_without_them(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    openai_standin.always = Act(reply="fine", refuses={"stream_options": {"message": "Unknown field: stream_options"}})
    assert await said(make_engine(), asked()) == "fine"
    assert [("stream_options" in seen.body) for seen in openai_standin.requests] == [True, False]


@pytest.mark.contract("SAAS-04")
async def test_temperature_out_of_range_is_not_mended_but_told(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    openai_standin.always = Act(refuses={"temperature": {"message": "Invalid 'temperature': must be at most 2."}})
    with pytest.raises(ModelCallError, match="must be at most 2"):
        await answered(make_engine(), asked(temperature=3))
    assert len(openai_standin.requests) == 1


async def test_gateway_that_cannot_stream_still_answers(openai_standin: OpenAIStandIn, make_engine: MakeEngine) -> None:
    openai_standin.always = Act(
        raw=b'{"id": 7, "choices": [{"message": {"content": [{"type": "text", "text": "whole"}]}}]}'
    )
    (delta,) = await answered(make_engine(), asked())
    assert (delta.text, delta.finish_reason, delta.request_id) == ("whole", "stop", "7")


@pytest.mark.contract("EMB-01", "SAAS-03")
async def test_texts_are_embedded_in_one_call_and_in_order(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    engine = make_engine(model="text-embedding-3-small")
    reply = await engine.embed(EmbedRequest(texts=("a fox", "狗", "a fox"), dimensions=4))
    assert reply.vectors == tuple(tuple(embedding(text, 4)) for text in ("a fox", "狗", "a fox"))
    assert reply.usage == Usage(input_tokens=5)
    (seen,) = openai_standin.requests
    assert seen.body == {"model": "text-embedding-3-small", "input": ["a fox", "狗", "a fox"], "dimensions": 4}


@pytest.mark.contract("SAAS-03")
async def test_embedding_model_does_not_chat(openai_standin: OpenAIStandIn, make_engine: MakeEngine) -> None:
    engine = make_engine(model="Text-Embedding-3-small")
    able = engine.describe().capabilities
    assert (able.chat, able.embed) == (False, True)
    with pytest.raises(UnsupportedError, match="is an embedding model and does not chat"):
        await answered(engine, asked())
    assert openai_standin.requests == []


async def test_no_texts_need_no_call(openai_standin: OpenAIStandIn, make_engine: MakeEngine) -> None:
    assert (await make_engine().embed(EmbedRequest(texts=()))).vectors == ()
    assert openai_standin.requests == []
