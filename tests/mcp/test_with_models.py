"""Servers among the tools of a model: offered as they are, called when it says so, and not when the user says no."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from byzer_nb import AsyncClient, McpServer, ScriptedEngine, SimpleByzerLLM, ask, load, unload
from byzer_nb.errors import BadInputError, McpError, WrongTypeError
from byzer_nb.prompts.tool_loop import DENIED, ToolLoop
from byzer_nb.prompts.tools import as_tools
from byzer_nb.providers.scripted import Script
from byzer_nb.types import AudioPart, Capabilities, ImagePart, Message, Reply, TextPart, ToolCall
from tests.mcp.conftest import Program
from tests.standins.mcp import TOOLS
from tests.standins.mcp_over_http import McpStandIn

NAMES = [each["name"].replace("/", "_").replace(".", "_") for each in TOOLS]
ASKED = (Message(role="user", content="What is 1 + 2?"),)


def weather(city: str) -> dict[str, Any]:
    """The weather of a city."""
    return {"city": city, "degrees": 3}


def in_words(*wanted: tuple[str, dict[str, Any]]) -> str:
    """Calls as a model without tools of its own writes them."""
    return json.dumps({"tool_calls": [{"function": {"name": name, "arguments": given}} for name, given in wanted]})


def natively(*wanted: tuple[str, dict[str, Any]]) -> Reply:
    """Calls beside the text."""
    calls = [ToolCall(name=name, arguments=given, id=str(place)) for place, (name, given) in enumerate(wanted)]
    return Reply(text="", tool_calls=tuple(calls), finish_reason="tool_calls")


@pytest.fixture
def play() -> Iterator[Any]:
    """Loads a model of the name `actor` that plays a script."""

    def loaded(script: Script, **able: bool) -> ScriptedEngine:
        engine = ScriptedEngine(script, capabilities=Capabilities(**able))
        load("actor", engine)
        return engine

    yield loaded
    unload("actor")


def test_server_stands_among_functions(play: Any, server: McpServer) -> None:
    engine = play([natively(("add", {"a": 1, "b": 2}), ("weather", {"city": "Oslo"})), "3, and cold."], tools=True)
    assert ask("1 + 2?", model="actor", tools=[weather, server]) == "3, and cold."
    first, second = engine.records
    assert [tool.name for tool in first.tools] == ["weather", *NAMES]
    assert first.tools[1].parameters == TOOLS[0]["inputSchema"]
    assert first.tools[1].description == TOOLS[0]["description"]
    assert [turn.text for turn in second.messages[-2:]] == ['{"sum": 3}', '{"city": "Oslo", "degrees": 3}']


def test_model_without_tools_is_offered_them_in_words(play: Any, standin: McpStandIn) -> None:
    engine = play([in_words(("say", {"text": "hello"})), "It said hello."])
    with McpServer(standin.url, only=["say"]) as server:
        assert ask("Say hello.", model="actor", tools=[server]) == "It said hello."
    offered = engine.records[0].messages[-1].text
    assert '"name": "say"' in offered
    assert '"add"' not in offered
    assert "say: hello" in engine.records[1].messages[-1].text


def test_name_that_models_do_not_take_is_made_plain(play: Any, server: McpServer) -> None:
    engine = play([natively(("admin_look_up", {})), "Done."], tools=True)
    ask("Look it up.", model="actor", tools=[server])
    assert engine.records[1].messages[-1].text == "admin/look.up was called"


def test_tools_of_one_name_are_an_error_and_a_prefix_helps(play: Any, program: Program) -> None:
    def add(a: int, b: int) -> int:
        """The sum."""
        return a + b

    engine = play([natively(("its_add", {"a": 1, "b": 2})), "3."], tools=True)
    with pytest.raises(BadInputError, match="Two tools are called 'add'") as doubled:
        ask("1 + 2?", model="actor", tools=[add, program()])
    assert "prefix=" in doubled.value.hint
    assert engine.records == []
    ask("1 + 2?", model="actor", tools=[add, program(prefix="its_")])
    assert engine.records[1].messages[-1].text == '{"sum": 3}'


def test_tool_that_is_wanted_and_not_there_is_an_error(program: Program) -> None:
    with pytest.raises(BadInputError, match="has no tool 'ad'") as missing:
        program(only=["ad", "say"]).tools()
    assert "It has: add" in missing.value.hint
    with pytest.raises(WrongTypeError, match="list of functions"):
        as_tools(program())  # type: ignore[call-overload]


def test_user_decides_on_calls(play: Any, server: McpServer) -> None:
    engine = play([natively(("die", {"code": 1}), ("add", {"a": 1, "b": 2})), "As you wish."], tools=True)
    asked: list[ToolCall] = []

    def approve(call: ToolCall) -> bool:
        asked.append(call)
        return call.name == "add"

    assert ask("End it.", model="actor", tools=[server], approve=approve) == "As you wish."
    assert [(call.name, call.arguments) for call in asked] == [("die", {"code": 1}), ("add", {"a": 1, "b": 2})]
    assert [turn.text for turn in engine.records[1].messages[-2:]] == [f"Error: {DENIED}", '{"sum": 3}']
    assert server.call("say", {"text": "alive"}) == "alive"


def test_failure_of_a_tool_is_told_to_the_model(play: Any, server: McpServer) -> None:
    engine = play([natively(("fail", {})), natively(("die", {"code": 5})), "It failed."], tools=True)
    assert ask("Print it.", model="actor", tools=[server]) == "It failed."
    failed, died = [record.messages[-1].text for record in engine.records[1:]]
    assert failed == "Error: It did not work: no paper."
    assert "ended with exit code 5." in died
    assert "boiler" not in died  # what a server writes on stderr is for the user alone


def test_server_that_cannot_start_is_the_users_business(play: Any, program: Program) -> None:
    engine = play("Never.", tools=True)
    with pytest.raises(McpError, match="exit code 3"):
        ask("1 + 2?", model="actor", tools=[program("dies")])
    assert engine.records == []


@pytest.mark.parametrize("tools", [True, False])
def test_pictures_and_sounds_are_shown_to_a_model_that_takes_them(play: Any, server: McpServer, tools: bool) -> None:
    call = natively(("several", {})) if tools else in_words(("several", {}))
    engine = play([call, "Nice."], tools=tools, images=True, audio=True)
    ask("Draw.", model="actor", tools=[server])
    *parts, text = engine.records[1].messages[-1].content
    assert [type(part) for part in parts] == [ImagePart, AudioPart, ImagePart]
    assert isinstance(text, TextPart)
    assert parts[0].url.startswith("data:image/png;base64,")
    told = engine.records[1].messages[-2 if tools else -1].text
    for words in ("Here it is.", "A note.", "a <https://example.com/a>: the whole of it", "hologram", "all.zip"):
        assert words in told


def test_model_that_sees_nothing_is_told_of_pictures(play: Any, server: McpServer) -> None:
    engine = play([natively(("picture", {})), "I cannot see it."], tools=True)
    assert ask("Draw.", model="actor", tools=[server]) == "I cannot see it."
    assert engine.records[1].messages[-1].text == "A picture, which you cannot see."


async def test_tools_that_come_up_on_the_way_are_offered_at_the_next_turn(play: Any, server: McpServer) -> None:
    engine = play([natively(("grow", {})), natively((f"new_{len(TOOLS)}", {})), "Grown."], tools=True)
    loop = ToolLoop(AsyncClient(model="actor"), ASKED, as_tools([server]))
    talk = await loop.run()
    assert [each.value for each in talk.made] == ["grown", f"new_{len(TOOLS)} was called"]
    assert [len(record.tools) for record in engine.records] == [len(TOOLS), len(TOOLS) + 1, len(TOOLS) + 1]


async def test_decision_can_wait_between_two_steps(play: Any, server: McpServer) -> None:
    play([natively(("say", {"text": "hi"})), "It said hi."], tools=True)
    loop = ToolLoop(AsyncClient(model="actor"), ASKED, [server])
    await loop.ask()
    assert [call.name for call in loop.pending] == ["say"]
    (made,) = await loop.answer()
    assert made.value == "hi"
    assert (await loop.ask()).text == "It said hi."


def test_documents_face_takes_servers(play: Any, server: McpServer) -> None:
    engine = play(in_words(("add", {"a": 1, "b": 2}), ("fail", {})))
    llm = SimpleByzerLLM("actor")
    said = [{"role": "user", "content": "1 + 2?"}]
    (answer,) = llm.chat_oai(conversations=said, tools=[server, weather], execute_tool=True)
    assert answer.values == [{"sum": 3}]
    assert answer.metadata == {"reason": "It did not work: no paper.", "selected_functions": ["add"]}
    assert '"name": "weather"' in engine.records[0].messages[-1].text
    (prompt,) = llm.chat_oai(conversations=said, tools=[server], only_return_prompt=True)
    assert '"name": "admin_look_up"' in prompt.input


def test_documents_face_adds_arguments_of_the_callers_own(play: Any, server: McpServer) -> None:
    engine = play(in_words(("add", {"a": 1})))
    said = [{"role": "user", "content": "1 + 2?"}]
    (answer,) = SimpleByzerLLM("actor").chat_oai(
        conversations=said, tools=[server], execute_tool=True, func_params={"b": 5, "unknown": 1}
    )
    assert answer.values == [{"sum": 6}]
    assert '"b"' not in engine.records[0].messages[-1].text
