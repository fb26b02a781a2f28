"""The text of a prompt: how a docstring becomes one, and how values get into it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byzer_nb.errors import PromptError, UndefinedVariableError
from byzer_nb.prompts.template import Template, prepare


def filled(text: str, render: str = "jinja2", **variables: Any) -> str:
    return Template(text, owner="the prompt", render=render).fill(variables)


# -- the docstring ------------------------------------------------------------------------------------------------


@pytest.mark.contract("PROMPT-04")
@pytest.mark.parametrize(
    ("docstring", "text"),
    [
        ("\n    你好, 你是谁\n    ", "你好, 你是谁"),
        ("one", "one"),
        ("one\n    two", "one\n    two"),  # the first line that says something has no indentation
        ("\n    one\n      two\n  three\nfour", "one\n  two\nthree\nfour"),  # never more than a line has
        ("\n\n   \n    one\n\n    two\n\n  \n", "one\n\ntwo"),
        ("\n    one\n        \n    two", "one\n    \ntwo"),
        ("\n\tone\n\t\ttwo\n    three", "one\n\ttwo\n   three"),  # a tab is one character
        ("\n    a\tb", "a\tb"),
        ("\n    \u3000\u3000段落\n    b", "\u3000\u3000段落\nb"),
        ("\n    a\x0cb\u2028c", "a\x0cb\u2028c"),
        ("  \n \t\n", ""),
        ("", ""),
    ],
)
def test_a_docstring_loses_its_indentation_and_the_blank_lines_around_it(docstring: str, text: str) -> None:
    assert prepare(docstring) == text


@given(st.lists(st.text("ab \t", max_size=6), max_size=6).map("\n".join))
def test_preparing_takes_away_nothing_but_blanks(docstring: str) -> None:
    text = prepare(docstring)
    assert text.split() == docstring.split()
    assert prepare(text) == text
    if text:
        assert not text.startswith((" ", "\t", "\n"))
        assert text.split("\n")[-1].strip()


# -- jinja --------------------------------------------------------------------------------------------------------


@pytest.mark.contract("PROMPT-04")
def test_loops_filters_and_attributes_of_dicts_work() -> None:
    tasks = [{"name": "a", "due_date": "1"}, {"name": "b", "due_date": "2"}]
    text = "{% for task in tasks -%}\n- {{ task.name | upper }} ({{ task['due_date'] }})\n{% endfor %}"
    assert filled(text, tasks=tasks) == "- A (1)\n- B (2)\n"


@pytest.mark.contract("PROMPT-04")
@pytest.mark.parametrize(
    "text",
    [
        "{'a': {b}}",
        '{"a": 1, "b": {"c": [1]}}',
        "{ x }",
        "} {",
        "% {%raw%}{{ x }}{%endraw%}",
        "\"quoted\" 'text'",
        "中文 {}",
    ],
)
def test_braces_that_are_not_doubled_are_text(text: str) -> None:
    assert filled(text) == text.replace("{%raw%}", "").replace("{%endraw%}", "")


@pytest.mark.contract("PROMPT-04")
@pytest.mark.parametrize(
    "value",
    [
        "{{ x }}",
        "{% if %}",
        "{# note #}",
        "{'a': {b}}",
        "<b> & \"q\" 'q'",
        "中文\n行",
        "{{",
        "%}",
        "\\n",
        "{x}",
        "$x %s",
    ],
)
@pytest.mark.parametrize("render", ["jinja2", "simple"])
def test_a_value_is_inserted_as_it_is_and_never_rendered_again(value: str, render: str) -> None:
    assert filled("<{{ v }}>" if render == "jinja2" else "<{v}>", render, v=value) == f"<{value}>"


@given(st.text())
def test_any_text_comes_through(value: str) -> None:
    assert filled("a {{ v }} z", v=value) == f"a {value} z"
    assert filled("a {v} z", "simple", v=value) == f"a {value} z"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "None"), (0, "0"), (1.5, "1.5"), (True, "True"), ([1, "a"], "[1, 'a']"), ({"a": 1}, "{'a': 1}")],
)
@pytest.mark.parametrize("render", ["jinja2", "simple"])
def test_other_values_are_written_as_python_prints_them(value: object, text: str, render: str) -> None:
    assert filled("{{ v }}" if render == "jinja2" else "{v}", render, v=value) == text


class Frame(pd.DataFrame):
    """A data frame of somebody's own."""


