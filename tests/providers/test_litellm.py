"""`saas/litellm`: the vendors that no provider of ours speaks to directly, through the package litellm."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from byzer_nb.errors import (
    BadInputError,
    CallTimeoutError,
    MissingExtraError,
    MissingSettingError,
    ModelCallError,
    RateLimitedError,
    RefusedError,
    UnsupportedError,
)
from byzer_nb.types import (
    AudioPart,
    ChatOptions,
    ChatRequest,
    EmbedRequest,
    Engine,
    ImagePart,
    Message,
    TextPart,
    ToolSpec,
    Usage,
)
from tests.providers.asking import answered, asked, said
from tests.providers.failing import assert_no_key
from tests.providers.making import Make, making
from tests.standins.claude import ClaudeStandIn
from tests.standins.openai import OpenAIStandIn
from tests.standins.vendor import Act

pytestmark = pytest.mark.contract("SAAS-02", "SAAS-03", "SAAS-04")

CLAUDE = "anthropic/claude-3-5-sonnet-20240620"
TURNS = (
    Message(role="system", content="Be brief."),
    Message(role="user", content="你好"),
    Message(role="assistant", content="hello"),
    Message(
        role="user",
        content=(
            TextPart(text='again "quoted"'),
            ImagePart(url="data:image/png;base64,iVBORw0KGgo=", extra={"detail": "low"}),
            AudioPart(url="data:audio/wav;base64,UklGRg=="),
        ),
    ),
)
EVERY_OPTION = ChatOptions(
    max_tokens=9,
    temperature=0.0,
    top_p=0.5,
    stop=("x", "y"),
    seed=3,
    presence_penalty=0.1,
    frequency_penalty=-0.1,
    extra={"logit_bias": {"7": 1}},
)


@pytest.fixture
async def make(openai_standin: OpenAIStandIn) -> AsyncIterator[Make]:
    """Makes an engine for the stand-in of OpenAI."""
    way = {"api_key": openai_standin.key, "base_url": openai_standin.url, "model": "openai/gpt-4o"}
    async with making("saas/litellm", **way) as make:
        yield make


@pytest.fixture
def anthropic() -> Iterator[ClaudeStandIn]:
    """Another vendor, with a protocol of its own."""
    with ClaudeStandIn() as standin:
        yield standin


@pytest.fixture
async def claude(anthropic: ClaudeStandIn) -> AsyncIterator[Engine]:
    """A model of that vendor."""
    async with making("saas/litellm", model=CLAUDE, api_key=anthropic.key, base_url=anthropic.origin) as make:
        yield make()


# -- the package and the settings -------------------------------------------------------------------------------------


def test_missing_package_is_told_with_the_command_that_brings_it(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "litellm", None)
    with pytest.raises(MissingExtraError) as caught:
        make()
    assert str(caught.value) == "The engine 'saas/litellm' needs 'litellm', which is not installed."
    assert caught.value.hint == 'Run: pip install "byzer_nb[litellm]"'


def test_building_opens_no_socket(tmp_path: Path) -> None:
    code = """
        import sys

        def refuse(event, arguments):
            if event in ("socket.connect", "socket.getaddrinfo"):
                raise SystemExit(f"a socket was used: {event} {arguments}")

        sys.addaudithook(refuse)
        from byzer_nb.engines import build
        from byzer_nb.types import DeploySpec
        print(build(DeploySpec(name="chat", engine="saas/litellm", settings={"model": "ollama/llama3"})))
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.stdout == "LiteLLM('chat' (ollama/llama3 at ollama, through litellm))\n", done.stderr


def test_model_must_be_named(make: Make) -> None:
    with pytest.raises(MissingSettingError) as caught:
        make(model=None)
    assert caught.value.setting == "model"


def test_model_of_an_unknown_vendor_is_refused(make: Make) -> None:
    with pytest.raises(BadInputError, match="does not know whose model 'nonsense-7' is") as caught:
        make(model="nonsense-7")
    assert "openai/gpt-4o" in caught.value.hint


def test_address_that_is_none_is_refused(make: Make) -> None:
    with pytest.raises(BadInputError, match="base_url must be an address"):
        make(base_url="here")


