"""`saas/qianwen_vl` against a stand-in that speaks DashScope's public protocol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from byzer_nb.errors import MissingSettingError, ModelCallError, UnsupportedError
from byzer_nb.types import AudioPart, ChatOptions, ChatRequest, EmbedRequest, ImagePart, Message, TextPart, Usage
from tests.providers.asking import asked
from tests.providers.dashscope_asking import BEGUN, EVERY_OPTION, EVERY_PARAMETER, built, once, qianwen_vl, texts_of
from tests.standins.dashscope import DashScopeStandIn
from tests.standins.vendor import Act

VISION_PATH = "/api/v1/services/aigc/multimodal-generation/generation"
SEEN = (
    Message(role="system", content="Be brief."),
    Message(
        role="user",
        content=(
            ImagePart(url="data:image/jpg;base64,/9j/4AAQ"),
            ImagePart(url="https://example.com/a.png", extra={"max_pixels": "1000"}),
            TextPart(text="What is this?"),
        ),
    ),
)

pytestmark = pytest.mark.contract("SAAS-21", "MM-04")


@pytest.fixture
def dashscope() -> Iterator[DashScopeStandIn]:
    """DashScope in process."""
    with DashScopeStandIn() as standin:
        yield standin


def test_missing_key_is_named() -> None:
    with pytest.raises(MissingSettingError, match="saas/qianwen_vl needs the setting api_key"):
        built("saas/qianwen_vl")


async def test_card_says_what_it_can_do(dashscope: DashScopeStandIn) -> None:
    card = qianwen_vl(dashscope).describe()
    able = card.capabilities
    assert (card.model, card.engine) == ("qwen-vl-plus", "saas/qianwen_vl")
    assert (able.chat, able.stream, able.images, able.audio, able.embed) == (True, True, True, False, False)


async def test_pictures_and_words_are_items_of_a_list_in_their_order(dashscope: DashScopeStandIn) -> None:
    dashscope.always = Act(reply=["a", " dog"])
    (delta,) = await once(qianwen_vl(dashscope), ChatRequest(messages=SEEN, stream=False))
    seen = dashscope.requests[-1]
    assert (seen.method, seen.path) == ("POST", VISION_PATH)
    assert seen.body == {
        "model": "qwen-vl-plus",
        "input": {
            "messages": [
                {"role": "system", "content": [{"text": "Be brief."}]},
                {
                    "role": "user",
                    "content": [
                        {"image": "data:image/jpeg;base64,/9j/4AAQ"},
                        {"image": "https://example.com/a.png", "max_pixels": "1000"},
                        {"text": "What is this?"},
                    ],
                },
            ]
        },
        "parameters": {},
    }
    assert (delta.text, delta.finish_reason) == ("a dog", "stop")
    assert delta.usage == Usage(input_tokens=205, output_tokens=2)


async def test_every_option_is_a_parameter(dashscope: DashScopeStandIn) -> None:
    await once(qianwen_vl(dashscope), ChatRequest(messages=SEEN, options=EVERY_OPTION))
    seen = dashscope.requests[-1]
    assert seen.body["parameters"] == {**EVERY_PARAMETER, "incremental_output": True}
    assert seen.headers["X-DashScope-SSE"] == "enable"


async def test_items_of_an_answer_are_one_text(dashscope: DashScopeStandIn) -> None:
    message = b'{"role": "assistant", "content": [{"text": "a "}, {"image_hw": [[9, 9]]}, {"text": "dog"}]}'
    dashscope.next(Act(raw=b'{"output": {"choices": [{"finish_reason": "stop", "message": %s}]}}' % message))
    assert texts_of(await once(qianwen_vl(dashscope), asked(stream=False))) == ["a dog"]


@pytest.mark.parametrize("wish", [{}, {"incremental_output": False}], ids=str)
async def test_stream_of_lists_comes_in_pieces(dashscope: DashScopeStandIn, wish: dict[str, Any]) -> None:
    dashscope.always = Act(reply=["a", " brown", " dog"])
    deltas = await once(qianwen_vl(dashscope), ChatRequest(messages=SEEN, options=ChatOptions(extra=wish)))
    assert texts_of(deltas) == ["a", " brown", " dog"]


@pytest.mark.contract("CHAT-08")
async def test_begun_answer_is_continued_by_a_mark_on_it(dashscope: DashScopeStandIn) -> None:
    await once(qianwen_vl(dashscope), ChatRequest(messages=BEGUN, options=ChatOptions(continue_last=True)))
    assert dashscope.requests[-1].body["input"]["messages"][-1] == {
        "role": "assistant",
        "content": [{"text": "1, 2,"}],
        "partial": True,
    }


async def test_sound_and_vectors_are_refused_before_anything_is_sent(dashscope: DashScopeStandIn) -> None:
    sound = Message(role="user", content=(AudioPart(url="data:audio/wav;base64,AAAA"),))
    with pytest.raises(UnsupportedError, match="words and pictures, no sound"):
        await once(qianwen_vl(dashscope), ChatRequest(messages=(sound,)))
    with pytest.raises(UnsupportedError, match="has no embedding service"):
        await qianwen_vl(dashscope).embed(EmbedRequest(texts=("a",)))
    assert not dashscope.requests


async def test_picture_that_the_vendor_does_not_take_is_its_error(dashscope: DashScopeStandIn) -> None:
    picture = Message(role="user", content=(ImagePart(url="data:image/svg+xml;base64,AAAA"),))
    with pytest.raises(ModelCallError, match="HTTP 400: The provided URL does not appear to be valid"):
        await once(qianwen_vl(dashscope), ChatRequest(messages=(picture,)))
