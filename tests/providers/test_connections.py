"""The connections beneath a provider: used again, closed in time, made the way the settings say."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import time
from contextlib import aclosing

import pytest

from byzer_nb._sync import iterate, run
from byzer_nb.engines import build
from byzer_nb.errors import ModelCallError, UnreachableError
from byzer_nb.providers.openai import OpenAI
from byzer_nb.types import DeploySpec, EmbedRequest
from tests.providers.asking import answered, asked, said
from tests.providers.conftest import MakeEngine
from tests.standins.openai import OpenAIStandIn
from tests.standins.vendor import Act


async def test_connection_is_used_again_after_whole_answers(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    engine = make_engine()
    for stream in (True, False, True, True):
        await answered(engine, asked(stream=stream))
    await engine.embed(EmbedRequest(texts=("a",)))
    assert len(openai_standin.peers) == 1


async def test_stream_that_never_closes_after_done_does_not_hold_the_caller(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    openai_standin.always = Act(reply="hello", keep_open=True)
    started = time.perf_counter()
    assert await said(make_engine(), asked()) == "hello"
    assert time.perf_counter() - started < 1


async def gone(standin: OpenAIStandIn) -> None:
    for _ in range(200):
        if standin.aborted and not standin.busy:
            return
        await asyncio.sleep(0.005)
    pytest.fail("The connection is still open.")


@pytest.mark.contract("SAAS-10")
async def test_leaving_a_stream_closes_its_connection_at_once(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    openai_standin.always = Act(reply="word " * 50, stall_at=3)
    async with aclosing(make_engine().chat(asked())) as deltas:
        async for _ in deltas:
            break
    await gone(openai_standin)


@pytest.mark.parametrize("stream", [True, False])
async def test_cancelling_before_the_first_byte_closes_the_connection(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, stream: bool
) -> None:
    openai_standin.always = Act(delay=60)
    asking = asyncio.create_task(answered(make_engine(), asked(stream=stream)))
    while not openai_standin.busy:  # noqa: ASYNC110 the stand-in lives in another thread
        await asyncio.sleep(0.005)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await gone(openai_standin)


async def test_forgotten_stream_is_closed_by_itself(openai_standin: OpenAIStandIn, make_engine: MakeEngine) -> None:
    openai_standin.always = Act(reply="word " * 50, stall_at=3)
    engine = make_engine()

    async def look_at_the_first() -> None:
        async for _ in engine.chat(asked()):
            return

    await look_at_the_first()
    gc.collect()
    await gone(openai_standin)


def test_engine_serves_several_loops_one_after_the_other(openai_standin: OpenAIStandIn) -> None:
    engine = build(
        DeploySpec(
            name="chat",
            engine="saas/openai",
            settings={"api_key": openai_standin.key, "base_url": openai_standin.url},
        )
    )
    assert isinstance(engine, OpenAI)

    async def ask_and_close() -> str:
        text = await said(engine, asked("hi", stream=False))
        await engine.close()
        return text

    assert run(said(engine, asked("hi", stream=False))) == "hi"
    assert asyncio.run(ask_and_close()) == "hi"


async def test_closed_engine_says_so(make_engine: MakeEngine) -> None:
    engine = make_engine()
    await engine.close()
    with pytest.raises(UnreachableError, match="was closed") as refused:
        await answered(engine, asked())
    assert refused.value.hint == "Deploy the model again."


@pytest.mark.parametrize(
    ("act", "stream"),
    [
        (Act(delay=60), True),
        (Act(delay=60), False),
        (Act(first_token_delay=60), True),
        (Act(reply="word " * 50, stall_at=3), True),
    ],
)
async def test_closing_ends_calls_that_wait_for_a_silent_server(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, act: Act, stream: bool
) -> None:
    openai_standin.always = act
    engine = make_engine(max_retries=3)
    asking = asyncio.create_task(answered(engine, asked(stream=stream)))
    while not openai_standin.busy:  # noqa: ASYNC110 the stand-in lives in another thread
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.05)
    await engine.close()
    with pytest.raises(UnreachableError, match="was closed"):
        await asyncio.wait_for(asking, 1)
    await gone(openai_standin)


async def test_closing_in_one_loop_ends_the_reader_in_another(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    openai_standin.always = Act(reply="word " * 50, stall_at=3)
    engine = make_engine()
    words = iterate(engine.chat(asked()))
    assert next(words).text == "word"
    reading = asyncio.create_task(asyncio.to_thread(list, words))
    await asyncio.sleep(0.05)
    await engine.close()
    with pytest.raises(ModelCallError, match="was closed"):
        await asyncio.wait_for(reading, 1)


@pytest.mark.contract("SAAS-10")
async def test_large_pictures_are_sent_whole(openai_standin: OpenAIStandIn, make_engine: MakeEngine) -> None:
    picture = "data:image/png;base64," + "A" * (2 * 2**20)
    await answered(make_engine(), asked(picture, stream=False))
    assert openai_standin.requests[0].body["messages"][0]["content"] == picture


@pytest.mark.contract("SAAS-10")
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the loop-back network has one address")
async def test_calls_can_leave_from_a_given_address(openai_standin: OpenAIStandIn, make_engine: MakeEngine) -> None:
    assert await said(make_engine(local_address="127.0.0.2"), asked("hi")) == "hi"
    assert {peer[0] for peer in openai_standin.peers if isinstance(peer, tuple)} == {"127.0.0.2"}


async def test_hundred_calls_at_once_do_not_wait_for_each_other(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    openai_standin.always = Act(delay=0.3)
    engine = make_engine()
    started = time.perf_counter()
    texts = await asyncio.gather(*[said(engine, asked(str(n), stream=bool(n % 2))) for n in range(100)])
    assert texts == [str(n) for n in range(100)]
    assert time.perf_counter() - started < 3


async def test_proxy_of_the_environment_is_used_but_not_for_this_machine(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", openai_standin.origin)
    monkeypatch.delenv("no_proxy", raising=False)
    await answered(make_engine(base_url="http://api.example.com"), asked())
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    await answered(make_engine(), asked())
    assert [seen.target for seen in openai_standin.requests] == [
        "http://api.example.com/v1/chat/completions",
        "/v1/chat/completions",
    ]


FORGETFUL = """
import asyncio, sys
from byzer_nb._sync import run
from byzer_nb.engines import build
from byzer_nb.types import ChatRequest, DeploySpec, Message

settings = {"api_key": sys.argv[1], "base_url": sys.argv[2]}
engine = build(DeploySpec(name="chat", engine="saas/openai", settings=settings))

async def ask():
    request = ChatRequest(messages=(Message(role="user", content="hi"),))
    return "".join([delta.text async for delta in engine.chat(request)])

async def ask_a_little():
    async for delta in engine.chat(ChatRequest(messages=(Message(role="user", content="one two three"),))):
        return delta.text

print(run(ask()), asyncio.run(ask()), asyncio.run(ask()), run(ask()), run(ask_a_little()))
"""


def test_program_that_closes_nothing_ends_without_complaint(openai_standin: OpenAIStandIn) -> None:
    command = [sys.executable, "-X", "dev", "-c", FORGETFUL, openai_standin.key, openai_standin.url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "hi hi hi hi one\n", "")
