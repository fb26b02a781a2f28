"""`%prompt` and `%%prompt` in a shell without a kernel, where the answer is printed."""

from __future__ import annotations

import _thread
import re
import threading
import time
from collections.abc import AsyncGenerator, Callable

import pandas
import pytest
from IPython.core.interactiveshell import InteractiveShell
from pydantic import BaseModel

from byzer_nb import ScriptedEngine
from byzer_nb.errors import RateLimitedError
from byzer_nb.prompts.ask import StoppedText
from byzer_nb.types import (
    Capabilities,
    ChatOptions,
    ChatRequest,
    Delta,
    EmbedReply,
    EmbedRequest,
    Engine,
    ModelCard,
    Reply,
    Usage,
)

Cell = Callable[[str], str]
Deploy = Callable[[str, Engine], None]


class Person(BaseModel):
    name: str
    age: int


@pytest.fixture
def echo(deployed: Deploy) -> ScriptedEngine:
    """A default model that says the last prompt again."""
    engine = ScriptedEngine()
    deployed("echo", engine)
    return engine


def asked(engine: ScriptedEngine) -> str:
    return engine.records[-1].messages[-1].text


@pytest.mark.contract("NB-05", "NB-14")
def test_the_answer_and_a_footer_are_printed_once(cell: Cell, echo: ScriptedEngine) -> None:
    printed = cell("%%prompt\nHello **you**,\nhow are you?")
    answer, footer = printed.strip().rsplit("\n", 1)
    assert answer == "Hello **you**,\nhow are you?"
    assert re.fullmatch(r"echo · \d+ tokens in, \d+ out · first token [\d.]+ s · \d+ tokens/s", footer)


@pytest.mark.contract("NB-05")
def test_the_template_is_filled_from_the_notebook(cell: Cell, shell: InteractiveShell, echo: ScriptedEngine) -> None:
    frame = pandas.DataFrame({"a": range(100), "long": ["x" * 200] * 100})
    shell.push({"name": "{{ other }} {% x %} {'a': {b}}", "frame": frame, "问题": '"引号"'})
    cell("%%prompt\n{{ name }} {{ 问题 }}\n{{ frame }}{{ Out | length }}")
    assert asked(echo) == "{{ other }} {% x %} {'a': {b}} \"引号\"\n" + frame.to_string() + "0"


@pytest.mark.contract("NB-05")
def test_dollars_and_braces_of_the_line_stay_as_typed(
    cell: Cell, shell: InteractiveShell, echo: ScriptedEngine
) -> None:
    shell.push({"name": "Ada", "HOME": "there"})
    cell("%prompt Pay $name or ${HOME} or {name} to {{ name }}, don't \\n wait")
    assert asked(echo) == "Pay $name or ${HOME} or {name} to Ada, don't \\n wait"


@pytest.mark.contract("NB-05")
def test_every_option_reaches_the_model(cell: Cell, echo: ScriptedEngine) -> None:
    line = '--system "Be brief." --temperature 0.5 --max-tokens 7 --stop "\\n" --stop END --seed 3'
    cell(f'%%prompt {line} --set top_p=0.9 --set user=me --set extra={{"a": [1, 2]}}\nHello')
    request = echo.records[-1]
    assert [(message.role, message.text) for message in request.messages] == [
        ("system", "Be brief."),
        ("user", "Hello"),
    ]
    assert request.options == ChatOptions(
        temperature=0.5, max_tokens=7, stop=("\n", "END"), seed=3, top_p=0.9, extra={"user": "me", "a": [1, 2]}
    )


@pytest.mark.contract("NB-05")
def test_out_keeps_the_value_and_not_its_display(cell: Cell, shell: InteractiveShell, echo: ScriptedEngine) -> None:
    cell("%prompt -o said Hello")
    assert shell.user_ns["said"] == "Hello"
    assert type(shell.user_ns["said"]) is str


