"""Anthropic's own client as judge: it must send the bodies that `saas/claude` sends, and read the same words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import anthropic
import pytest

from byzer_nb.engines import build
from byzer_nb.types import ChatOptions, ChatRequest, DeploySpec, Engine, ImagePart, Message, TextPart
from tests.providers.asking import answered
from tests.standins.claude import ClaudeStandIn
from tests.standins.vendor import Act

pytestmark = pytest.mark.contract("SAAS-29")

MODEL = "claude-3-5-sonnet-20240620"
PIXEL = "iVBORw0KGgo="
OLD = {"anthropic-version": "2023-06-01"}
TURNS = (
    Message(role="system", content="Be brief."),
    Message(role="user", content="你好"),
    Message(role="assistant", content="hello"),
    Message(role="user", content='again "quoted"'),
)
SDK_TURNS = [{"role": turn.role, "content": [{"type": "text", "text": turn.text}]} for turn in TURNS[1:]]


@pytest.fixture
def standin() -> Iterator[ClaudeStandIn]:
    """Anthropic in process."""
    with ClaudeStandIn() as standin:
        yield standin


@pytest.fixture
async def engine(standin: ClaudeStandIn) -> AsyncIterator[Engine]:
    """Our engine for it."""
    settings = {"api_key": standin.key, "base_url": standin.url, "model": MODEL, "max_retries": 0}
    engine = build(DeploySpec(name="chat", engine="saas/claude", settings=settings))
    yield engine
    await engine.close()


@pytest.fixture
def sdk(standin: ClaudeStandIn) -> Iterator[anthropic.Anthropic]:
    """Anthropic's client for it."""
    with anthropic.Anthropic(api_key=standin.key, base_url=standin.origin, max_retries=0) as client:
        yield client


CASES: list[Any] = [
    pytest.param(TURNS, ChatOptions(), SDK_TURNS, {"max_tokens": 4096}, id="plain"),
    pytest.param(
        TURNS,
        ChatOptions(
            max_tokens=5,
            temperature=0.0,
            top_p=0.5,
            top_k=40,
            stop=("x", "y"),
            extra={"metadata": {"user_id": "me"}, "thinking": {"type": "disabled"}},
        ),
        SDK_TURNS,
        {
            "max_tokens": 5,
            "temperature": 0.0,
            "top_p": 0.5,
            "top_k": 40,
            "stop_sequences": ["x", "y"],
            "metadata": {"user_id": "me"},
            "thinking": {"type": "disabled"},
        },
        id="every option",
    ),
    pytest.param(
        (
            TURNS[0],
            Message(
                role="user",
                content=(
                    ImagePart(url=f"data:image/png;base64,{PIXEL}"),
                    ImagePart(url="https://example.com/a.png"),
                    TextPart(text="What is this?"),
                ),
            ),
        ),
        ChatOptions(),
        [
            {
                "role": "user",
                "content": [
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
                    {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
                    {"type": "text", "text": "What is this?"},
                ],
            }
        ],
        {"max_tokens": 4096},
        id="pictures",
    ),
]


@pytest.mark.parametrize(("turns", "options", "sdk_turns", "sdk_options"), CASES)
async def test_sdk_sends_the_same_body_and_reads_the_same_words(
    standin: ClaudeStandIn,
    engine: Engine,
    sdk: anthropic.Anthropic,
    turns: tuple[Message, ...],
    options: ChatOptions,
    sdk_turns: Any,
    sdk_options: dict[str, Any],
    stream: bool,
) -> None:
    standin.always = Act(reasoning=["hm"], reply="one two three 四")
    deltas = await answered(engine, ChatRequest(messages=turns, options=options, stream=stream))
    # Parameters of sampling belong to the older version; the client of today sends them beside its body.
    sampling = {name: sdk_options[name] for name in ("temperature", "top_p", "top_k") if name in sdk_options}
    others = {name: value for name, value in sdk_options.items() if name not in sampling}
    asked = {
        "model": MODEL,
        "system": "Be brief.",
        "messages": sdk_turns,
        "extra_body": sampling,
        "extra_headers": OLD,
        **others,
    }
    if stream:
        with sdk.messages.stream(**asked) as events:
            answer = events.get_final_message()
    else:
        answer = sdk.messages.create(**asked)
    first, second = standin.requests
    assert first.body == second.body
    assert first.path == second.path
    assert first.headers["anthropic-version"] == second.headers["anthropic-version"]
    # The client of today shows the same key under the other of its two names.
    assert f"Bearer {first.headers['x-api-key']}" == second.headers["Authorization"]
    assert "".join(delta.text for delta in deltas) == "".join(b.text for b in answer.content if b.type == "text")
    assert "".join(delta.reasoning for delta in deltas) == "".join(
        b.thinking for b in answer.content if b.type == "thinking"
    )
    assert deltas[-1].usage is not None
    assert deltas[-1].usage.input_tokens == answer.usage.input_tokens
    assert deltas[-1].usage.output_tokens == answer.usage.output_tokens
    assert (deltas[-1].request_id, answer.id) == ("msg_1", "msg_2")


@pytest.mark.contract("SAAS-05")
def test_sdk_takes_the_stand_in_for_the_real_thing(standin: ClaudeStandIn, sdk: anthropic.Anthropic) -> None:
    ask: Any = {"model": MODEL, "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    with pytest.raises(anthropic.AuthenticationError, match="invalid x-api-key"):
        sdk.with_options(api_key="wrong").messages.create(**ask)
    standin.next(Act(status=429, message="slow down"))
    with pytest.raises(anthropic.RateLimitError):
        sdk.messages.create(**ask)
    standin.next(Act(reply=["one", " two"], error_at=1, message="Overloaded"))
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"), sdk.messages.stream(**ask) as events:
        events.get_final_message()
    with pytest.raises(anthropic.BadRequestError, match="temperature: Extra inputs are not permitted"):
        sdk.messages.create(**ask, extra_body={"temperature": 1})  # in the version that the client sends by itself