@pytest.mark.contract("PROMPT-04")
@pytest.mark.parametrize("render", ["jinja2", "simple"])
@pytest.mark.parametrize("cls", [pd.DataFrame, Frame])
def test_a_data_frame_is_written_whole(render: str, cls: type[pd.DataFrame]) -> None:
    frame = cls({f"column_{n}": [f"value {n} of row {row} {'x' * 60}" for row in range(60)] for n in range(30)})
    text = filled("{{ frame }}" if render == "jinja2" else "{frame}", render, frame=frame)
    assert len(text.split("\n")) == 61
    assert all(f"value {n} of row {row} {'x' * 60}" in text for n in range(30) for row in range(60))
    assert "..." not in text


def test_a_series_and_an_array_are_written_whole() -> None:
    assert "..." not in filled("{{ v }}", v=pd.Series(range(500)))
    text = filled("{{ v }}", v=np.arange(5000))
    assert "4999" in text
    assert "..." not in text
    assert filled("{{ v }} {{ w }}", v=np.float64(1.5), w=np.str_("x")) == "1.5 x"


def test_a_template_may_ask_whether_a_name_is_there() -> None:
    assert filled("{{ x | default('none') }}{% if y is defined %}!{% endif %}") == "none"


# -- names nobody gave --------------------------------------------------------------------------------------------


@pytest.mark.contract("PROMPT-04")
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\n{{ topick }}", 2),
        ("{{ topick + 1 }}", 1),
        ("\n\n{{ topick() }}", 3),
        ("{{ topick[0] }}", 1),
        ("{{ topick.name }}", 1),
        ("{% if topick %}\n{% endif %}", 1),
        ("{% for n in [1, 2] %}\n{{ n }} {{ topick }}\n{% endfor %}", 2),
        ("{% for n in topick %}\n{% endfor %}", 1),
        ("{% macro m(n) %}\n\n{{ n }} {{ topick }}\n{% endmacro %}\n{{ m(1) }}", 3),
        ("{{ [1,\n topick] | join }}", 2),
        ("{{ topick ~ 'x' }}", 1),
        ("{{ topick == 1 }}", 1),
        ("{{ 'x' in topick }}", 1),
        ("{{ topick | upper }}", 1),
    ],
)
def test_an_undefined_name_is_told_with_owner_line_and_the_nearest(text: str, line: int) -> None:
    with pytest.raises(UndefinedVariableError) as unknown:
        filled(text, topic="t", other=1)
    message = str(unknown.value)
    assert message.startswith("The template of the prompt uses a name that it was not given: 'topick' is undefined")
    assert f"line {line}: {text.splitlines()[line - 1].strip()}" in message
    assert unknown.value.variable == "topick"
    assert unknown.value.hint == "Did you mean 'topic'? It was given: other, topic."
    assert isinstance(unknown.value, ValueError | NameError)


@pytest.mark.contract("PROMPT-04")
def test_an_undefined_attribute_is_compared_with_those_there_are() -> None:
    with pytest.raises(UndefinedVariableError, match="'dict object' has no attribute 'nmae', line 1") as unknown:
        filled("{{ task.nmae }}", task={"name": 1, "due": 2})
    assert unknown.value.hint == "Did you mean 'name'? It has: name, due."


def test_an_item_that_is_not_there_is_told_with_how_many_there_are() -> None:
    with pytest.raises(UndefinedVariableError, match="list object has no element 5, line 1") as unknown:
        filled("{{ items[5] }}", items=["a", "b"])
    assert unknown.value.hint == "There are 2 of them."


def test_a_filter_that_finds_nothing_says_so() -> None:
    with pytest.raises(PromptError, match=r"cannot be filled in, line 1: .*: No first item, sequence was empty"):
        filled("{{ items | first }}", items=[])


@pytest.mark.contract("PROMPT-05")
def test_an_undefined_name_in_single_braces_is_told_too() -> None:
    with pytest.raises(UndefinedVariableError, match=r"'contxt' is undefined, line 2: b \{contxt\}") as unknown:
        filled("a\nb {contxt}", "simple", context=1)
    assert unknown.value.hint == "Did you mean 'context'? It was given: context."


def test_without_any_variables_that_is_said() -> None:
    for render, text in (("jinja2", "{{ x }}"), ("simple", "{x}")):
        with pytest.raises(UndefinedVariableError) as unknown:
            filled(text, render)
        assert unknown.value.hint == "It was given: no variables at all."


# -- mistakes in the template -------------------------------------------------------------------------------------


@pytest.mark.contract("PROMPT-04")
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\n{{ b c }}", 2),
        ("{% if x %}", 1),
        ("{% fi %}", 1),
        ("a\n\n{{ x | nofilter }}", 3),
        ("{{", 1),
        ("{{ 'a }}", 1),
    ],
)
def test_a_mistake_in_the_template_is_told_with_its_line(text: str, line: int) -> None:
    with pytest.raises(PromptError, match=f"The template of the prompt cannot be read, line {line}: ") as wrong:
        Template(text, owner="the prompt")
    assert text.split("\n")[line - 1] in str(wrong.value)