@pytest.mark.contract("NB-05")
@pytest.mark.parametrize(
    ("wanted", "answer", "value"),
    [
        ("Person", '{"name": "Ada", "age": 36}', Person(name="Ada", age=36)),
        ("list[Person]", '[{"name": "Ada", "age": 36}]', [Person(name="Ada", age=36)]),
        ("int", "42", 42),
        ("bool", '{"value": true}', True),
        ("dict", '```json\n{"a": 1}\n```', {"a": 1}),
    ],
)
def test_an_answer_becomes_a_value_of_a_type(
    cell: Cell, shell: InteractiveShell, deployed: Deploy, wanted: str, answer: str, value: object
) -> None:
    deployed("typed", ScriptedEngine(answer))
    shell.push({"Person": Person})
    printed = cell(f"%prompt --as {wanted} -o it Who.")
    assert shell.user_ns["it"] == value
    assert printed.startswith(f"{answer}\n{value!r}\ntyped · ")


@pytest.mark.contract("NB-05")
def test_an_answer_becomes_a_data_frame(cell: Cell, shell: InteractiveShell, deployed: Deploy) -> None:
    deployed("typed", ScriptedEngine('[{"a": 1}, {"a": 2}]'))
    cell("%prompt --as DataFrame -o it Which.")
    assert shell.user_ns["it"]["a"].tolist() == [1, 2]


def test_an_answer_of_the_wrong_shape_stays_visible(cell: Cell, shell: InteractiveShell, deployed: Deploy) -> None:
    deployed("typed", ScriptedEngine("I am not sure."))
    printed = cell("%prompt --as int -o it How many.")
    *answers, footer, what, then = printed.strip().split("\n")
    assert answers[::2] == ["I am not sure."] * 3
    assert footer.startswith("typed · ")
    assert what.startswith("AnswerError: No JSON found in the answer: 'I am not sure.'")
    assert then.endswith("The text of the answer is in it.")
    assert shell.user_ns["it"] == "I am not sure."
    assert type(shell.user_ns["it"]) is str
    assert not cell("%prompt --as int How many.").strip().endswith("is in .")


@pytest.mark.parametrize("wanted", ["list[Person]", "Person", "int | bool"])
def test_an_answer_of_the_wrong_shape_is_told_with_the_type_as_it_was_written(
    cell: Cell, shell: InteractiveShell, deployed: Deploy, wanted: str
) -> None:
    deployed("typed", ScriptedEngine('{"x": "many"}'))
    shell.run_cell("from pydantic import BaseModel\nclass Person(BaseModel):\n    name: str")
    assert f"AnswerError: The answer is JSON but no {wanted}: " in cell(f"%prompt --as {wanted!r} Who.")


@pytest.mark.contract("NB-05")
def test_show_asks_nobody(cell: Cell, shell: InteractiveShell, echo: ScriptedEngine) -> None:
    shell.push({"name": "Ada"})
    assert cell('%%prompt --show --system "Be brief."\nHello {{ name }}') == "system\nBe brief.\nuser\nHello Ada\n"
    assert echo.records == []


@pytest.mark.contract("NB-05")
def test_the_system_text_is_a_template_too(cell: Cell, shell: InteractiveShell, echo: ScriptedEngine) -> None:
    shell.push({"topic": "{{ x }}"})
    line = "--system 'You know {{ topic }}.'"
    cell(f"%%prompt {line}\nTell me.")
    assert echo.records[-1].messages[0].text == "You know {{ x }}."
    assert cell(f"%%prompt {line} --show\nTell me.") == "system\nYou know {{ x }}.\nuser\nTell me.\n"


@pytest.mark.contract("NB-05")
def test_reasoning_stands_above_the_answer(cell: Cell, deployed: Deploy) -> None:
    deployed("thinker", ScriptedEngine([Reply(text="42", reasoning="six times seven")]))
    assert cell("%prompt How much.").startswith("six times seven\n\n42\nthinker · ")


