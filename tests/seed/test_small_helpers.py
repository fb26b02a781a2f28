"""Small names of `byzerllm.utils` and `byzerllm.utils.langutil`."""

from __future__ import annotations

import importlib
import os
import re
import socket
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from byzer_nb import prompt
from byzer_nb.errors import BadInputError, PromptError, UndefinedVariableError, WrongTypeError
from byzer_nb.seed.filled_in import format_prompt, format_prompt_jinja2, format_str_jinja2
from byzer_nb.seed.function_calls import BaseAbility, FunctionCallList
from byzer_nb.seed.loose_values import find_available_port, is_valid_url, to_bool
from byzer_nb.seed.put_back import patch, switch_cwd
from byzer_nb.seed.small_tools import (
    exec_capture_output,
    generate_file_md5,
    generate_str_md5,
    print_flush,
    random_uuid,
    timeit,
)

# -- for a while --------------------------------------------------------------------------------------------------


@pytest.mark.contract("UTIL-06")
def test_folder_is_the_old_one_afterwards_whatever_happens(tmp_path: Path) -> None:
    before = os.getcwd()
    with switch_cwd(tmp_path):
        assert Path.cwd() == tmp_path
    with pytest.raises(KeyError), switch_cwd(str(tmp_path)):
        raise KeyError
    with pytest.raises(FileNotFoundError), switch_cwd(tmp_path / "nowhere"):
        pass
    assert os.getcwd() == before


class Greeter:
    """Has something of each kind."""

    words = "hello"

    def greet(self) -> str:
        """Its words."""
        return self.words

    @classmethod
    def made(cls) -> str:
        """The name of its class."""
        return cls.__name__

    @property
    def loud(self) -> str:
        """Its words, loud."""
        return self.words.upper()

    @loud.setter
    def loud(self, words: str) -> None:
        self.words = words.lower()


@pytest.mark.contract("UTIL-06")
def test_attribute_is_as_it_was_afterwards() -> None:
    one = Greeter()
    with patch(one, "words", "bye"):
        assert one.greet() == "bye"
    assert "words" not in vars(one)
    with patch(Greeter, "greet", lambda self: "patched"):
        assert one.greet() == "patched"
    with patch(Greeter, "made", lambda: "patched"):
        assert Greeter.made() == "patched"
    with patch(one, "loud", "HEY"):
        assert one.loud == "HEY"
    with pytest.raises(KeyError), patch(one, "words", "bye"):
        raise KeyError
    assert (one.greet(), Greeter.made(), one.loud) == ("hello", "Greeter", "HELLO")
    with pytest.raises(AttributeError), patch(one, "nothing", 1):
        pass


# -- loose values -------------------------------------------------------------------------------------------------


@pytest.mark.contract("UTIL-06")
@pytest.mark.parametrize("word", ["yes", "true", "t", "1", "y", "on", "aye", "yea", "YES", " On "])
def test_words_for_yes(word: str) -> None:
    assert to_bool(word) is True


@pytest.mark.contract("UTIL-06")
@pytest.mark.parametrize("word", ["no", "false", "f", "0", "n", "off", "nay", "", "No"])
def test_words_for_no(word: str) -> None:
    assert to_bool(word) is False


@pytest.mark.contract("UTIL-06")
def test_other_words_are_answered_with_those_that_are_taken() -> None:
    with pytest.raises(BadInputError, match="'maybe' is neither yes nor no") as refused:
        to_bool("maybe")
    assert refused.value.hint.startswith("Yes: yes, true, t")
    assert refused.value.hint.endswith("off, nay, or nothing.")
    with pytest.raises(WrongTypeError, match="not True"):
        to_bool(True)  # type: ignore[arg-type]


