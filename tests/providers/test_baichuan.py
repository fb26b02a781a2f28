"""`saas/baichuan` against stand-ins for its current protocol and for the retired, signed one."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from byzer_nb.engines import build
from byzer_nb.errors import (
    BadInputError,
    ByzerError,
    MissingSettingError,
    ModelCallError,
    RateLimitedError,
    RefusedError,
    UnsupportedError,
)
from byzer_nb.providers.baichuan import Baichuan
from byzer_nb.types import ChatOptions, ChatRequest, DeploySpec, EmbedRequest, ImagePart, Message, Secret, Usage
from tests.providers.asking import answered, asked, said
from tests.providers.failing import assert_no_key
from tests.standins.baichuan import SECRET, BaichuanSignedStandIn, BaichuanStandIn
from tests.standins.openai import embedding
from tests.standins.vendor import Act

TURNS = (
    Message(role="system", content="Be brief."),
    Message(role="user", content="世界第一高峰是?"),
    Message(role="assistant", content="珠穆朗玛峰"),
    Message(role="user", content='again "quoted"'),
)
OPTIONS = ChatOptions(temperature=0.4, top_p=0.5, top_k=10, extra={"with_search_enhance": True})


@pytest.fixture
def current() -> Iterator[BaichuanStandIn]:
    """The current protocol."""
    with BaichuanStandIn() as standin:
        yield standin


@pytest.fixture
def retired() -> Iterator[BaichuanSignedStandIn]:
    """The signed protocol."""
    with BaichuanSignedStandIn() as standin:
        yield standin


def engine(**settings: Any) -> Baichuan:
    usual = {"api_key": "k", "max_retries": 0}
    built = build(DeploySpec(name="chat", engine="saas/baichuan", settings=usual | settings))
    assert isinstance(built, Baichuan)
    return built


def of_current(standin: BaichuanStandIn, **settings: Any) -> Baichuan:
    return engine(**{"api_key": standin.key, "base_url": standin.url, **settings})


def of_retired(standin: BaichuanSignedStandIn, **settings: Any) -> Baichuan:
    address = f"{standin.url}/chat"
    usual = {"api_key": standin.key, "secret_key": standin.secret, "baichuan_api_url": address}
    return engine(**{**usual, "model": "Baichuan2-53B", **settings})


# -- settings -------------------------------------------------------------------------------------------------------


@pytest.mark.contract("SAAS-27", "SAAS-02")
@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, "https://api.baichuan-ai.com/v1/"),
        ({"baichuan_api_url": "https://api.baichuan-ai.com/v1/chat/completions"}, "https://api.baichuan-ai.com/v1/"),
        ({"baichuan_api_url": "http://host/v1/embeddings", "model": "Baichuan-Text-Embedding"}, "http://host/v1/"),
        ({"base_url": "http://host"}, "http://host/v1/"),
        ({"base_url": "http://host/v1/"}, "http://host/v1/"),
        ({"base_url": "http://host/v1/chat", "secret_key": "s"}, "http://host/v1/"),
        ({"baichuan_api_url": "http://host/v1/stream/chat", "secret_key": "s"}, "http://host/v1/"),
        ({"baichuan_api_url": "http://host/v1", "base_url": "http://other/v1"}, "http://host/v1/"),
    ],
)
def test_address_may_be_that_of_any_call(settings: dict[str, Any], address: str) -> None:
    assert str(engine(**settings).address_of("x")) == f"{address}x"


@pytest.mark.contract("SAAS-27", "SAAS-02")
@pytest.mark.parametrize(
    ("settings", "missing"),
    [({"api_key": None}, "api_key"), ({"baichuan_api_url": "http://host/v1/chat"}, "secret_key")],
)
def test_missing_setting_is_named(settings: dict[str, Any], missing: str) -> None:
    with pytest.raises(MissingSettingError) as caught:
        engine(**settings)
    assert str(caught.value) == f"saas/baichuan needs the setting {missing}."


@pytest.mark.contract("SAAS-27")
async def test_secret_beside_the_current_address_changes_nothing(current: BaichuanStandIn) -> None:
    made = of_current(current, secret_key=SECRET)  # without a warning, which would be an error here
    assert await said(made, asked("hi")) == "hi"
    assert not [name for name in current.requests[0].headers if name.lower().startswith("x-bc")]


@pytest.mark.contract("SAAS-27", "SAAS-03")
def test_cards_list_what_is_sent_on() -> None:
    able = engine().describe().capabilities
    assert engine().describe().model == "Baichuan2-Turbo"
    assert able.options == {"max_tokens", "temperature", "top_p", "top_k", "timeout", "extra"}
    assert (able.chat, able.stream, able.embed, able.images, able.continues) == (True, True, False, False, False)
    able = engine(base_url="http://host/v1/chat", secret_key="s").describe().capabilities
    assert able.options == {"temperature", "top_p", "top_k", "timeout", "extra"}
    assert (able.chat, able.stream, able.embed, able.images, able.continues) == (True, True, False, False, False)
    able = engine(model="Baichuan-Text-Embedding").describe().capabilities
    assert (able.chat, able.stream, able.embed) == (False, False, True)


# -- the current protocol -------------------------------------------------------------------------------------------


@pytest.mark.contract("SAAS-27")
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_current_body_is_the_documented_one(current: BaichuanStandIn, stream: bool) -> None:
    await answered(of_current(current), ChatRequest(messages=TURNS, options=OPTIONS, stream=stream))
    (seen,) = current.requests
    assert (seen.method, seen.target) == ("POST", "/v1/chat/completions")
    assert seen.headers["Authorization"] == f"Bearer {current.key}"
    assert seen.body == {
        "model": "Baichuan2-Turbo",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "世界第一高峰是?"},
            {"role": "assistant", "content": "珠穆朗玛峰"},
            {"role": "user", "content": 'again "quoted"'},
        ],
        "temperature": 0.4,
        "top_p": 0.5,
        "top_k": 10,
        "with_search_enhance": True,
        **({"stream": True} if stream else {}),
    }


@pytest.mark.contract("SAAS-27")
async def test_options_that_nobody_promised_are_not_sent(current: BaichuanStandIn) -> None:
    options: dict[str, Any] = {"stop": ("x",), "seed": 1, "presence_penalty": 0.5, "max_tokens": 5}
    assert await said(of_current(current), asked("hi", **options)) == "hi"
    assert current.requests[0].body.keys() == {"model", "messages", "stream", "max_tokens"}


@pytest.mark.contract("SAAS-27", "SAAS-03")
async def test_documented_stream_is_read(current: BaichuanStandIn) -> None:
    head = {"id": "chatcmpl-M633300APBknoaF", "object": "chat.completion.chunk", "model": "Baichuan2-Turbo"}

    def of(content: str, reason: str = "", **more: Any) -> str:
        delta = {"role": "assistant", "content": content}
        chunk = {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **more}
        return f"data:{json.dumps(chunk, ensure_ascii=False)}\n\n"

    usage = {"prompt_tokens": 6, "completion_tokens": 29, "total_tokens": 35}
    raw = of("世界第一高峰是珠穆") + of("朗玛峰(Mount") + of("8米。", "stop", usage=usage)
    for end in ("", "data:[DONE]\n\n"):
        current.always = Act(raw=(raw + end).encode(), raw_type="text/event-stream")
        *words, last = await answered(of_current(current), asked())
        assert [delta.text for delta in words] == ["世界第一高峰是珠穆", "朗玛峰(Mount", "8米。"]
        assert (last.finish_reason, last.usage) == ("stop", Usage(input_tokens=6, output_tokens=29))
        assert last.request_id == "chatcmpl-M633300APBknoaF"


@pytest.mark.contract("SAAS-27", "SAAS-03")
async def test_documented_answer_is_read(current: BaichuanStandIn) -> None:
    message = {"role": "assistant", "content": "232元"}
    answer = {
        "id": "3213214123",
        "created": 1697932800,
        "choices": [{"index": 0, "finish_reason": "content_filter", "message": message}],
        "model": "Baichuan2-Turbo",
        "object": "chat.completion",
        "usage": {"prompt_tokens": 17, "completion_tokens": 100, "total_tokens": 117},
    }
    current.always = Act(raw=json.dumps(answer).encode())
    (delta,) = await answered(of_current(current), asked(stream=False))
    assert (delta.text, delta.finish_reason) == ("232元", "content_filter")
    assert (delta.usage, delta.request_id) == (Usage(input_tokens=17, output_tokens=100), "3213214123")


@pytest.mark.contract("SAAS-27", "SAAS-04")
async def test_error_object_keeps_code_words_and_the_name_of_the_call(current: BaichuanStandIn) -> None:
    error = {"code": "invalid_request_error", "type": "invalid_request_error", "message": "no such model"}
    body = json.dumps({"error": error}).encode()
    current.always = Act(raw=body, status=400, headers={"X-BC-Request-Id": "bc-7"})
    with pytest.raises(ModelCallError, match="HTTP 400: no such model") as caught:
        await answered(of_current(current), asked())
    assert (caught.value.code, caught.value.request_id) == ("invalid_request_error", "bc-7")
    assert not caught.value.retryable


@pytest.mark.contract("SAAS-27", "SAAS-04")
async def test_empty_account_is_not_asked_again(current: BaichuanStandIn) -> None:
    error = {"code": "insufficient_quota", "type": "insufficient_quota", "message": "Insufficient account balance"}
    current.always = Act(status=429, error=error)
    with pytest.raises(RateLimitedError, match="Insufficient account balance") as caught:
        await answered(of_current(current, max_retries=3), asked())
    assert not caught.value.retryable
    assert len(current.requests) == 1


@pytest.mark.contract("SAAS-27", "EMB-01")
async def test_texts_are_embedded_sixteen_at_a_time_and_in_order(current: BaichuanStandIn) -> None:
    made = of_current(current, model="Baichuan-Text-Embedding")
    texts = tuple(f"文本 {number}" for number in range(35))
    reply = await made.embed(EmbedRequest(texts=texts))
    assert [list(vector) for vector in reply.vectors] == [embedding(text, 1024) for text in texts]
    assert sorted(len(seen.body["input"]) for seen in current.requests) == [3, 16, 16]
    assert {seen.target for seen in current.requests} == {"/v1/embeddings"}
    assert reply.usage.input_tokens > 0
    first = min(current.requests, key=lambda seen: seen.body["input"][0] != texts[0])
    assert first.body == {"model": "Baichuan-Text-Embedding", "input": list(texts[:16])}


@pytest.mark.contract("SAAS-27", "SAAS-03")
async def test_embedding_model_does_not_chat_and_chat_model_does_not_embed(current: BaichuanStandIn) -> None:
    with pytest.raises(UnsupportedError, match="does not chat"):
        await answered(of_current(current, model="Baichuan-Text-Embedding"), asked())
    with pytest.raises(UnsupportedError, match="no embedding service"):
        await of_current(current).embed(EmbedRequest(texts=("a",)))
    assert not current.requests


# -- the retired protocol -------------------------------------------------------------------------------------------


@pytest.mark.contract("SAAS-27")
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_signed_call_is_the_documented_one(retired: BaichuanSignedStandIn, stream: bool) -> None:
    await answered(of_retired(retired), ChatRequest(messages=TURNS, options=OPTIONS, stream=stream))
    (seen,) = retired.requests
    assert (seen.method, seen.target) == ("POST", "/v1/stream/chat" if stream else "/v1/chat")
    assert seen.body == {
        "model": "Baichuan2-53B",
        "messages": [
            {"role": "user", "content": "Be brief.\n\n世界第一高峰是?"},
            {"role": "assistant", "content": "珠穆朗玛峰"},
            {"role": "user", "content": 'again "quoted"'},
        ],
        "parameters": {"temperature": 0.4, "top_p": 0.5, "top_k": 10, "with_search_enhance": True},
    }
    moment = seen.headers["X-BC-Timestamp"]
    assert abs(int(moment) - time.time()) < 10
    assert seen.headers["Authorization"] == f"Bearer {retired.key}"
    assert seen.headers["X-BC-Sign-Algo"] == "MD5"
    signed = f"{SECRET}{seen.raw.decode()}{moment}"
    assert seen.headers["X-BC-Signature"] == hashlib.md5(signed.encode()).hexdigest()


@pytest.mark.contract("SAAS-27")
async def test_signed_body_has_no_parameters_where_nobody_asked_for_any(retired: BaichuanSignedStandIn) -> None:
    turns = (Message(role="assistant", content="hello"), Message(role="tool", content="42"))
    await answered(of_retired(retired), ChatRequest(messages=(TURNS[0], *turns)))
    assert retired.requests[0].body == {
        "model": "Baichuan2-53B",
        "messages": [
            {"role": "user", "content": "Be brief."},
            {"role": "assistant", "content": "hello"},
            {"role": "user", "content": "42"},
        ],
    }


@pytest.mark.contract("SAAS-27")
async def test_each_try_is_signed_anew(retired: BaichuanSignedStandIn) -> None:
    retired.always = Act(reply="now it works")
    retired.next(Act(error={"code": 10203, "msg": "too often"}, headers={"Retry-After": "1.1"}))
    assert await said(of_retired(retired, max_retries=2), asked()) == "now it works"
    first, second = (seen.headers for seen in retired.requests)
    assert int(second["X-BC-Timestamp"]) > int(first["X-BC-Timestamp"])
    assert second["X-BC-Signature"] != first["X-BC-Signature"]


@pytest.mark.contract("SAAS-27")
@pytest.mark.parametrize("name", ["model", "messages", "stream"])
async def test_extra_cannot_hold_what_the_signed_call_decides(retired: BaichuanSignedStandIn, name: str) -> None:
    with pytest.raises(BadInputError, match=f"extra cannot hold {name!r}"):
        await answered(of_retired(retired), asked(extra={name: 1}))
    assert not retired.requests


@pytest.mark.contract("SAAS-27")
async def test_signed_protocol_takes_words_alone(retired: BaichuanSignedStandIn) -> None:
    picture = Message(role="user", content=(ImagePart(url="https://example.com/a.png"),))
    with pytest.raises(UnsupportedError, match="neither pictures nor sound"):
        await answered(of_retired(retired), ChatRequest(messages=(picture,)))
    assert not retired.requests


def line(content: str, reason: str = "", **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, "finish_reason": reason}
    return {"code": 0, "msg": "success", "data": {"messages": [message]}, **more}


@pytest.mark.contract("SAAS-27", "SAAS-03")
@pytest.mark.parametrize("raw_type", ["application/json", "text/event-stream", "text/plain"])
@pytest.mark.parametrize("end", ["", "\n", "\r\n\r\n"])
async def test_lines_are_read_whatever_they_are_called(retired: BaichuanSignedStandIn, raw_type: str, end: str) -> None:
    usage = {"prompt_tokens": 8, "answer_tokens": 29, "total_tokens": 37}
    lines = [line("珠穆"), line("朗玛峰"), line("", "stop", usage=usage)]
    raw = "\n".join(json.dumps(each, ensure_ascii=False) for each in lines) + end
    retired.always = Act(raw=raw.encode(), raw_type=raw_type, headers={"X-BC-Request-Id": "bc-9"})
    deltas = await answered(of_retired(retired), asked())
    assert "".join(delta.text for delta in deltas) == "珠穆朗玛峰"
    assert (deltas[-1].finish_reason, deltas[-1].request_id) == ("stop", "bc-9")
    assert deltas[-1].usage == Usage(input_tokens=8, output_tokens=29)


@pytest.mark.contract("SAAS-27", "SAAS-04")
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize(
    ("code", "kind", "is_retryable"),
    [
        (1, ModelCallError, True),
        (10000, ModelCallError, False),
        *((code, RefusedError, False) for code in range(10100, 10107)),
        *((code, RefusedError, False) for code in range(10200, 10203)),
        (10203, RateLimitedError, True),
        (10300, RefusedError, False),
        (10301, RefusedError, False),
        (10400, ModelCallError, False),
        (10401, ModelCallError, False),
        (10500, ModelCallError, True),
    ],
)
async def test_code_in_success_becomes_the_right_error(
    retired: BaichuanSignedStandIn, code: int, kind: type[ByzerError], is_retryable: bool, stream: bool
) -> None:
    retired.always = Act(error={"code": code, "msg": "no such luck"})
    with pytest.raises(ModelCallError) as caught:
        await answered(of_retired(retired), asked(stream=stream))
    error = caught.value
    assert type(error) is kind
    assert (error.code, error.retryable, error.status) == (str(code), is_retryable, 200)
    assert error.request_id
    assert "refused the key" in str(error) or "no such luck" in str(error)


@pytest.mark.contract("SAAS-27", "SAAS-04")
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_wrong_secret_is_refused_and_not_shown(retired: BaichuanSignedStandIn, stream: bool) -> None:
    wrong = "bc-wrong-5577006791947779410"
    made = of_retired(retired, secret_key=Secret(wrong), max_retries=5)
    with pytest.raises(RefusedError, match="refused the key \\(10105\\)") as caught:
        await answered(made, asked(stream=stream))
    assert caught.value.hint == "Check the settings api_key and secret_key."
    assert len(retired.requests) == 1
    assert_no_key(caught.value, key=wrong)
    assert wrong not in repr(made) + repr(vars(made))


@pytest.mark.contract("SAAS-27", "SAAS-04")
async def test_secret_in_the_vendors_words_is_masked(retired: BaichuanSignedStandIn) -> None:
    retired.always = Act(error={"code": 10000, "msg": f"no such thing: {SECRET}"})
    with pytest.raises(ModelCallError, match=r"no such thing: \*{6}") as caught:
        await answered(of_retired(retired), asked())
    assert SECRET not in repr(caught.value) + repr(vars(caught.value))


@pytest.mark.contract("SAAS-05")
@pytest.mark.parametrize(
    "extra", [{"no_such_thing": 1}, {"temperature": 1.5}, {"top_k": -1}], ids=["unknown", "temperature", "top_k"]
)
async def test_stand_ins_refuse_what_the_protocols_forbid(
    current: BaichuanStandIn, retired: BaichuanSignedStandIn, extra: dict[str, Any]
) -> None:
    with pytest.raises(ModelCallError) as caught:
        await answered(of_current(current), asked(extra=extra))
    assert (caught.value.status, caught.value.code) == (400, "invalid_request_error")
    with pytest.raises(ModelCallError) as caught:
        await answered(of_retired(retired), asked(extra=extra))
    assert caught.value.code == "10000"