async def test_address_may_come_without_the_version(make: Make, openai_standin: OpenAIStandIn) -> None:
    assert await said(make(base_url=openai_standin.origin), asked("hi")) == "hi"
    assert openai_standin.requests[-1].path == "/v1/chat/completions"


def test_key_is_never_shown(make: Make, openai_standin: OpenAIStandIn) -> None:
    engine = make()
    assert openai_standin.key not in repr(engine) + repr(vars(engine))


def test_options_are_those_that_the_vendor_takes(make: Make) -> None:
    openai, claude = (make(model=model).describe().capabilities.options for model in ("openai/gpt-4o", CLAUDE))
    assert set(EVERY_OPTION.given()) | {"timeout"} == openai
    assert {"max_tokens", "temperature", "top_p", "stop", "timeout", "extra"} == claude


# -- chats ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [ChatOptions(), EVERY_OPTION], ids=["silent", "every option"])
@pytest.mark.parametrize("tools", [(), (ToolSpec(name="now", description="The time."),)], ids=["", "tools"])
async def test_body_is_the_one_of_our_own_provider(
    make: Make, openai_standin: OpenAIStandIn, stream: bool, options: ChatOptions, tools: tuple[ToolSpec, ...]
) -> None:
    openai_standin.always = Act(reply="fine")
    wanted = "required" if tools else ""
    request = ChatRequest(messages=TURNS, options=options, stream=stream, tools=tools, tool_choice=wanted)
    direct = {"api_key": openai_standin.key, "base_url": openai_standin.url, "model": "gpt-4o"}
    async with making("saas/openai", **direct) as make_openai:
        assert await said(make(), request) == await said(make_openai(), request) == "fine"
    through, straight = openai_standin.requests
    assert through.body == straight.body
    assert through.path == straight.path
    assert through.headers["Authorization"] == straight.headers["Authorization"]


async def test_option_that_the_vendor_does_not_take_is_not_sent(claude: Engine, anthropic: ClaudeStandIn) -> None:
    assert await said(claude, asked("hi", seed=3, top_k=4, temperature=0.5)) == "hi"
    assert {"seed", "top_k"}.isdisjoint(anthropic.requests[-1].body)
    assert anthropic.requests[-1].body["temperature"] == 0.5


@pytest.mark.parametrize("name", ["model", "stream", "api_key", "api_base", "timeout", "num_retries"])
async def test_extra_cannot_hold_what_is_decided_elsewhere(make: Make, name: str) -> None:
    with pytest.raises(BadInputError, match=f"extra cannot hold '{name}'") as caught:
        await answered(make(), asked(extra={name: "x"}))
    assert_no_key(caught.value)


async def test_begun_answer_cannot_be_continued(make: Make) -> None:
    turns = (Message(role="user", content="count"), Message(role="assistant", content="one,"))
    request = ChatRequest(messages=turns, options=ChatOptions(continue_last=True))
    with pytest.raises(UnsupportedError, match="cannot continue a begun answer"):
        await answered(make(), request)


async def test_another_vendor_answers_through_it(claude: Engine, anthropic: ClaudeStandIn, stream: bool) -> None:
    anthropic.always = Act(reply=["one", " two"], finish_reason="length")
    deltas = await answered(claude, asked(stream=stream))
    assert "".join(delta.text for delta in deltas) == "one two"
    assert deltas[-1].finish_reason == "length"
    assert deltas[-1].usage == Usage(input_tokens=1, output_tokens=2)


async def test_closing_one_engine_leaves_the_others_alone(make: Make, openai_standin: OpenAIStandIn) -> None:
    openai_standin.always = Act(reply=["word"] * 20, rate=100)
    first, second = make(), make()
    await answered(first, asked())
    listening = asyncio.create_task(said(second, asked()))
    await asyncio.sleep(0.05)
    await first.close()
    assert await listening == "word" * 20
    await second.close()
    assert await said(make(), asked()) == "word" * 20


# -- failures ---------------------------------------------------------------------------------------------------------


async def failure(engine: Engine, request: ChatRequest) -> ModelCallError:
    """The error of one call, which keeps the key to itself."""
    with pytest.raises(ModelCallError) as caught:
        await answered(engine, request)
    assert_no_key(caught.value)
    return caught.value


