"""`%%prompt --tools` in a real kernel: what is shown and saved, and who is asked."""

from __future__ import annotations

import pytest

from tests.magics.kernel import Kernel

TOOLS = """
from byzer_nb.types import Capabilities, Picture, Reply, ToolCall

def weather(city: str) -> str:
    "The weather of a city."
    return "<b>cold</b> " + "x" * length

def chart() -> Picture:
    "A chart."
    return Picture(data=b"\\x89PNG\\r\\n\\x1a\\n" + bytes(8))

length = 3

def caller(name, *calls, answer="It is **cold**."):
    wanted = tuple(ToolCall(name=each, arguments=given, id=str(place)) for place, (each, given) in enumerate(calls))
    script = [Reply(text="", tool_calls=wanted), answer]
    engine = ScriptedEngine(script, capabilities=Capabilities(tools=True, images=True), token_delay=0.02)
    run(shared_models().add(name, engine))
"""


@pytest.fixture(scope="module")
def caller(kernel: Kernel) -> Kernel:
    """The kernel, with models that call tools."""
    kernel.ok(TOOLS)
    return kernel


@pytest.mark.contract("NB-05")
def test_in_a_notebook_a_call_becomes_its_result_in_place_and_is_escaped(caller: Kernel) -> None:
    caller.ok("caller('one', ('weather', {'city': '<i>'}))")
    ran = caller.ok("%prompt -m one --tools weather How is it.")
    call, answer, footer = ran.outputs
    assert call["text/plain"] == "weather(city='<i>') → '<b>cold</b> xxx'"
    assert "weather(city=&#x27;&lt;i&gt;&#x27;) → &#x27;&lt;b&gt;cold&lt;/b&gt; xxx&#x27;" in call["text/html"]
    assert answer["text/markdown"] == "It is **cold**."
    assert footer["text/plain"].startswith("one · ")
    begun = [message for message in ran.messages if "weather(city='<i>') …" in str(message.content)]
    assert begun  # it was there before its result


@pytest.mark.contract("NB-05")
def test_in_a_notebook_a_long_result_is_folded_and_a_picture_is_seen(caller: Kernel) -> None:
    caller.ok("length = 5000\ncaller('two', ('weather', {'city': 'Oslo'}), ('chart', {}))")
    folded, picture, _, _ = caller.ok("%prompt -m two --tools weather,chart How is it.").outputs
    assert folded["text/html"].startswith("<details><summary>")
    assert "<pre>&#x27;&lt;b&gt;cold&lt;/b&gt; " + "x" * 5000 in folded["text/html"]
    assert len(folded["text/plain"]) < 400
    assert '<img style="max-width:100%" src="data:image/png;base64,' in picture["text/html"]


@pytest.mark.contract("NB-05")
def test_in_a_notebook_the_question_comes_from_the_kernel(caller: Kernel) -> None:
    caller.ok("length = 3\ncaller('three', ('weather', {'city': 'Oslo'}), ('weather', {'city': 'Rome'}))")
    ran = caller.ok("%%prompt -m three --tools weather --approve\nHow is it?", typing=["n", "y"])
    assert ran.questions[0] == "Call weather(city='Oslo')? [y]es, [n]o, [a]ll of them: "
    assert len(ran.questions) == 2
    assert [line.partition(" → ")[2] for line in ran.plain[:2]] == ["not allowed", "'<b>cold</b> xxx'"]


@pytest.mark.contract("NB-05", "NB-14")
def test_in_a_kernel_without_a_keyboard_it_says_how_to_decide(caller: Kernel) -> None:
    caller.ok("caller('four', ('weather', {'city': 'Oslo'}))")
    ran = caller.run("%prompt -m four --tools weather --approve How is it.", has_keyboard=False)
    assert ran.status == "error"
    what, then = ran.error
    assert "Nobody can be asked whether a tool may be called" in what
    assert "ToolLoop" in then
