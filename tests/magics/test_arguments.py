"""A line is split into options and text; the text stays as it was typed."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

import pytest

from byzer_nb.errors import BadInputError
from byzer_nb.magics._arguments import read_arguments


@pytest.fixture
def parser() -> ArgumentParser:
    parser = ArgumentParser("prompt")
    parser.add_argument("-m", "--model", default="")
    parser.add_argument("--stop", action="append")
    parser.add_argument("--show", action="store_true")
    return parser


def read(parser: ArgumentParser, line: str) -> tuple[Namespace, str]:
    arguments = read_arguments(parser, line)
    return arguments.options, arguments.rest


@pytest.mark.parametrize("line", ["-m chat", "--model chat", "--model=chat", '-m "chat"', "  --model='chat'  "])
def test_a_value_is_written_in_any_usual_way(parser: ArgumentParser, line: str) -> None:
    options, rest = read(parser, line)
    assert (options.model, rest) == ("chat", "")


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ('"two words"', "two words"),
        ("'it\\'s'", "it's"),
        ("dict[str, int]", "dict[str, int]"),
        ('Literal["a b", "c"]', 'Literal["a b", "c"]'),
        ('a={"b": [1, "}"]}', 'a={"b": [1, "}"]}'),
        ('a="x y"', 'a="x y"'),
        ("don't", "don't"),
        ("$x{y}", "$x{y}"),
        ("C:\\new", "C:\\new"),
        ("-1", "-1"),
    ],
)
def test_quotes_and_brackets_hold_a_value_together(parser: ArgumentParser, value: str, meant: str) -> None:
    options, rest = read(parser, f"--stop {value} --show")
    assert (options.stop, options.show, rest) == ([meant], True, "")


@pytest.mark.parametrize(
    "text",
    [
        "Say hello.",
        "Don't say (hello",
        '"quoted" and {{ braces }} and \\backslash $dollar',
        "- a list\\n",
        "-5 + 3 = ?",
        "x --show stays text after the first word",
    ],
)
def test_the_text_after_the_options_stays_as_it_is(parser: ArgumentParser, text: str) -> None:
    options, rest = read(parser, f"-m chat {text}")
    assert (options.model, options.show, rest) == ("chat", False, text)


def test_two_dashes_end_the_options(parser: ArgumentParser) -> None:
    options, rest = read(parser, "--stop a --stop b -- --show me")
    assert (options.stop, options.show, rest) == (["a", "b"], False, "--show me")


@pytest.mark.parametrize(
    ("line", "what", "then"),
    [
        (
            "--modle x",
            "%prompt has no option '--modle'.",
            "Did you mean '--model'? All options with examples: %prompt?",
        ),
        ("--mo x", "%prompt has no option '--mo'.", "Did you mean '--model'? All options with examples: %prompt?"),
        ("-mod x", "%prompt has no option '-mod'.", "Did you mean '--model'? All options with examples: %prompt?"),
        ("--s x", "%prompt has no option '--s'.", "All options with examples: %prompt?"),
        ("--zz x", "%prompt has no option '--zz'.", "All options with examples: %prompt?"),
        (
            "-m x --model y",
            "The option --model is given twice.",
            "Keep one of them. All options with examples: %prompt?",
        ),
        ("-m", "The option -m has no value.", "All options with examples: %prompt?"),
        ("--show=yes x", "The option --show takes no value.", "All options with examples: %prompt?"),
        ('-m "chat', 'A quote or a bracket is not closed: "chat', "Close it, or put the whole value in quotes."),
        ("-m list[int", "A quote or a bracket is not closed: list[int", "Close it, or put the whole value in quotes."),
    ],
)
def test_a_slip_is_told_with_what_to_type_next(parser: ArgumentParser, line: str, what: str, then: str) -> None:
    with pytest.raises(BadInputError) as told:
        read_arguments(parser, line)
    assert (told.value.message, told.value.hint) == (what, then)


def test_the_words_are_chinese_where_that_is_wanted(parser: ArgumentParser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BYZER_NB_LANG", "zh_CN")
    with pytest.raises(BadInputError, match="%prompt 没有选项 '--modle'"):
        read_arguments(parser, "--modle x")
