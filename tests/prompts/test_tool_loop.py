"""A model that calls functions until it has what it needs; whoever watches may say no, now or later."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest

from byzer_nb import ScriptedEngine, ask, load, unload
from byzer_nb.client import AsyncClient, LocalTransport
from byzer_nb.errors import AnswerError, UnsupportedError
from byzer_nb.prompts.tool_loop import DENIED, ToolLoop
from byzer_nb.prompts.tools import as_tools
from byzer_nb.providers.scripted import Script
from byzer_nb.types import Capabilities, ChatRequest, Delta, ImagePart, Message, Picture, Reply, ToolCall

ASKED = (Message(role="user", content="What is the weather in Oslo?"),)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)


def weather(city: str) -> dict[str, Any]:
    """The weather of a city."""
    if city == "Atlantis":
        raise LookupError("no such city")
    return {"city": city, "degrees": 3}


def chart() -> Picture:
    """A chart."""
    return Picture(data=PNG)


def in_words(*wanted: tuple[str, dict[str, Any]]) -> str:
    """Calls as a model without tools of its own writes them."""
    return json.dumps({"tool_calls": [{"function": {"name": name, "arguments": given}} for name, given in wanted]})


def natively(*wanted: tuple[str, dict[str, Any]]) -> Reply:
    """Calls beside the text."""
    calls = [ToolCall(name=name, arguments=given, id=str(place)) for place, (name, given) in enumerate(wanted)]
    return Reply(text="", tool_calls=tuple(calls), finish_reason="tool_calls")


async def loop_of(script: Script, *, tools: bool = False, images: bool = False) -> tuple[ToolLoop, ScriptedEngine]:
    engine = ScriptedEngine(script, capabilities=Capabilities(tools=tools, images=images))
    transport = LocalTransport()
    await transport.add("chat", engine)
    return ToolLoop(AsyncClient(transport), ASKED, as_tools([weather, chart]), model="chat"), engine


async def test_results_go_back_and_the_last_words_are_the_answer() -> None:
    loop, engine = await loop_of([in_words(("weather", {"city": "Oslo"})), "It has 3 degrees."])
    talk = await loop.run()
    assert (talk.reply.text, talk.rounds, talk.way) == ("It has 3 degrees.", 2, "words")
    assert [each.value for each in talk.made] == [{"city": "Oslo", "degrees": 3}]
    assert '{"city": "Oslo", "degrees": 3}' in engine.records[1].messages[-1].text
    assert "Tools:" in engine.records[1].messages[-1].text  # it may call again


async def test_model_with_tools_of_its_own_gets_turns_of_its_own() -> None:
    loop, engine = await loop_of([natively(("weather", {"city": "Oslo"})), "Cold."], tools=True)
    talk = await loop.run()
    assert (talk.reply.text, talk.way) == ("Cold.", "tools")
    first, second = engine.records
    assert [tool.name for tool in first.tools] == ["weather", "chart"]
    assert first.messages == ASKED
    *_, said, told = second.messages
    assert said.tool_calls[0].name == "weather"
    assert (told.role, told.tool_call_id) == ("tool", said.tool_calls[0].id)


async def test_provider_that_cannot_demand_a_call_is_asked_in_words() -> None:
    class Lenient(ScriptedEngine):
        async def chat(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
            if request.tool_choice:
                raise UnsupportedError("It is up to the model.")
            async for delta in super().chat(request):
                yield delta

    engine = Lenient([in_words(("weather", {"city": "Oslo"})), "Cold."])
    transport = LocalTransport()
    await transport.add("chat", engine)
    (tool,) = as_tools([weather])
    talk = await ToolLoop(AsyncClient(transport), ASKED, [], model="chat", choice=tool).run()
    assert (talk.reply.text, talk.way) == ("Cold.", "words")
    assert "You must use weather" in engine.records[0].messages[-1].text


async def test_several_calls_are_made_and_several_rounds() -> None:
    script = [
        in_words(("weather", {"city": "Oslo"}), ("weather", {"city": "Rome"})),
        in_words(("weather", {"city": "Bern"})),
        "All cold.",
    ]
    loop, _ = await loop_of(script)
    talk = await loop.run()
    assert [each.value["city"] for each in talk.made] == ["Oslo", "Rome", "Bern"]
    assert talk.rounds == 3


async def test_error_of_a_tool_is_told_to_the_model_which_finds_another_way() -> None:
    loop, engine = await loop_of([in_words(("weather", {"city": "Atlantis"})), "It sank."])
    talk = await loop.run()
    assert talk.made[0].error == "LookupError: no such city"
    assert "Error: LookupError: no such city" in engine.records[1].messages[-1].text


async def test_calls_without_an_end_are_an_error_that_names_them() -> None:
    loop, engine = await loop_of(lambda request: in_words(("weather", {"city": "Oslo"})))
    with pytest.raises(AnswerError, match="still calls tools after 3 rounds: weather"):
        await loop.run(rounds=3)
    assert len(engine.records) == 3


async def test_call_that_is_not_allowed_is_not_made() -> None:
    loop, engine = await loop_of([in_words(("weather", {"city": "Oslo"})), "Then not."])
    asked: list[ToolCall] = []

    async def approve(call: ToolCall) -> bool:
        asked.append(call)
        return False

    talk = await loop.run(approve=approve)
    assert asked[0].arguments == {"city": "Oslo"}
    assert talk.made[0].error == DENIED
    assert talk.made[0].value is None
    assert DENIED in engine.records[1].messages[-1].text


async def test_decision_can_wait_between_two_rounds() -> None:
    loop, engine = await loop_of([in_words(("weather", {"city": "Oslo"})), "Cold."])
    await loop.ask()
    assert [call.name for call in loop.pending] == ["weather"]
    assert len(engine.records) == 1  # nothing happens while somebody thinks about it
    await loop.answer(approve=lambda call: True)
    assert loop.pending == ()
    assert (await loop.ask()).text == "Cold."


async def test_picture_of_a_tool_is_shown_to_the_model() -> None:
    for tools in (True, False):
        first = natively(("chart", {})) if tools else in_words(("chart", {}))
        loop, engine = await loop_of([first, "A chart."], tools=tools, images=True)
        await loop.run()
        content = engine.records[1].messages[-1].content
        assert isinstance(content[0], ImagePart)
        assert content[0].url == Picture(data=PNG).url


@pytest.fixture
def model() -> Iterator[ScriptedEngine]:
    """A model under the name `weather-man`."""

    def answer(request: ChatRequest) -> str:
        text = request.messages[-1].text
        if text.startswith("Results:"):
            return "It has 3 degrees."
        return '{"value": 3}' if "schema" in text else in_words(("weather", {"city": "Oslo"}))

    engine = ScriptedEngine(answer, capabilities=Capabilities())
    load("weather-man", engine)
    yield engine
    unload("weather-man")


def test_ask_takes_tools_and_gives_a_typed_value(model: ScriptedEngine) -> None:
    assert ask("How is it in Oslo?", model="weather-man", tools=[weather]) == "It has 3 degrees."
    assert ask("How is it in Oslo?", model="weather-man", tools=[weather], as_type=int) == 3
    with pytest.raises(AnswerError, match="still calls"):
        ask("How is it?", model="weather-man", tools=[weather], rounds=1)
