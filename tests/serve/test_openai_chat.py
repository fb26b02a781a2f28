"""Whole answers, as OpenAI's own client asks for them."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI, BadRequestError, OpenAI, UnprocessableEntityError

from byzer_nb.types import AudioPart, ImagePart, Message
from tests.serve.gateways import RunningGateway

HELLO: Any = [{"role": "user", "content": "hello there"}]
DOT = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
PICTURE: Any = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": DOT, "detail": "low"}},
        ],
    }
]


def asked(gateway: RunningGateway, name: str = "recorded") -> Any:
    """The last request that a model saw."""
    return gateway.engines[name].records[-1]


# -- the answer -------------------------------------------------------------------------------------------------------


@pytest.mark.contract("SERVE-01", "SERVE-02")
def test_bundled_model_answers(openai: OpenAI) -> None:
    answer = openai.chat.completions.create(model="byzer-tiny", messages=HELLO, max_tokens=8)
    assert answer.choices[0].message.content
    assert answer.usage is not None
    assert answer.usage.prompt_tokens > 0
    assert answer.usage.completion_tokens <= 8


@pytest.mark.contract("SERVE-02")
def test_answer_has_the_promised_form(openai: OpenAI) -> None:
    answer = openai.chat.completions.create(model="echo", messages=HELLO)
    (choice,) = answer.choices
    assert answer.id.startswith("cmpl-")
    assert (answer.object, answer.model) == ("chat.completion", "echo")
    assert (choice.index, choice.message.role, choice.message.content) == (0, "assistant", "hello there")
    assert choice.finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


async def test_async_client_gets_many_answers_at_once(async_openai: AsyncOpenAI) -> None:
    asking = [
        async_openai.chat.completions.create(model="echo", messages=[{"role": "user", "content": f"number {number}"}])
        for number in range(20)
    ]
    answers = await asyncio.gather(*asking)
    assert [answer.choices[0].message.content for answer in answers] == [f"number {number}" for number in range(20)]
    assert len({answer.id for answer in answers}) == 20


def test_thoughts_stand_beside_the_answer(openai: OpenAI) -> None:
    message: Any = openai.chat.completions.create(model="thinker", messages=HELLO).choices[0].message
    assert (message.content, message.reasoning_content) == ("It is 4.", "Two and two.")


def test_every_answer_of_n_has_its_index_and_all_tokens_are_counted(openai: OpenAI) -> None:
    one = openai.chat.completions.create(model="echo", messages=HELLO)
    three = openai.chat.completions.create(model="echo", messages=HELLO, n=3)
    assert [choice.index for choice in three.choices] == [0, 1, 2]
    assert one.usage is not None
    assert three.usage is not None
    assert three.usage.completion_tokens == 3 * one.usage.completion_tokens


def test_raw_answer_names_its_request(openai: OpenAI) -> None:
    raw = openai.chat.completions.with_raw_response.create(model="echo", messages=HELLO)
    assert raw.parse().id == f"cmpl-{raw.headers['x-request-id']}"
    assert raw.request_id == raw.headers["x-request-id"]
    assert float(raw.headers["x-byzer-overhead-ms"]) >= 0


# -- options ----------------------------------------------------------------------------------------------------------


def test_options_reach_the_model_as_they_are(openai: OpenAI, gateway: RunningGateway) -> None:
    openai.chat.completions.create(
        model="recorded",
        messages=HELLO,
        temperature=0.5,
        top_p=0.5,
        seed=7,
        stop=["END", "STOP"],
        presence_penalty=0.25,
        frequency_penalty=-0.25,
        max_completion_tokens=9,
        extra_body={"top_k": 3, "repetition_penalty": 1.5, "stop_token_ids": [1, 2]},
    )
    assert asked(gateway).options.given() == {
        "temperature": 0.5,
        "top_p": 0.5,
        "seed": 7,
        "stop": ("END", "STOP"),
        "presence_penalty": 0.25,
        "frequency_penalty": -0.25,
        "max_tokens": 9,
        "top_k": 3,
        "repetition_penalty": 1.5,
        "stop_token_ids": (1, 2),
    }


def test_without_max_tokens_the_model_decides(openai: OpenAI, gateway: RunningGateway) -> None:
    openai.chat.completions.create(model="recorded", messages=HELLO)
    assert asked(gateway).options.max_tokens is None


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_answer_ends_at_the_number_of_tokens(openai: OpenAI, field: str) -> None:
    limit: Any = {field: 1}
    choice = openai.chat.completions.create(model="echo", messages=HELLO, **limit).choices[0]
    assert (choice.message.content, choice.finish_reason) == ("hello", "length")


@pytest.mark.parametrize("stop", ["there", ["there"], ["never", "there"]])
def test_answer_ends_before_a_stop_text(openai: OpenAI, stop: Any) -> None:
    choice = openai.chat.completions.create(model="echo", messages=HELLO, stop=stop).choices[0]
    assert (choice.message.content, choice.finish_reason) == ("hello ", "stop")


def test_same_seed_gives_the_same_words(openai: OpenAI) -> None:
    def words(seed: int) -> str | None:
        answer = openai.chat.completions.create(
            model="byzer-tiny", messages=HELLO, seed=seed, temperature=5, max_tokens=12
        )
        return answer.choices[0].message.content

    assert words(1) == words(1)
    assert len({words(seed) for seed in range(4)}) > 1


def test_option_that_the_model_does_not_know_is_told(openai: OpenAI) -> None:
    answer: Any = openai.chat.completions.create(
        model="text_only", messages=HELLO, presence_penalty=0.5, seed=3, temperature=0.5
    )
    assert answer.choices[0].message.content == "hello there"
    assert [warning.split()[6] for warning in answer.warnings] == ["presence_penalty", "seed"]


def test_field_without_effect_is_told(openai: OpenAI) -> None:
    answer: Any = openai.chat.completions.create(model="echo", messages=HELLO, user="ann", store=True)
    assert answer.warnings == ["user has no effect here.", "store has no effect here."]


def test_name_of_a_speaker_is_told_to_have_no_effect(openai: OpenAI) -> None:
    named: Any = [{"role": "user", "name": "ann", "content": "hi"}]
    answer: Any = openai.chat.completions.create(model="echo", messages=named)
    assert answer.warnings == ["The name of a message has no effect here."]


def test_answer_without_a_warning_has_no_such_field(http: httpx.Client) -> None:
    answer = http.post("/v1/chat/completions", json={"model": "echo", "messages": HELLO}).json()
    assert "warnings" not in answer


def test_values_that_change_nothing_are_taken(openai: OpenAI) -> None:
    answer = openai.chat.completions.create(
        model="echo",
        messages=HELLO,
        n=1,
        logprobs=False,
        logit_bias={},
        modalities=["text"],
        service_tier="auto",
        stop=None,
        extra_body={"min_p": 0, "use_beam_search": False, "ignore_eos": False, "echo": False, "length_penalty": 1},
    )
    assert answer.choices[0].message.content == "hello there"


REFUSED: list[tuple[str, Any]] = [
    ("logprobs", True),
    ("top_logprobs", 5),
    ("functions", [{"name": "f"}]),
    ("function_call", "auto"),
    ("use_beam_search", True),
    ("guided_regex", "[a-z]+"),
    ("echo", True),
    ("no_such_field", 1),
]


@pytest.mark.parametrize(("field", "value"), REFUSED, ids=[name for name, _ in REFUSED])
def test_field_that_nobody_here_honours_is_refused_by_name(openai: OpenAI, field: str, value: Any) -> None:
    with pytest.raises(BadRequestError) as refused:
        openai.chat.completions.create(model="echo", messages=HELLO, extra_body={field: value})
    assert field in refused.value.message
    assert refused.value.type == "invalid_request_error"


WRONG: list[tuple[str, Any]] = [
    ("temperature", -1),
    ("temperature", "hot"),
    ("top_p", 2),
    ("max_tokens", 0),
    ("max_tokens", 1.5),
    ("n", 0),
    ("n", 1000),
    ("stop", ["a"] * 17),
    ("stop", 3),
    ("stream", "yes"),
    ("messages", []),
    ("messages", "hello"),
    ("tools", "none"),
    ("response_format", {"type": "xml"}),
    ("stream_options", 1),
]


@pytest.mark.parametrize(("field", "value"), WRONG, ids=lambda value: str(value)[:20])
def test_wrong_value_is_refused_with_its_field(openai: OpenAI, field: str, value: Any) -> None:
    with pytest.raises(BadRequestError) as refused:
        openai.chat.completions.create(model="echo", messages=HELLO, extra_body={field: value})
    assert (refused.value.param or "").startswith(field)


def test_two_guides_at_once_are_refused(openai: OpenAI) -> None:
    with pytest.raises((BadRequestError, UnprocessableEntityError)) as refused:
        openai.chat.completions.create(
            model="tools", messages=HELLO, extra_body={"guided_choice": ["a"], "guided_json": {"type": "object"}}
        )
    assert "guided_choice" in refused.value.message


# -- what is said -----------------------------------------------------------------------------------------------------


def test_developer_speaks_as_the_system(openai: OpenAI, gateway: RunningGateway) -> None:
    openai.chat.completions.create(
        model="recorded", messages=[{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "hi"}]
    )
    assert [turn.role for turn in asked(gateway).messages] == ["system", "user"]


def test_text_parts_are_one_text(openai: OpenAI, gateway: RunningGateway) -> None:
    parts: Any = [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]
    openai.chat.completions.create(model="recorded", messages=[{"role": "user", "content": parts}])
    assert asked(gateway).messages == (Message(role="user", content="one two"),)


def test_picture_reaches_a_model_that_sees(openai: OpenAI, gateway: RunningGateway) -> None:
    openai.chat.completions.create(model="recorded", messages=PICTURE)
    picture = asked(gateway).messages[0].content[1]
    assert isinstance(picture, ImagePart)
    assert (picture.url, picture.extra) == (DOT, {"detail": "low"})


def test_sound_reaches_a_model_that_listens(openai: OpenAI, gateway: RunningGateway) -> None:
    parts: Any = [{"type": "input_audio", "input_audio": {"data": "SUQzAAAA", "format": "mp3"}}]
    openai.chat.completions.create(model="recorded", messages=[{"role": "user", "content": parts}])
    assert asked(gateway).messages[0].content == (AudioPart(url="data:audio/mpeg;base64,SUQzAAAA"),)


def test_model_that_reads_only_refuses_pictures(openai: OpenAI) -> None:
    with pytest.raises(BadRequestError, match="does not take pictures"):
        openai.chat.completions.create(model="text_only", messages=PICTURE)


@pytest.mark.parametrize("flag", ["prefix", "add_generation_prompt"])
def test_begun_answer_is_continued(openai: OpenAI, gateway: RunningGateway, flag: str) -> None:
    begun: Any = {"role": "assistant", "content": "The sea is"}
    extra = {}
    if flag == "prefix":
        begun["prefix"] = True
    else:
        extra = {"add_generation_prompt": False}
    openai.chat.completions.create(model="recorded", messages=[*HELLO, begun], extra_body=extra)
    assert asked(gateway).options.continue_last
    assert asked(gateway).messages[-1] == Message(role="assistant", content="The sea is")


def test_bundled_model_goes_on_with_a_begun_answer(openai: OpenAI) -> None:
    begun: Any = {"role": "assistant", "content": "Hello", "prefix": True}
    answer = openai.chat.completions.create(model="byzer-tiny", messages=[*HELLO, begun], max_tokens=6)
    assert answer.choices[0].finish_reason in ("stop", "length")


def test_continuing_a_question_is_refused(openai: OpenAI) -> None:
    with pytest.raises(BadRequestError, match="nothing to continue"):
        openai.chat.completions.create(model="recorded", messages=HELLO, extra_body={"add_generation_prompt": False})


def test_earlier_refusal_stays_in_the_conversation(openai: OpenAI, gateway: RunningGateway) -> None:
    declined: Any = {"role": "assistant", "content": None, "refusal": "I would rather not."}
    openai.chat.completions.create(model="recorded", messages=[*HELLO, declined, *HELLO])
    assert asked(gateway).messages[1] == Message(role="assistant", content="I would rather not.")


@pytest.mark.parametrize("field", ["function_call", "audio"])
def test_turn_that_holds_more_than_can_be_handed_on_is_refused(openai: OpenAI, field: str) -> None:
    turn: Any = {"role": "assistant", "content": "x", field: {"id": "1", "name": "f", "arguments": "{}"}}
    with pytest.raises(BadRequestError) as refused:
        openai.chat.completions.create(model="echo", messages=[turn, *HELLO])
    assert refused.value.param == f"messages[0].{field}"


def test_empty_turn_is_refused_with_its_place(openai: OpenAI) -> None:
    empty: Any = {"role": "user", "content": None}
    with pytest.raises(BadRequestError) as refused:
        openai.chat.completions.create(model="echo", messages=[*HELLO, empty])
    assert refused.value.param == "messages[1].content"
