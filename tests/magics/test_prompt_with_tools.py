"""`%%prompt --tools`: the model calls functions of the notebook, where somebody allows it."""

from __future__ import annotations

import _thread
import builtins
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from byzer_nb import McpServer, ScriptedEngine
from byzer_nb.prompts.ask import StoppedText
from byzer_nb.providers.scripted import Scripted
from byzer_nb.types import Capabilities, Engine, Reply, ToolCall
from tests.standins import mcp

Cell = Callable[[str], str]
Deploy = Callable[[str, Engine], None]
Wanted = tuple[str, dict[str, Any]]

ANSWER = "It is colder in Oslo."
OSLO: Wanted = ("weather", {"city": "Oslo"})
ROME: Wanted = ("weather", {"city": "Rome"})


def weather(city: Annotated[str, "a city"]) -> dict[str, Any]:
    """The weather of a city."""
    if city == "Atlantis":
        raise LookupError("it sank")
    return {"city": city, "degrees": {"Oslo": 3}.get(city, 20)}


async def convert(celsius: float) -> float:
    """Degrees Celsius in Fahrenheit."""
    return celsius * 1.8 + 32


def in_words(*wanted: Wanted) -> str:
    return json.dumps({"tool_calls": [{"function": {"name": name, "arguments": given}} for name, given in wanted]})


def natively(*wanted: Wanted, text: str = "") -> Reply:
    calls = [ToolCall(name=name, arguments=given, id=str(place)) for place, (name, given) in enumerate(wanted)]
    return Reply(text=text, tool_calls=tuple(calls))


@pytest.fixture
def model(deployed: Deploy) -> Callable[..., ScriptedEngine]:
    """Deploys a default model with a script, which has tools of its own or not."""

    def model(*script: Scripted, tools: bool = False, **pace: float) -> ScriptedEngine:
        engine = ScriptedEngine(list(script), capabilities=Capabilities(tools=tools, images=True), **pace)
        deployed("chat", engine)
        return engine

    return model


Model = Callable[..., ScriptedEngine]


