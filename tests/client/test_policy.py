"""Who steps in for a model, how much may be asked of it, and what it costs; whatever engine it has."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

import byzer_nb
from byzer_nb import ScriptedEngine
from byzer_nb._rate_limit import RateLimit
from byzer_nb.client import AsyncClient, LocalTransport, prices
from byzer_nb.client.governed import Governed
from byzer_nb.client.ledger import Ledger, ledger
from byzer_nb.errors import BadInputError, CallTimeoutError, ModelCallError, RateLimitedError, UnknownModelError
from byzer_nb.providers.scripted import Script
from byzer_nb.types import ChatRequest, Delta, DeploySpec, Message, ModelCard, Price, Usage
from byzer_nb.types.policy import Policy
from tests.standins.openai import OpenAIStandIn
from tests.standins.vendor import Act

DOWN = ModelCallError("The model 'first' is down.", status=503, retryable=True)


async def transport_with(**scripts: tuple[Script, dict[str, object]]) -> LocalTransport:
    """Scripted models by name, each with its settings."""
    transport = LocalTransport()
    for name, (reply, settings) in scripts.items():
        spec = DeploySpec(name=name, engine="saas/scripted", settings={"reply": reply, "model": name, **settings})
        await transport.deploy(spec)
    return transport


@pytest.fixture
def own_ledger() -> Ledger:
    """The ledger of the process, begun anew."""
    ledger().clear()
    return ledger()


async def test_next_model_answers_when_the_first_one_fails() -> None:
    transport = await transport_with(first=([DOWN] * 9, {"fallback": "second, third"}), second=("I stand in", {}))
    client = AsyncClient(transport, model="first")
    with pytest.warns(UserWarning, match=r"is down\. The model 'second' answers instead"):
        reply = await client.chat("hi")
    assert (reply.text, reply.model) == ("I stand in", "second")
    with pytest.warns(UserWarning, match="'second' answers instead"):
        deltas = [delta async for delta in client.stream("hi")]
    assert "".join(delta.text for delta in deltas) == "I stand in"
    assert deltas[-1].model == "second"


async def test_fallback_that_is_not_there_is_passed_over() -> None:
    transport = await transport_with(first=([DOWN], {"fallback": ["gone", "third"]}), third=("third", {}))
    with pytest.warns(UserWarning, match="'(gone|third)' answers instead"):
        assert (await AsyncClient(transport, model="first").chat("hi")).text == "third"


async def test_error_of_the_last_one_is_the_error() -> None:
    late = CallTimeoutError("late")
    transport = await transport_with(first=([DOWN], {"fallback": "second"}), second=([late], {}))
    with pytest.warns(UserWarning, match="answers instead"), pytest.raises(CallTimeoutError, match="late"):
        await AsyncClient(transport, model="first").chat("hi")


async def test_answer_that_has_begun_is_never_continued_by_another_model() -> None:
    transport = await transport_with(first=([["one", DOWN]], {"fallback": "second"}), second=("two", {}))
    words = []
    with pytest.raises(ModelCallError, match="is down"):  # noqa: PT012
        async for delta in AsyncClient(transport, model="first").stream("hi"):
            words.append(delta.text)
    assert words == ["one"]


async def test_request_that_is_wrong_itself_is_not_sent_to_others() -> None:
    refused = ModelCallError("too long", status=400)
    transport = await transport_with(first=([refused], {"fallback": "second"}), second=("two", {}))
    with pytest.raises(ModelCallError, match="too long"):
        await AsyncClient(transport, model="first").chat("hi")


async def test_card_says_who_steps_in() -> None:
    transport = await transport_with(first=("a", {"fallback": "second"}))
    card = await transport.describe("first")
    assert card.fallback == ("second",)
    assert "second" in card._repr_mimebundle_()["text/html"]


async def test_requests_beyond_the_limit_wait() -> None:
    governed = Governed(Policy(), limit=RateLimit(requests=3, window=0.2))
    engine = ScriptedEngine("a")
    started = time.perf_counter()

    async def ask() -> list[Delta]:
        request = ChatRequest(messages=(Message(role="user", content="hi"),))
        return [delta async for delta in governed.within(engine.chat(request))]

    answers = await asyncio.gather(*[ask() for _ in range(7)])
    assert all(answer[-1].finish_reason == "stop" for answer in answers)
    assert time.perf_counter() - started > 0.39  # three at once, three after a window, one after two


async def test_limit_of_a_setting_holds() -> None:
    transport = await transport_with(first=("a", {"requests_per_minute": 1}))
    client = AsyncClient(transport, model="first")
    await client.chat("hi")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.chat("hi"), 0.2)


async def test_limit_holds_for_vectors_too() -> None:
    transport = await transport_with(first=("a", {"requests_per_minute": 1}))
    client = AsyncClient(transport, model="first")
    await client.embed(["a"])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.embed(["b"]), 0.2)


async def test_limit_holds_for_sound_and_pictures_too() -> None:
    with OpenAIStandIn() as openai:
        usual = {"api_key": openai.key, "base_url": openai.url, "requests_per_minute": 1}
        transport = LocalTransport()
        for model in ("tts-1", "dall-e-3", "whisper-1"):
            await transport.deploy(DeploySpec(name=model, engine="saas/openai", settings={**usual, "model": model}))
        client = AsyncClient(transport)
        sound = await client.speak("hello", model="tts-1")
        asks = (
            lambda: client.speak("hello", model="tts-1"),
            lambda: client.draw("a fox", model="dall-e-3"),
            lambda: client.transcribe(sound, model="whisper-1"),
        )
        await asks[1]()
        await asks[2]()
        for ask in asks:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(ask(), 0.1)
        assert len(openai.requests) == 3
        await transport.close()


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("requests_per_minute", "many", "requests_per_minute must be a number"),
        ("tokens_per_minute", -1, "tokens_per_minute must be a number"),
        ("price", "cheap", "price is what a million tokens cost"),
        ("fallback", 5, "fallback is a list of deployed models"),
    ],
)
async def test_policy_that_cannot_work_is_refused_by_name(setting: str, value: object, words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        await transport_with(first=("a", {setting: value}))


async def test_ledger_counts_every_call_by_model_and_knows_what_it_cost(own_ledger: Ledger) -> None:
    transport = await transport_with(first=("one two three", {"price": "1000000/2000000"}), free=("hm", {}))
    client = AsyncClient(transport, model="first")
    reply = await client.chat("a b")
    assert reply.usage == Usage(input_tokens=2, output_tokens=3)
    assert reply.cost == 8.0
    assert "$8.00" in reply._repr_mimebundle_()["text/html"]
    async for _ in client.stream("a"):
        pass
    await client.chat("a", model="free")
    assert (own_ledger["first"].calls, own_ledger["first"].cost) == (2, 15.0)
    assert own_ledger["free"].cost is None
    assert own_ledger.cost == 15.0
    assert byzer_nb.ledger() is own_ledger
    shown = own_ledger._repr_mimebundle_()
    assert "first: 2 calls, 3 tokens in and 6 out, $15.0000" in shown["text/plain"]
    assert "price unknown" in shown["text/html"]


async def test_call_that_another_model_answered_is_entered_under_that_one(own_ledger: Ledger) -> None:
    transport = await transport_with(first=([DOWN], {"fallback": "second"}), second=("two", {"price": [1, 1]}))
    with pytest.warns(UserWarning, match="'second' answers instead"):
        await AsyncClient(transport, model="first").chat("hi")
    assert [each.model for each in own_ledger] == ["second"]


def test_price_is_found_by_the_names_that_providers_use() -> None:
    mini = prices.price_of("gpt-4o-mini")
    assert mini is not None
    assert prices.price_of("gpt-4o-mini-2024-07-18") == mini
    assert prices.price_of("openai/GPT-4o-mini") == mini
    assert prices.price_of("claude-3-5-sonnet-20240620") == prices.price_of("claude-3-5-sonnet")
    assert prices.price_of("gpt-3.5-turbo-1106") == prices.price_of("gpt-3.5-turbo")
    assert prices.price_of("nobody-knows-it") is None


def test_own_price_file_wins_and_a_broken_one_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "prices.json"
    monkeypatch.setenv(prices.OWN_FILE, str(own))
    prices.prices.cache_clear()
    try:
        own.write_text(json.dumps({"models": {"gpt-4o": [1, 2], "mine": [3, 4]}}))
        assert prices.price_of("gpt-4o") == Price(read=1, written=2)
        assert prices.price_of("mine") == Price(read=3, written=4)
        assert prices.price_of("gpt-4o-mini") is not None
        prices.prices.cache_clear()
        own.write_text("{}")
        with pytest.warns(UserWarning, match=r"prices\.json' cannot be read.*usual prices"):
            assert prices.price_of("mine") is None
        assert prices.price_of("gpt-4o-mini") is not None
    finally:
        prices.prices.cache_clear()


def test_model_on_this_machine_costs_nothing(own_ledger: Ledger) -> None:
    card = ModelCard(model="byzer-tiny", engine="numpy", is_local=True)
    assert own_ledger.add("x", card, Usage(input_tokens=5, output_tokens=5)) == 0.0


async def test_provider_that_is_down_is_replaced_by_the_fallback_after_its_tries() -> None:
    with OpenAIStandIn() as down, OpenAIStandIn() as up:
        down.always = Act(status=503)
        up.always = Act(reply="still here")
        transport = LocalTransport()
        usual = {"model": "gpt-4o", "api_key": up.key, "max_retries": 0}
        await transport.deploy(
            DeploySpec(name="a", engine="saas/openai", settings={**usual, "base_url": down.url, "fallback": "b"})
        )
        await transport.deploy(DeploySpec(name="b", engine="saas/openai", settings={**usual, "base_url": up.url}))
        with pytest.warns(UserWarning, match="'b' answers instead"):
            assert (await AsyncClient(transport, model="a").chat("hi")).text == "still here"
        await transport.close()


async def test_rate_limited_and_unknown_models_are_worth_another_one() -> None:
    limited = RateLimitedError("slow down", status=429)
    transport = await transport_with(first=([limited], {"fallback": "second"}), second=("two", {}))
    with pytest.warns(UserWarning, match="'second' answers instead"):
        assert (await AsyncClient(transport, model="first").chat("hi")).text == "two"
    with pytest.raises(UnknownModelError):
        await AsyncClient(transport, model="nobody").chat("hi")