@pytest.mark.contract("UTIL-06")
@pytest.mark.parametrize(
    ("url", "is_one"),
    [
        ("https://example.com/x?y", True),
        ("ray://host:10001", True),
        ("example.com", False),
        ("/a/path", False),
        ("https://", False),
        ("mailto:ann", False),
        ("http://[::1", False),
        (None, False),
        (5, False),
    ],
)
def test_url_has_a_scheme_and_a_host(url: Any, is_one: bool) -> None:
    assert is_valid_url(url) is is_one


@pytest.mark.contract("UTIL-06")
def test_port_that_is_taken_is_passed_over() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = find_available_port(port)
        assert found > port
        with socket.socket() as free:
            free.bind(("127.0.0.1", found))
    assert 1 <= find_available_port() <= 65535


@pytest.mark.contract("UTIL-06")
@pytest.mark.parametrize(("port", "error"), [(0, BadInputError), (70_000, BadInputError), ("80", WrongTypeError)])
def test_number_that_is_no_port_is_refused(port: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="A port"):
        find_available_port(port)


# -- templates ----------------------------------------------------------------------------------------------------


def greeting() -> None:
    """
    Hello {{ name }},
      welcome {there}.
    """


def plain_greeting() -> None:
    """
    Hello {name}, {{braces}}.
    """


@pytest.mark.contract("UTIL-08")
def test_texts_and_docstrings_are_filled_in() -> None:
    assert format_str_jinja2("{% for x in xs %}{{ x }};{% endfor %}", xs=[1, 2]) == "1;2;"
    assert format_prompt_jinja2(greeting, name="Ann") == "Hello Ann,\n  welcome {there}."
    assert format_prompt(plain_greeting, name="Ann") == "Hello Ann, {braces}."
    assert format_str_jinja2("{{ s }}{{ func }}", s=1, func=2) == "12"

    @prompt()
    def ask(name: str) -> str:
        """Greet {{ name }}."""

    assert format_prompt_jinja2(ask, name="Ann") == "Greet Ann."


@pytest.mark.contract("UTIL-08")
def test_values_are_never_read_as_templates() -> None:
    for value in ("{{ 7 * 7 }}", "{% for x in y %}", "{name}"):
        assert format_str_jinja2("{{ name }}", name=value) == value
        assert format_prompt(plain_greeting, name=value) == f"Hello {value}, {{braces}}."


@pytest.mark.contract("UTIL-08")
def test_name_that_is_missing_is_told() -> None:
    with pytest.raises(UndefinedVariableError, match=r"The template of the text .*'nmae' is undefined"):
        format_str_jinja2("{{ nmae }}", name="Ann")
    with pytest.raises(UndefinedVariableError, match="greeting"):
        format_prompt_jinja2(greeting)
    with pytest.raises(UndefinedVariableError, match="plain_greeting"):
        format_prompt(plain_greeting)
    with pytest.raises(PromptError, match="<lambda> has no docstring"):
        format_prompt(lambda: None)


# -- fingerprints, ids, what is printed ---------------------------------------------------------------------------


@pytest.mark.contract("UTIL-08")
def test_fingerprints_of_a_text_and_its_file_are_the_same(tmp_path: Path) -> None:
    text = "狐狸 fox\n" * 100_000
    (tmp_path / "x").write_text(text, encoding="utf-8")
    assert generate_file_md5(tmp_path / "x") == generate_file_md5(str(tmp_path / "x")) == generate_str_md5(text)
    assert generate_str_md5("abc") == "900150983cd24fb0d6963f7d28e17f72"
    assert generate_str_md5("") == "d41d8cd98f00b204e9800998ecf8427e"


@pytest.mark.contract("UTIL-08")
def test_ids_differ() -> None:
    ids = {random_uuid() for _ in range(100)}
    assert len(ids) == 100
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in ids)


@pytest.mark.contract("UTIL-08")
def test_time_of_a_call_is_printed_and_its_result_given(capsys: pytest.CaptureFixture[str]) -> None:
    @timeit
    def double(number: int) -> int:
        """Twice."""
        if number < 0:
            raise KeyError
        return number * 2

    assert double(2) == 4
    assert double.__doc__ == "Twice."
    with pytest.raises(KeyError):
        double(-1)
    assert re.fullmatch(r"(double took \d+\.\d+ s to complete\n){2}", capsys.readouterr().out)


