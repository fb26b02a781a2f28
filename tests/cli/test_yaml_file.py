"""Arguments from a YAML file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from byzer_nb.cli.banner import banner
from byzer_nb.cli.main import BYZERLLM
from byzer_nb.cli.process_list import secrets_in
from byzer_nb.types import Secret
from tests.cli.conftest import Command

pytestmark = pytest.mark.contract("CLI-05")

Written = Callable[[str], str]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Writes a file and gives its path."""

    def written(text: str) -> str:
        path = tmp_path / "deploy.yml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return written


def test_it_wins_over_flags_and_gives_what_is_required(written: Written) -> None:
    path = written("model: chat\nnum_workers: 3\ncpus_per_worker: 0.001\nfile: other.yml\nmodel_path:\n")
    _, given = BYZERLLM.read(["deploy", "--num_workers", "2", "--model_path", "/here", "--file", path])
    assert (given.model, given.num_workers, given.cpus_per_worker) == ("chat", 3, 0.001)
    assert given.file == path  # the key is ignored
    assert given.model_path == "/here"  # null is nothing


def test_what_it_does_not_give_is_still_required(command: Command, written: Written) -> None:
    done = command("byzerllm", "query", "--file", written("model: chat"))
    assert done.code == 2
    assert "required: --query" in done.err


def test_aliases_are_names_too(written: Written) -> None:
    _, given = BYZERLLM.read(["deploy", "--file", written("model: chat\ngpu_gpus_per_worker: 4")])
    assert given.gpus_per_worker == 4.0


@pytest.mark.parametrize("text", [
    "infer_params:\n  saas.api_key: 'ENV {{MY_KEY}}'\n  saas.api_version: 2024-02-15\n  saas.stream: true\n",
    "infer_params:\n- saas.api_key=${MY_KEY}\n- saas.api_version=2024-02-15 saas.stream=true\n",
    "infer_params: ENV saas.api_key={{MY_KEY}} saas.api_version=2024-02-15 saas.stream=true\n",
])  # fmt: skip
def test_parameters_are_a_mapping_a_list_or_a_text(
    written: Written, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("MY_KEY", "abc")
    _, given = BYZERLLM.read(["deploy", "--model", "chat", "--file", written(text)])
    assert given.infer_params == {
        "saas.api_key": Secret("abc"),
        "saas.api_version": "2024-02-15",
        "saas.stream": "true",
    }


def test_a_nested_parameter_keeps_its_form_and_hides_its_keys(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "abc")
    text = "infer_params:\n  saas.proxies: {http: 'http://u:abc@h', token: 'ENV {{MY_KEY}}', ports: [1, 2]}\n"
    _, given = BYZERLLM.read(["deploy", "--model", "chat", "--file", written(text)])
    assert given.infer_params == {
        "saas.proxies": {"http": Secret("http://u:abc@h"), "token": Secret("abc"), "ports": ["1", "2"]}
    }
    assert "abc" not in banner(given)
    assert set(secrets_in(given)) == {Secret("http://u:abc@h"), Secret("abc")}


def test_help_is_given_whatever_the_file_holds(command: Command, written: Written) -> None:
    assert command("byzerllm", "deploy", "--file", written("nonsense"), "--help").code == 0


def test_texts_are_filled_from_the_environment(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACE", "oslo")
    monkeypatch.setenv("COUNT", "3")
    path = written("model: ENV chat_{{ PLACE | upper }}\nnum_workers: ENV {{COUNT}}\nmodel_path: no ENV {{PLACE}}\n")
    _, given = BYZERLLM.read(["deploy", "--file", path])
    assert (given.model, given.num_workers, given.model_path) == ("chat_OSLO", 3, "no ENV {{PLACE}}")


@pytest.mark.parametrize(("text", "told"), [
    pytest.param("model: ENV {{NOT_SET}}", "model cannot be filled in: 'NOT_SET' is undefined.", id="undefined"),
    pytest.param("model: ENV {{range(3)}}", "'range' is undefined", id="not of the environment"),
    pytest.param("model: ENV {{''.__class__.mro()}}", "model cannot be filled in", id="sandbox"),
    pytest.param("model: ENV {{", "model cannot be filled in: TemplateSyntaxError.", id="syntax"),
    pytest.param("modle: chat", "there is no argument 'modle'.", id="unknown"),
    pytest.param("model: [unclosed", "line 1 is no valid YAML.", id="YAML"),
    pytest.param("just words", "holds no names with values.", id="no mapping"),
    pytest.param("model: chat\nnum_workers: many", "num_workers: 'many' is no whole number", id="number"),
    pytest.param("model: [a, b]", "model: it takes one value.", id="list"),
    pytest.param("model: chat\njson: maybe", "json: it is true or false.", id="switch"),
    pytest.param("model: chat\ninfer_params: nonsense", "infer_params: Invalid argument format: nonsense", id="pairs"),
])  # fmt: skip
def test_a_mistake_in_it_is_told_in_two_lines(command: Command, written: Written, text: str, told: str) -> None:
    done = command("byzerllm", "deploy", "--file", written(text))
    assert done.code == 1
    assert told in done.err
    assert len(done.err.splitlines()) == 2


def test_a_wrong_choice_is_told_with_the_right_ones(command: Command, written: Written) -> None:
    done = command("byzerllm", "query", "--file", written("model: m\nquery: q\ntemplate: qwem"))
    assert done.code == 1
    assert "template: it is one of auto, default, llama, qwen, yi, empty." in done.err


def test_an_unknown_name_is_answered_with_the_nearest(command: Command, written: Written) -> None:
    assert "Did you mean 'num_workers'?" in command("byzerllm", "deploy", "--file", written("num_wokers: 3")).err


@pytest.mark.parametrize("path", ["/there/is/none.yml", "/"])
def test_a_file_that_cannot_be_read_is_told_with_its_name(command: Command, path: str) -> None:
    done = command("byzerllm", "deploy", "--file", path)
    assert done.code == 1
    assert f"The file {path!r} cannot be read" in done.err


def test_a_broken_file_is_not_quoted(command: Command, written: Written) -> None:
    done = command("byzerllm", "deploy", "--debug", "--file", written('infer_params: "saas.api_key=canary-4f9d2b7e'))
    assert done.code == 1
    assert "4f9d2b7e" not in done.err


def test_switches_are_read(written: Written) -> None:
    _, given = BYZERLLM.read(["undeploy", "--file", written("model: chat\nforce: true\njson: no")])
    assert (given.force, given.json) == (True, False)