def test_what_came_before_a_failure_is_kept_and_marked(cell: Cell, shell: InteractiveShell, deployed: Deploy) -> None:
    deployed("breaking", ScriptedEngine([["Once upon ", "a time", RateLimitedError("Too fast.", hint="Wait a bit.")]]))
    answer, footer, what, then = cell("%prompt -o told Tell me.").strip().split("\n")
    assert answer == "Once upon a time"
    assert footer.endswith(" · broke off")
    assert (what, then) == ("RateLimitedError: Too fast.", "Wait a bit.")
    assert shell.user_ns["told"] == "Once upon a time"
    assert isinstance(shell.user_ns["told"], StoppedText)


class Strange:
    """An engine of somebody else, which fails in its own way after some words."""

    def __init__(self, *words: str) -> None:
        self._words = words

    def describe(self) -> ModelCard:
        return ModelCard(model="strange", engine="strange", capabilities=Capabilities())

    async def chat(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        for word in self._words:
            yield Delta(text=word)
        raise KeyError("inside")

    async def embed(self, request: EmbedRequest) -> EmbedReply:
        raise NotImplementedError

    async def close(self) -> None:
        """Nothing to close."""


@pytest.mark.parametrize(
    ("words", "footer"), [(("Once ", "upon"), "Once upon\nstrange · "), ((), "strange · no answer\n")]
)
def test_what_came_before_any_other_error_of_an_engine_is_kept_too(
    cell: Cell, shell: InteractiveShell, deployed: Deploy, words: tuple[str, ...], footer: str
) -> None:
    deployed("strange", Strange(*words))
    printed = cell("%prompt -o told Tell me.")
    assert printed.startswith(footer)
    assert ("broke off" in printed) == bool(words)
    assert "KeyError" in printed
    assert shell.user_ns["told"] == "".join(words)
    assert isinstance(shell.user_ns["told"], StoppedText)


def test_the_footer_says_when_the_limit_of_tokens_cut_the_answer(cell: Cell, deployed: Deploy) -> None:
    deployed("long", ScriptedEngine("one two three four five six"))
    assert cell("%prompt --max-tokens 2 Count.").strip().endswith("cut at the limit of tokens")


@pytest.mark.contract("NB-05")
def test_without_any_model_the_bundled_one_answers_and_says_so(cell: Cell) -> None:
    assert "byzer-tiny (bundled: no model was named) · " in cell("%prompt --max-tokens 3 Hello")
    assert "(bundled" not in cell("%prompt -m byzer-tiny --max-tokens 3 Hello")
    cell("%llm_use byzer-tiny")
    assert "(bundled" not in cell("%prompt --max-tokens 3 Hello")


@pytest.mark.contract("NB-05", "NB-14")
def test_ctrl_c_returns_within_a_second_and_keeps_what_came(
    cell: Cell, shell: InteractiveShell, deployed: Deploy
) -> None:
    engine = ScriptedEngine("word " * 1000, token_delay=0.01)
    deployed("slow", engine)
    threading.Timer(0.5, _thread.interrupt_main).start()
    started = time.monotonic()
    answer, footer, stopped = cell("%prompt -o part Go on.").strip().split("\n")
    assert time.monotonic() - started < 1.5
    assert answer.startswith("word word")
    assert footer.endswith(" · stopped")
    assert stopped == "Stopped."
    assert shell.user_ns["part"].startswith(answer.rstrip())
    assert engine.running == 0


def test_a_terminal_is_not_given_control_characters(cell: Cell, deployed: Deploy) -> None:
    deployed("rude", ScriptedEngine([["\x1b]0;title\x07", "\x1b[2J", "a\tb\x9b1m"]]))
    assert cell("%prompt Hello").startswith("]0;title[2Ja\tb1m\n")


@pytest.mark.contract("NB-05")
def test_the_footer_speaks_chinese(cell: Cell, echo: ScriptedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BYZER_NB_LANG", "zh")
    assert re.search(r"echo · 输入 \d+ 个 token，输出 \d+ 个", cell("%prompt 你好"))


def test_a_magic_returns_nothing_to_be_shown_again(cell: Cell, shell: InteractiveShell, deployed: Deploy) -> None:
    deployed("short", ScriptedEngine([Reply(text="Yes.", usage=Usage(output_tokens=1))]))
    assert "Out[" not in cell("%prompt Well.")
    assert shell.user_ns["Out"] == {}
