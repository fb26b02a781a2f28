"""What is told about a source before it runs, and what is let through."""

from __future__ import annotations

import pytest

from byzer_nb.errors import SandboxError
from byzer_nb.sandbox import SAFE_IMPORTS, check_source, run_function


def fault(source: str, *, parameters: list[str] | None = None, imports: frozenset[str] = SAFE_IMPORTS) -> str:
    """What is wrong with a source."""
    with pytest.raises(SandboxError) as caught:
        check_source(source, "f", parameters=parameters, allowed_imports=imports)
    assert caught.value.reason == "source"
    return str(caught.value)


def test_a_source_that_does_not_parse_is_told_with_its_line() -> None:
    assert fault("def f():\n    return (1\n") == "The source does not parse: '(' was never closed in line 2: return (1"


@pytest.mark.parametrize(
    "source",
    ["x = " + "-" * 100_000 + "1", "x = a" + ".a" * 60_000, "(" * 9_000, "def f():\n\0", "x = '\ud800'", "#" * 300_000],
)
def test_a_source_made_to_break_a_parser_is_only_refused(source: str) -> None:
    assert fault(source)
    with pytest.raises(SandboxError):
        run_function(source, "f", {})


def test_the_function_must_be_there() -> None:
    assert fault("def g(): pass") == "The source does not define a function 'f' at its top level."
    with pytest.raises(SandboxError, match="it defines 'count_words'"):
        check_source("def count_words(): pass", "count_word")
    assert "top level" in fault("if True:\n    def f(): pass")
    assert "is async" in fault("async def f(): pass")


@pytest.mark.parametrize(
    "head",
    ["a, b", "b, a", "a, *, b", "a, b, c=1", "a, b=1", "a, *, b, c=2", "**kw", "a, **kw", "*args, a, b"],
)
def test_signatures_that_take_what_is_given(head: str) -> None:
    check_source(f"def f({head}): pass", "f", parameters=["a", "b"])


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ("a", "'f' does not take 'b' by name in line 1: def f(a): pass"),
        ("", "'f' does not take 'a', 'b' by name in line 1: def f(): pass"),
        ("a, b, c, d", "'f' also wants 'c', 'd', which it is not given in line 1: def f(a, b, c, d): pass"),
        ("a, b, *, c", "'f' also wants 'c', which it is not given in line 1: def f(a, b, *, c): pass"),
        ("a, /, b", "'f' does not take 'a' by name in line 1: def f(a, /, b): pass"),
    ],
)
def test_signatures_that_do_not(head: str, told: str) -> None:
    assert fault(f"def f({head}): pass", parameters=["a", "b"]) == told


@pytest.mark.parametrize(
    "statement",
    [
        "import json",
        "import json as j, math",
        "import collections.abc",
        "from collections.abc import Mapping",
        "from urllib.parse import quote",
        "from urllib import parse",
        "import urllib.parse",
        "from __future__ import annotations",
    ],
)
def test_allowed_imports(statement: str) -> None:
    source = f"{statement}\ndef f(): return 'ran'"
    check_source(source, "f")
    assert run_function(source, "f", {}).value == "ran"


@pytest.mark.parametrize(
    ("statement", "module"),
    [
        ("import os", "os"),
        ("import math, os.path", "os.path"),
        ("from os import path", "os.path"),
        ("import urllib", "urllib"),
        ("from urllib import request", "urllib.request"),
        ("from . import x", "."),
        ("from .x import y", ".x"),
        ("import jsonlines", "jsonlines"),
    ],
)
def test_other_imports_are_told_with_their_line(statement: str, module: str) -> None:
    told = fault(f"def f():\n    {statement}")
    assert told == f"{module!r} may not be imported in line 2: {statement}"


def test_the_list_of_imports_can_be_another() -> None:
    check_source("import numpy.linalg\ndef f(): pass", "f", allowed_imports=SAFE_IMPORTS | {"numpy"})
    assert fault("import json\ndef f(): pass", imports=frozenset({"math"})).startswith("'json' may not")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("().__class__.__mro__", "__mro__"),
        ("(0).__class__.__base__.__subclasses__()", "__subclasses__"),
        ("f.__globals__", "__globals__"),
        ("__builtins__", "__builtins__"),
        ("(x for x in ()).gi_frame", "gi_frame"),
        ("getattr(f, '__globals__')", "__globals__"),
        ("'{0.__globals__}'.format(f)", "__globals__"),
        ("eval('1')", "eval"),
        ("exec('1')", "exec"),
        ("open('x')", "open"),
        ("__import__('os')", "__import__"),
    ],
)
def test_ways_out_are_told_with_their_line(line: str, name: str) -> None:
    told = fault(f"def f():\n    return {line}")
    assert repr(name) in told
    assert told.endswith(f"in line 2: return {line}")


@pytest.mark.parametrize(
    "source",
    [
        "import re\ndef f(): return re.compile('a')",
        "def open(x): return x\ndef f(): return open(1)",
        "def f(eval): return eval(1)",
        "class A:\n    def __init__(self): super().__init__()\ndef f(): return A().__class__.__name__",
        "def f():\n    '''Reads __init__ and __name__.'''",
        "def f(input): return input",
        "@staticmethod\ndef g(): pass\ndef f(): return 1\nif __name__ == '__main__':\n    print(f())",
    ],
)
def test_what_only_looks_like_one_is_let_through(source: str) -> None:
    check_source(source, "f")


def test_lines_are_counted_as_python_counts_them() -> None:
    told = fault("x = '\x0c\u2028'\r\ny = 1\rdef f():\n    import os")
    assert told == "'os' may not be imported in line 4: import os"