@pytest.fixture(autouse=True)
def names(shell: InteractiveShell) -> None:
    shell.push({"weather": weather, "convert": convert, "rate": 3.0, "both": [weather, convert]})


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Types these words at the keyboard; gives the questions that were asked."""

    def typed(*words: str) -> list[str]:
        waiting: Iterator[str] = iter(words)
        questions: list[str] = []

        def answer(question: str = "") -> str:
            questions.append(question)
            return next(waiting)

        monkeypatch.setattr(builtins, "input", answer)
        return questions

    return typed


@pytest.mark.contract("NB-05", "STRUCT-01", "STRUCT-03")
@pytest.mark.parametrize("call", [in_words(OSLO, ROME), natively(OSLO, ROME)])
def test_calls_and_their_results_are_shown_and_the_answer_streams(
    cell: Cell, shell: InteractiveShell, model: Model, call: Scripted
) -> None:
    engine = model(call, ANSWER, tools=isinstance(call, Reply))
    printed = cell("%%prompt --tools weather -o said\nIs it colder in Oslo or in Rome?").strip().split("\n")
    assert printed[:2] == ["weather(city='Oslo') …", "weather(city='Rome') …"]
    assert sorted(printed[2:4]) == [
        'weather(city=\'Oslo\') → {"city": "Oslo", "degrees": 3}',
        'weather(city=\'Rome\') → {"city": "Rome", "degrees": 20}',
    ]
    assert printed[4] == shell.user_ns["said"] == ANSWER
    assert printed[5].startswith("chat · ")
    assert '"degrees": 20' in "".join(message.text for message in engine.records[1].messages)


@pytest.mark.contract("NB-05")
@pytest.mark.parametrize("named", ["weather,convert", "both", "weather --tools convert", "'weather, convert'"])
def test_tools_are_named_one_by_one_or_as_a_list(cell: Cell, model: Model, named: str) -> None:
    engine = model(natively(("convert", {"celsius": 10})), "50 degrees.", tools=True)
    printed = cell(f"%prompt --tools {named} How much.")
    assert "convert(celsius=10) → 50.0\n50 degrees.\n" in printed
    assert [tool.name for tool in engine.records[0].tools] == ["weather", "convert"]


@pytest.mark.contract("NB-05")
def test_a_method_of_an_object_is_a_tool_too(cell: Cell, shell: InteractiveShell, model: Model) -> None:
    class Shop:
        def price(self, what: str) -> int:
            """The price of a thing."""
            return 7

    shell.push({"shop": Shop()})
    model(natively(("price", {"what": "tea"})), "Seven.", tools=True)
    assert "price(what='tea') → 7\nSeven.\n" in cell("%prompt --tools shop.price How much.")


@pytest.mark.contract("NB-05", "STRUCT-01")
def test_a_server_brings_its_tools_along(cell: Cell, shell: InteractiveShell, model: Model) -> None:
    with McpServer([sys.executable, mcp.__file__]) as server:
        shell.push({"server": server})
        engine = model(natively(("add", {"a": 2, "b": 3})), "Five.", tools=True)
        printed = cell("%prompt --tools server,weather What is 2 plus 3.")
        assert 'add(a=2, b=3) → {"sum": 5}\nFive.\n' in printed
        assert {"add", "say", "weather"} <= {tool.name for tool in engine.records[0].tools}
        assert '"name": "say"' in cell("%prompt --tools server --show What is 2 plus 3.")


@pytest.mark.contract("NB-05", "STRUCT-03")
def test_what_a_tool_raises_is_shown_and_told_to_the_model(cell: Cell, model: Model) -> None:
    engine = model(in_words(("weather", {"city": "Atlantis"}), ("weather", {"town": "x"}), ("fly", {})), "It sank.")
    printed = cell("%prompt --tools weather How is it.")
    assert "weather(city='Atlantis') → LookupError: it sank\n" in printed
    assert "weather(town='x') → weather was called with {'town': 'x'}: city: Field required" in printed
    assert "fly() → There is no tool 'fly'. There are: weather.\n" in printed
    assert "\nIt sank.\n" in printed
    assert "LookupError: it sank" in engine.records[1].messages[-1].text


@pytest.mark.contract("NB-05")
def test_words_beside_a_call_stay(cell: Cell, model: Model) -> None:
    model(natively(OSLO, text="Let me look."), ANSWER, tools=True)
    printed = cell("%prompt --tools weather How is it.")
    assert printed.startswith("Let me look.\nweather(city='Oslo') …\nweather(city='Oslo') → ")
    assert f"\n{ANSWER}\nchat · " in printed


@pytest.mark.contract("NB-05")
def test_an_answer_that_only_looked_like_a_call_is_shown(cell: Cell, shell: InteractiveShell, model: Model) -> None:
    model('{"just": "json"}')
    assert cell("%prompt --tools weather -o said Write JSON.").startswith('{"just": "json"}\nchat · ')
    assert shell.user_ns["said"] == '{"just": "json"}'


@pytest.mark.contract("NB-05", "STRUCT-07")
def test_tools_come_before_a_typed_value(cell: Cell, shell: InteractiveShell, model: Model) -> None:
    engine = model(in_words(OSLO), "It has 3 degrees.", "three", '{"value": 3}')
    printed = cell("%prompt --tools weather --as int -o degrees How cold.")
    assert shell.user_ns["degrees"] == 3
    assert "\nIt has 3 degrees.\nthree\nasked again, for this does not fit: " in printed
    assert '\n{"value": 3}\n3\nchat · ' in printed
    assert printed.strip().endswith(" · asked in words · 2 tries")
    assert len(engine.records) == 4


@pytest.mark.contract("NB-05", "STRUCT-03")
def test_the_footer_counts_all_turns(cell: Cell, model: Model) -> None:
    once = model(ANSWER, tools=True)
    alone = cell("%prompt How is it.")
    model(natively(OSLO), ANSWER, tools=True)
    both = cell("%prompt --tools weather How is it.")
    assert len(once.records) == 1
    assert _tokens_in(both) > 2 * _tokens_in(alone)


def _tokens_in(printed: str) -> int:
    return int(printed.partition(" tokens in")[0].split()[-1])


@pytest.mark.contract("NB-05", "STRUCT-03")
def test_the_bundled_model_calls_a_function_of_the_notebook(cell: Cell, shell: InteractiveShell) -> None:
    shell.run_cell('def add(a: int, b: int) -> int:\n    """The sum of two numbers."""\n    return a + b')
    assert "add(a=17, b=25) → 42\n" in cell("%prompt -m byzer-tiny --tools add Add 17 and 25.")


@pytest.mark.contract("NB-05")
def test_every_call_is_asked_about_at_the_keyboard(cell: Cell, model: Model, typed: Callable[..., list[str]]) -> None:
    engine = model(in_words(OSLO, ROME), ANSWER)
    questions = typed("what?", "no", "y")
    printed = cell("%%prompt --tools weather --approve\nIs it colder?")
    oslo, rome = (f"Call weather(city={city!r})? [y]es, [n]o, [a]ll of them: " for city in ("Oslo", "Rome"))
    assert questions == [oslo, oslo, rome]
    assert "weather(city='Oslo') → not allowed\n" in printed
    assert "weather(city='Rome') → {" in printed
    assert f"\n{ANSWER}\n" in printed
    assert "did not allow" in engine.records[1].messages[-1].text


@pytest.mark.contract("NB-05")
def test_all_means_that_nobody_is_asked_again(cell: Cell, model: Model, typed: Callable[..., list[str]]) -> None:
    model(in_words(OSLO), in_words(ROME), ANSWER)
    questions = typed("a")
    printed = cell("%prompt --tools weather --approve Is it colder.")
    assert len(questions) == 1
    assert printed.count("→ {") == 2


@pytest.mark.contract("NB-05")
def test_without_a_keyboard_it_says_how_to_decide(cell: Cell, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    def deaf(question: str = "") -> str:
        raise EOFError

    monkeypatch.setattr(builtins, "input", deaf)
    model(in_words(OSLO), ANSWER)
    *_, what, then = cell("%prompt --tools weather --approve Is it colder.").strip().split("\n")
    assert what.startswith("BadInputError: Nobody can be asked whether a tool may be called")
    assert "--approve=allowed" in then
    assert "ToolLoop" in then


@pytest.mark.contract("NB-05")
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_function_of_the_notebook_decides(cell: Cell, shell: InteractiveShell, model: Model, kind: str) -> None:
    shell.run_cell(f"{kind} allowed(call):\n    return call.arguments['city'] == 'Rome'")
    for line in ("%%prompt --tools weather --approve allowed\n", "%prompt --tools weather --approve=allowed "):
        model(in_words(OSLO, ROME), ANSWER)
        printed = cell(f"{line}Is it colder.")
        assert "weather(city='Oslo') → not allowed\n" in printed
        assert "weather(city='Rome') → {" in printed


@pytest.mark.contract("NB-05")
def test_a_decision_is_made_in_the_notebooks_own_thread(cell: Cell, shell: InteractiveShell, model: Model) -> None:
    threads: list[threading.Thread] = []

    def allowed(call: ToolCall) -> bool:
        threads.append(threading.current_thread())
        return True

    shell.push({"allowed": allowed})
    model(in_words(OSLO), ANSWER)
    cell("%prompt --tools weather --approve=allowed Is it colder.")
    assert threads == [threading.main_thread()]


@pytest.mark.contract("NB-05")
def test_an_error_of_the_deciding_function_ends_the_cell_and_nothing_is_called(
    cell: Cell, shell: InteractiveShell, model: Model
) -> None:
    called: list[str] = []

    def watched(city: str) -> str:
        """The weather of a city."""
        called.append(city)
        return "cold"

    shell.push({"watched": watched})
    shell.run_cell("def allowed(call):\n    return call.no_such_thing")
    model(in_words(("watched", {"city": "Oslo"})), ANSWER)
    printed = cell("%prompt --tools watched --approve=allowed Is it colder.")
    assert "AttributeError" in printed
    assert called == []


@pytest.mark.contract("NB-05")
def test_ctrl_c_keeps_what_came_and_stops_the_rest(cell: Cell, shell: InteractiveShell, model: Model) -> None:
    engine = model(in_words(OSLO), "word " * 1000, token_delay=0.01)
    threading.Timer(1.2, _thread.interrupt_main).start()
    started = time.monotonic()
    printed = cell("%prompt --tools weather -o part Go on.").strip().split("\n")
    assert time.monotonic() - started < 3
    assert printed[1].startswith("weather(city='Oslo') → {")
    answer, footer, stopped = printed[2:]
    assert answer.startswith("word word")
    assert (footer.endswith(" · stopped"), stopped) == (True, "Stopped.")
    assert shell.user_ns["part"].startswith(answer.rstrip())
    assert isinstance(shell.user_ns["part"], StoppedText)
    assert engine.running == 0


@pytest.mark.contract("NB-05")
def test_ctrl_c_while_it_asks_calls_nothing(
    cell: Cell, shell: InteractiveShell, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(question: str = "") -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(builtins, "input", stop)
    engine = model(in_words(OSLO), ANSWER)
    printed = cell("%prompt --tools weather --approve -o part Go on.")
    assert printed.strip().endswith("Stopped.")
    assert "→" not in printed
    assert shell.user_ns["part"] == ""
    assert len(engine.records) == 1


@pytest.mark.contract("NB-05")
def test_calls_without_an_end_are_an_error(cell: Cell, deployed: Deploy) -> None:
    deployed("chat", ScriptedEngine(lambda request: in_words(OSLO), capabilities=Capabilities()))
    what, then = cell("%prompt --tools weather Go on.").strip().split("\n")[-2:]
    assert what.startswith("AnswerError: The model still calls tools after 8 rounds: weather.")
    assert then


@pytest.mark.contract("NB-05")
@pytest.mark.parametrize(
    ("line", "what", "then"),
    [
        ("--tools wether", "No function is called 'wether'.", "Did you mean 'weather'? Define it in a cell above"),
        ("--tools rate", "'rate' is no function that could be called, but of the type float.", "For example: --tools"),
        ("--tools weather,", "--tools has an empty name in it.", "For example: --tools weather,convert"),
        ("--tools weather,weather", "Two tools are called 'weather'.", "Give a function another name"),
        ("--tools weather.wind", "'weather.wind' is not there: there is no 'wind' in it.", "For example: --tools"),
        ("--tools print", "No function is called 'print'.", ""),
        ("--approve", "--approve has nothing to ask for: there are no tools.", "For example: --tools"),
        ("--tools weather --approve=nobody", "No function is called 'nobody'.", "Define it in a cell above"),
        ("--tools weather --approve=", "No function is called ''.", "Define it in a cell above"),
        ("--tools weather --approve=rate", "'rate' cannot decide on calls: it is no function.", "It takes a call"),
        ("--def --tools weather", "--def and --tools do not go together.", "Where tools are needed, write a function"),
    ],
)  # fmt: skip
def test_a_slip_is_told_before_anybody_is_asked(cell: Cell, model: Model, line: str, what: str, then: str) -> None:
    engine = model(ANSWER)
    told, hint = cell(f"%prompt {line} Hi.").strip().split("\n")
    assert told == f"BadInputError: {what}"
    assert hint.startswith(then)
    assert engine.records == []


@pytest.mark.contract("NB-05")
def test_show_lists_the_tools_and_asks_nobody(cell: Cell, model: Model) -> None:
    engine = model(ANSWER)
    printed = cell("%prompt --tools weather --show How is it.")
    assert printed.startswith("tools\n{")
    assert '"description": "a city"' in printed
    assert printed.endswith("user\nHow is it.\n")
    assert engine.records == []
