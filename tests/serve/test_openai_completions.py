"""Texts that go on, as OpenAI's own client asks for them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from openai import BadRequestError, OpenAI

from byzer_nb import Client, ScriptedEngine
from byzer_nb.types import ChatOptions, ChatRequest, Message
from tests.serve.gateways import RunningGateway
from tests.standins.openai import OpenAIStandIn

TINY: Any = {"model": "byzer-tiny", "temperature": 0, "max_tokens": 12}


def refused(http: httpx.Client, **body: Any) -> dict[str, Any]:
    """The error that a body gets."""
    answer = http.post("/v1/completions", json={"model": "echo", "prompt": "hi", **body})
    assert answer.status_code == 400, answer.text
    error: dict[str, Any] = answer.json()["error"]
    return error


@pytest.mark.contract("SERVE-04")
def test_text_goes_on_as_it_stands_with_no_template_laid_over_it(openai: OpenAI) -> None:
    written_out = openai.completions.create(prompt="<|user|>Hello<|end|><|assistant|>", **TINY)
    asked = openai.chat.completions.create(messages=[{"role": "user", "content": "Hello"}], **TINY)
    assert written_out.object == "text_completion"
    assert written_out.choices[0].text == asked.choices[0].message.content
    assert written_out.usage is not None
    assert written_out.usage == asked.usage
    bare = openai.completions.create(prompt="Hello", **TINY)
    assert bare.usage is not None
    assert bare.usage.prompt_tokens < written_out.usage.prompt_tokens


@pytest.mark.contract("SERVE-04")
def test_several_texts_have_a_choice_each_in_their_order(openai: OpenAI) -> None:
    answer = openai.completions.create(model="echo", prompt=["one", "two", "three"])
    assert [(each.index, each.text) for each in answer.choices] == [(0, "one"), (1, "two"), (2, "three")]
    twice = openai.completions.create(model="echo", prompt=["one", "two"], n=2, best_of=2)
    assert [(each.index, each.text) for each in twice.choices] == [(0, "one"), (1, "one"), (2, "two"), (3, "two")]
    assert twice.usage is not None
    assert twice.usage.completion_tokens == 4


@pytest.mark.contract("SERVE-04")
@pytest.mark.parametrize("model", ["byzer-tiny", "echo", "text_only"])
def test_pieces_of_the_stream_add_up_to_the_whole_text(openai: OpenAI, model: str) -> None:
    asked: Any = {**TINY, "model": model, "prompt": "<|user|>Hello and good morning<|end|><|assistant|>"}
    whole = openai.completions.create(**asked)
    *pieces, last = openai.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    assert len(pieces) > 2
    assert "".join(piece.choices[0].text for piece in pieces) == whole.choices[0].text
    assert [piece.choices[0].finish_reason for piece in pieces[:-1]] == [None] * (len(pieces) - 1)
    assert pieces[-1].choices[0].finish_reason == whole.choices[0].finish_reason
    assert (last.choices, last.usage) == ([], whole.usage)


@pytest.mark.contract("SERVE-04")
def test_stream_of_several_texts_tells_each_piece_with_its_index(openai: OpenAI) -> None:
    texts = {0: "", 1: "", 2: "", 3: ""}
    prompts = ["one two three", "four five six"]
    for piece in openai.completions.create(model="echo", prompt=prompts, n=2, stream=True):
        texts[piece.choices[0].index] += piece.choices[0].text
    assert texts == {0: prompts[0], 1: prompts[0], 2: prompts[1], 3: prompts[1]}


@pytest.mark.contract("SERVE-04")
def test_echo_puts_the_text_before_what_comes_after_it(openai: OpenAI) -> None:
    asked: Any = {"model": "echo", "prompt": ["one ", "two "], "echo": True}
    assert [each.text for each in openai.completions.create(**asked).choices] == ["one one ", "two two "]
    texts = ["", ""]
    for piece in openai.completions.create(**asked, stream=True):
        texts[piece.choices[0].index] += piece.choices[0].text
    assert texts == ["one one ", "two two "]


@pytest.mark.contract("SERVE-04")
def test_token_ids_are_read_as_the_text_that_they_are(openai: OpenAI, http: httpx.Client) -> None:
    prompt = "<|user|>Hello<|end|><|assistant|>"
    ids = http.post("/tokenize", json={"model": "byzer-tiny", "prompt": prompt}).json()["tokens"]
    text = openai.completions.create(prompt=prompt, **TINY).choices[0].text
    assert openai.completions.create(prompt=ids, **TINY).choices[0].text == text
    assert [each.text for each in openai.completions.create(prompt=[ids, ids], **TINY).choices] == [text, text]
    echoed = openai.completions.create(prompt=ids, echo=True, **TINY)
    assert echoed.choices[0].text == prompt + text


def test_token_ids_for_a_model_without_a_tokenizer_are_refused_with_the_way_out(http: httpx.Client) -> None:
    error = refused(http, prompt=[1, 2, 3])
    assert error["param"] == "prompt"
    assert "Send the text itself." in error["message"]
    assert "no token 999999" in refused(http, model="byzer-tiny", prompt=[999_999])["message"]
    assert "is the id of no token" in refused(http, model="byzer-tiny", prompt=[-1])["message"]


def test_stop_ends_the_text(openai: OpenAI) -> None:
    answer = openai.completions.create(model="echo", prompt="one two three", stop=[" three"])
    assert (answer.choices[0].text, answer.choices[0].finish_reason) == ("one two", "stop")
    short = openai.completions.create(model="echo", prompt="one two three", max_tokens=1)
    assert (short.choices[0].text, short.choices[0].finish_reason) == ("one", "length")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("suffix", "the end"),
        ("logprobs", 0),
        ("logprobs", 5),
        ("best_of", 3),
        ("use_beam_search", True),
        ("guided_regex", "a+"),
        ("n", 0),
        ("prompt", []),
        ("prompt", [[]]),
        ("prompt", [[1], "a"]),
        ("prompt", ["a"] * 129),
        ("prompt", None),
        ("prompt", {"text": "a"}),
        ("no_such_field", 1),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_field(http: httpx.Client, field: str, value: Any) -> None:
    error = refused(http, **{field: value})
    assert field in (error["param"] or error["message"])


def test_many_texts_times_many_answers_are_too_many(http: httpx.Client) -> None:
    assert "at most 2" in refused(http, prompt=["a", "b", "c"], n=64)["message"]


@pytest.mark.contract("SERVE-04")
def test_too_long_a_text_is_told_with_its_need_and_the_limit(openai: OpenAI) -> None:
    for stream in (False, True):
        with pytest.raises(BadRequestError, match=r"6000 tokens.*takes 1024") as told:
            openai.completions.create(prompt="x " * 3000, stream=stream, **TINY)
        assert told.value.code == "context_length_exceeded"
    with pytest.raises(BadRequestError, match=r"tokens.*takes 1024") as told:
        openai.chat.completions.create(messages=[{"role": "user", "content": "x " * 3000}], **TINY)
    assert told.value.code == "context_length_exceeded"


def test_a_text_of_megabytes_is_refused_with_the_least_that_it_has(openai: OpenAI) -> None:
    text = "hello " * 1_700_000
    with pytest.raises(BadRequestError, match=r"has at least \d+ tokens.*takes 1024") as told:
        openai.completions.create(prompt=text, **TINY)
    assert told.value.code == "context_length_exceeded"
    with pytest.raises(BadRequestError, match=r"has at least \d+ tokens.*takes 1024") as told:
        openai.chat.completions.create(messages=[{"role": "user", "content": text}], **TINY)
    assert told.value.code == "context_length_exceeded"


@pytest.mark.contract("SERVE-04")
def test_model_that_takes_turns_alone_is_sent_one_and_the_answer_says_so(
    relayed: OpenAI, upstream: OpenAIStandIn
) -> None:
    answer: Any = relayed.completions.create(model="gpt-4o", prompt="once upon a time")
    assert upstream.requests[-1].body["messages"] == [{"role": "user", "content": "once upon a time"}]
    assert answer.choices[0].text == "once upon a time"
    assert "sent as a turn of the user" in answer.warnings[0]
    *_, last = relayed.completions.create(model="gpt-4o", prompt="once", stream=True)
    assert "sent as a turn of the user" in last.model_extra["warnings"][0]


def test_choice_of_texts_holds_the_answer(openai: OpenAI, http: httpx.Client) -> None:
    answer = openai.completions.create(prompt="red or blue?", extra_body={"guided_choice": ["red", "blue"]}, **TINY)
    assert answer.choices[0].text in ('"red"', '"blue"')
    assert refused(http, model="text_only", guided_choice=["a"])["param"] == "guided_choice"
    assert refused(http, guided_choice=["a"], guided_json={"type": "object"})["code"] == "conflict"


def test_thoughts_are_not_mixed_into_the_text(openai: OpenAI) -> None:
    choice: Any = openai.completions.create(model="thinker", prompt="2 + 2").choices[0]
    assert (choice.text, choice.reasoning_content) == ("It is 4.", "Two and two.")


def test_failure_of_one_text_stops_the_others(open_gateway: Any) -> None:
    def answer(request: ChatRequest) -> str:
        if request.messages[0].text == "fail":
            raise RuntimeError("no")
        return "word " * 500

    engine = ScriptedEngine(answer, token_delay=0.01)
    running: RunningGateway = open_gateway({"mixed": engine})
    with httpx.Client(base_url=running.origin, timeout=60) as http:
        told = http.post("/v1/completions", json={"model": "mixed", "prompt": ["go on", "fail"]})
    assert told.status_code >= 500
    assert engine.running == 0


@pytest.mark.contract("SERVE-01")
def test_library_asks_for_a_raw_text_in_the_same_way() -> None:
    client = Client(model="byzer-tiny")
    text = client.apply_template("Hello")
    raw = ChatRequest(messages=(Message(role="user", content=text),), is_raw=True)
    options = ChatOptions(max_tokens=12, temperature=0)
    assert client.chat(raw, options=options).text == client.chat("Hello", options=options).text