async def test_words_of_the_vendor_are_shown_without_those_of_litellm(
    make: Make, openai_standin: OpenAIStandIn, claude: Engine, anthropic: ClaudeStandIn
) -> None:
    openai_standin.always = anthropic.always = Act(status=400, message="that is too much")
    for engine in (make(), claude):
        error = await failure(engine, asked(stream=False))
        assert str(error).endswith(") answered HTTP 400: that is too much")
        assert error.request_id


@pytest.mark.parametrize(
    ("status", "kind", "is_retryable"),
    [
        (401, RefusedError, False),
        (403, RefusedError, False),
        (429, RateLimitedError, True),
        (529, ModelCallError, True),
    ],
)
async def test_failures_of_another_vendor_become_ours(
    claude: Engine, anthropic: ClaudeStandIn, status: int, kind: type[Exception], is_retryable: bool
) -> None:
    anthropic.always = Act(status=status, headers={"Retry-After": "7"})
    error = await failure(claude, asked(stream=False))  # of a stream, litellm would forget to close what was refused
    assert type(error) is kind
    assert error.retryable is is_retryable
    if isinstance(error, RateLimitedError):
        assert error.retry_after == 7


async def test_tries_are_counted_by_us_alone(make: Make, openai_standin: OpenAIStandIn, stream: bool) -> None:
    openai_standin.always = Act(status=429, headers={"Retry-After": "0.01"})
    error = await failure(make(max_retries=2), asked(stream=stream))
    assert len(openai_standin.requests) == 3
    assert str(error).endswith("Tried 3 times.")


async def test_broken_connection_is_tried_again(make: Make, openai_standin: OpenAIStandIn, stream: bool) -> None:
    openai_standin.next(Act(hang_up=True))
    assert await said(make(max_retries=1), asked("hi", stream=stream)) == "hi"


async def test_unknown_host_is_told(make: Make) -> None:
    error = await failure(make(base_url="http://no-such-host.invalid/v1"), asked())
    assert error.code == "unknown_host"


async def test_silence_ends_at_the_setting_timeout(make: Make, openai_standin: OpenAIStandIn, stream: bool) -> None:
    openai_standin.always = Act(delay=5)
    error = await failure(make(timeout=0.3), asked(stream=stream))
    assert isinstance(error, CallTimeoutError)
    assert "was silent for too long" in str(error)


# -- embeddings -------------------------------------------------------------------------------------------------------


@pytest.mark.contract("EMB-01")
async def test_vectors_are_those_of_our_own_provider(make: Make, openai_standin: OpenAIStandIn) -> None:
    request = EmbedRequest(texts=("fox", "狐狸", "dog"), dimensions=4)
    model = "text-embedding-3-small"
    direct = {"api_key": openai_standin.key, "base_url": openai_standin.url, "model": model}
    async with making("saas/openai", **direct) as make_openai:
        straight = await make_openai().embed(request)
    through = await make(model=f"openai/{model}").embed(request)
    assert through.vectors == straight.vectors
    assert through.usage == straight.usage == Usage(input_tokens=3)
    sent, expected = (seen.body for seen in reversed(openai_standin.requests))
    assert {name: sent[name] for name in expected} == expected


async def test_many_texts_go_in_several_calls(make: Make, openai_standin: OpenAIStandIn) -> None:
    texts = tuple(f"text {number}" for number in range(100))
    reply = await make(model="openai/text-embedding-3-small").embed(EmbedRequest(texts=texts))
    assert len(reply.vectors) == 100
    assert sorted(len(seen.body["input"]) for seen in openai_standin.requests) == [4, 96]


async def test_wrong_number_of_vectors_is_an_error(make: Make, openai_standin: OpenAIStandIn) -> None:
    one = {"object": "embedding", "index": 0, "embedding": [0.5]}
    openai_standin.always = Act(raw=json.dumps({"object": "list", "model": "m", "data": [one]}).encode())
    with pytest.raises(ModelCallError, match="answered 2 texts with 1 vectors"):
        await make(model="openai/text-embedding-3-small").embed(EmbedRequest(texts=("a", "b")))


async def test_embedding_model_does_not_chat(make: Make) -> None:
    with pytest.raises(UnsupportedError, match="is an embedding model and does not chat"):
        await answered(make(model="openai/text-embedding-3-small"), asked())