@pytest.mark.contract("UTIL-08")
def test_words_are_shown_at_once(tmp_path: Path) -> None:
    with open(tmp_path / "x", "w", encoding="utf-8") as file:
        print_flush("one", "two", sep="-", end="", file=file)
        assert (tmp_path / "x").read_text(encoding="utf-8") == "one-two"


@pytest.mark.contract("UTIL-08")
def test_output_of_a_function_is_caught(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> dict[str, int]:
        print("hello")
        return {"x": 1, "y": 2}

    assert exec_capture_output(work) == (0, "hello\n", {"x": 1, "y": 2})
    assert exec_capture_output(work, {"x": None, "z": None}) == (0, "hello\n", {"x": 1})
    assert exec_capture_output(lambda: 5, ["x"]) == (0, "", 5)
    status, text, names = exec_capture_output(lambda: {}["nope"])
    assert (status, names) == (1, {})
    assert text.startswith("Traceback")
    assert "KeyError: 'nope'" in text
    print("after")
    assert capsys.readouterr().out == "after\n"


@pytest.mark.contract("UTIL-08")
def test_code_as_text_is_not_run() -> None:
    ran = threading.Event()
    with pytest.raises(WrongTypeError, match="takes a function, not a str"):
        exec_capture_output("ran.set()")  # type: ignore[arg-type]
    assert not ran.is_set()


# -- calls of functions -------------------------------------------------------------------------------------------


@pytest.mark.contract("STRUCT-03", "UTIL-08")
def test_calls_are_read_in_the_documents_form() -> None:
    said = (
        '{"tool_calls": [{"function": {"name": "compute", "arguments": {"count": 3}}}, {"function": {"name": "now"}}]}'
    )
    calls = FunctionCallList.model_validate_json(said)
    assert [(each.function.name, each.function.arguments) for each in calls.tool_calls] == [
        ("compute", {"count": 3}),
        ("now", {}),
    ]
    assert (calls.id, calls.type) == ("", "function")
    assert FunctionCallList.model_validate_json(said.replace("{", '{"id": "x", "type": "function", ', 1)).id == "x"


@pytest.mark.contract("COMPAT-02", "UTIL-02", "UTIL-06", "UTIL-08")
@pytest.mark.parametrize(
    ("path", "names"),
    [
        (
            "byzerllm.utils",
            "function_calling_format response_class_format response_class_format_after_chat function_impl_format "
            "serialize_function_to_json format_str_jinja2 format_prompt_jinja2 format_prompt exec_capture_output "
            "generate_str_md5 generate_file_md5 timeit print_flush random_uuid BaseAbility FunctionCallList",
        ),
        (
            "byzerllm.utils.langutil",
            "asyncfy asyncfy_with_semaphore switch_cwd patch is_valid_url find_available_port to_bool run_in_thread "
            "run_in_thread_with_cancel run_in_raw_thread",
        ),
        (
            "byzerllm.utils.client.code_utils",
            "extract_code infer_lang check_target_codes_exists get_target_codes get_value_from_llm_str content_str "
            "UNKNOWN CODE_BLOCK_PATTERN",
        ),
        ("byzerllm.utils.llms", "get_single_llm get_model_info get_llm_names"),
        ("byzerllm", "get_single_llm get_model_info get_llm_names prompt_lazy MetaHolder"),
    ],
)
def test_names_of_the_documents_are_there(byzerllm: ModuleType, path: str, names: str) -> None:
    module = importlib.import_module(path)
    assert set(names.split()) <= set(dir(module))
    assert all(getattr(module, name) is not None for name in names.split())


@pytest.mark.contract("UTIL-08")
def test_abilities_have_names() -> None:
    assert BaseAbility("FUNCTION_IMPL") is BaseAbility.FUNCTION_IMPL