def test_lines_are_counted_as_they_stand_in_a_docstring() -> None:
    docstring = "\n\n    one\n    {{ two }}\n"
    with pytest.raises(UndefinedVariableError, match=r"line 4: \{\{ two \}\}"):
        Template.of_docstring(docstring, owner="the prompt").fill({})
    with pytest.raises(PromptError, match=r"line 4: \{\{ two:"):
        Template.of_docstring("\n\n    one\n    {{ two\n", owner="the prompt")


def test_an_error_in_an_expression_goes_through_and_says_where_it_was() -> None:
    with pytest.raises(ZeroDivisionError) as failed:
        filled("a\n{{ 1 / n }}", n=0)
    assert failed.value.__notes__ == ["In the template of the prompt, line 2: {{ 1 / n }}"]


def test_an_error_in_a_value_goes_through(tmp_path: Path) -> None:
    class Picture:
        def __str__(self) -> str:
            return (tmp_path / "no.png").read_text()

    for render, text in (("jinja2", "{{ v }}"), ("simple", "{v}")):
        with pytest.raises(FileNotFoundError, match=r"no\.png"):
            filled(text, render, v=Picture())


# -- single braces ------------------------------------------------------------------------------------------------


@pytest.mark.contract("PROMPT-05")
@pytest.mark.parametrize(
    ("text", "filled_in"),
    [
        ("{context}: {question}", "C: Q"),
        ("{{'a': {question}}}", "{'a': Q}"),
        ("{{}} {{{question}}}", "{} {Q}"),
        ("{question!r} {number:>4} {number:.1f}", "'Q'    3 3.0"),
        ("{items[0]} {items[1]}", "a b"),
        ("{% if x %} {# no #}".replace("{", "{{").replace("}", "}}"), "{% if x %} {# no #}"),
        ("nothing", "nothing"),
    ],
)
def test_names_in_single_braces_are_replaced_and_doubled_braces_are_text(text: str, filled_in: str) -> None:
    variables = {"context": "C", "question": "Q", "number": 3, "items": ["a", "b"]}
    assert filled(text, "simple", **variables) == filled_in


@pytest.mark.contract("PROMPT-05")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{'a': {b}}", "has {'a'}, and that is no name, line 1"),
        ('x\n{"a": 1}', 'has {"a"}, and that is no name, line 2'),
        ("{}", "has {}, and that is no name"),
        ("{0}", "has {}, and that is no name"),
        ("{ b }", "has { b }, and that is no name"),
        ("{b.nothing}", "cannot be filled in: 'str' object has no attribute 'nothing'"),
        ("{b:zz}", "cannot be filled in"),
        ("{b[9]}", "cannot be filled in: string index out of range"),
    ],
)
def test_braces_around_what_is_no_name_are_told_with_the_way_out(text: str, message: str) -> None:
    with pytest.raises(PromptError, match=re.escape(message)) as wrong:
        filled(text, "simple", b="B")
    assert "write {{ and }} for braces themselves" in wrong.value.hint


@pytest.mark.contract("PROMPT-05")
@pytest.mark.parametrize(("text", "line"), [("a\n}", 2), ("a\nb\n{c", 3), ("{", 1), ("{a!}", 1)])
def test_a_brace_alone_is_told_where_it_is_written(text: str, line: int) -> None:
    with pytest.raises(PromptError, match=f"cannot be read, line {line}: "):
        Template(text, owner="the prompt", render="simple")


def test_a_template_knows_the_names_it_asks_for() -> None:
    jinja = Template("{{ self.a }} {% for b in c %}{{ d }}{% endfor %}", owner="p")
    assert [name for name in ("self", "c", "d", "x") if jinja.asks_for(name)] == ["self", "c", "d"]
    simple = Template("{self.a} {b[0]} {cc!r} {{x}}", owner="p", render="simple")
    assert [name for name in ("self", "b", "c", "cc", "x") if simple.asks_for(name)] == ["self", "b", "cc"]


@pytest.mark.contract("PROMPT-04")
@pytest.mark.parametrize("value", ["a", None, 3, "{{ x }}", "{% if", ["a"], {"k": "v"}, "你好"])
def test_a_template_of_names_alone_reads_as_one_that_jinja_has_to_render(value: object) -> None:
    plain = Template("Say {{ x }} and {{x}}.\n{# never seen #}Done", owner="the test")
    rendered = Template("Say {{ x }} and {{x}}.\n{% if true %}Done{% endif %}", owner="the test")
    assert plain.fill({"x": value}) == rendered.fill({"x": value})
