"""The list of models in the user's own folder, and clients that are made of it by name."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from byzer_nb import SimpleByzerLLM
from byzer_nb.errors import BadInputError, UnknownModelError, WrongTypeError
from byzer_nb.seed.model_list import ModelList, get_llm_names, get_model_info, get_single_llm
from byzer_nb.types import Secret
from tests.standins.openai import OpenAIStandIn
from tests.standins.vendor import Act

FAST = {"name": "fast", "model_name": "gpt-4o"}


@pytest.fixture
def models(tmp_path: Path, openai: OpenAIStandIn) -> Iterator[ModelList]:
    """A list with a model of the stand-in, which is taken down again if somebody deployed it."""
    models = ModelList(tmp_path / "keys")
    models.add(**FAST, base_url=openai.url, api_key=openai.key, max_output_tokens=7)
    yield models
    SimpleByzerLLM().undeploy("fast")


def write(folder: Path, text: str) -> ModelList:
    (folder / "models.json").write_text(text, encoding="utf-8")
    return ModelList(folder)


@pytest.mark.contract("UTIL-09")
def test_listed_model_answers_without_its_key_in_the_code(models: ModelList, openai: OpenAIStandIn) -> None:
    openai.always = Act(reply="hello")
    llm = get_single_llm("fast", "lite", folder=models.folder)
    assert isinstance(llm, SimpleByzerLLM)
    assert llm.chat_oai("hi")[0].output == "hello"
    assert openai.requests[0].body["max_tokens"] == 7
    assert llm.default_model_name == "fast"


@pytest.mark.contract("UTIL-09")
def test_files_are_for_the_owner_alone_and_the_list_has_no_key(models: ModelList, openai: OpenAIStandIn) -> None:
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in models.folder.iterdir()}
    assert len(files) == 2
    assert set(files.values()) == {0o600}
    assert stat.S_IMODE(models.folder.stat().st_mode) == 0o700
    key_file = models.folder / models.find("fast").api_key_path
    assert key_file.read_text(encoding="utf-8") == openai.key
    assert openai.key not in models.path.read_text(encoding="utf-8")
    assert key_file.name == openai.url.split("/")[2].replace(":", "_")


@pytest.mark.contract("UTIL-09")
def test_info_has_the_entry_and_hides_the_key(models: ModelList, openai: OpenAIStandIn) -> None:
    info = get_model_info("fast", folder=models.folder)
    assert info is not None
    assert (info["model_name"], info["model_type"], info["is_reasoning"]) == ("gpt-4o", "saas/openai", False)
    assert info["api_key"] == Secret(openai.key)
    assert openai.key not in repr(info) + repr(models.find("fast"))
    llm = SimpleByzerLLM()  # as the documents write it
    llm.deploy(
        pretrained_model_type=info["model_type"],
        udf_name=info["name"],
        infer_params={
            "saas.base_url": info["base_url"],
            "saas.api_key": info["api_key"],
            "saas.model": info["model_name"],
        },
    )
    assert llm.chat_oai("hi", model="fast")[0].output == "hi"


@pytest.mark.contract("UTIL-09")
@pytest.mark.parametrize("ask", [get_single_llm, get_model_info])
def test_unknown_name_is_answered_with_those_that_are_known(models: ModelList, tmp_path: Path, ask: Any) -> None:
    models.add(name="slow", model_name="o1")
    with pytest.raises(UnknownModelError, match="No model called 'fasd'") as unknown:
        ask("fasd", "lite", folder=models.folder)
    assert unknown.value.hint == "Did you mean 'fast'? Known: fast, slow"
    with pytest.raises(UnknownModelError, match="No model called 'x' or 'y'"):
        ask("x, y", folder=models.folder)
    with pytest.raises(UnknownModelError) as empty:
        ask("fast", folder=tmp_path / "nowhere")
    assert "None is listed yet" in empty.value.hint
    with pytest.raises(BadInputError, match="names no model"):
        ask(" , ", folder=models.folder)
    with pytest.raises(WrongTypeError, match="are a text"):
        ask(["fast"], folder=models.folder)


@pytest.mark.contract("UTIL-09")
def test_first_name_that_is_listed_is_taken(models: ModelList) -> None:
    assert get_single_llm("nobody, fast", folder=models.folder).default_model_name == "fast"


@pytest.mark.contract("UTIL-09")
def test_modes_are_lite_and_pro(models: ModelList) -> None:
    assert get_model_info("fast", "pro", folder=models.folder) is None
    with pytest.raises(BadInputError, match="lite or pro, not 'max'"):
        get_single_llm("fast", "max", folder=models.folder)


@pytest.mark.contract("UTIL-09")
def test_list_of_another_tool_is_read_and_kept(tmp_path: Path) -> None:
    theirs = {**FAST, "api_key": "sk-canary-0000000000", "average_speed": 3.5, "api_key_path": ""}
    models = write(tmp_path, json.dumps([theirs, {**FAST, "name": "null", "api_key": None}]))
    assert "canary" not in repr(models.models())
    info = get_model_info("fast", folder=tmp_path)
    assert info is not None
    assert (info["api_key"], info["average_speed"]) == (Secret("sk-canary-0000000000"), 3.5)
    models.add(name="slow", model_name="o1", is_reasoning=True, input_price=2.5)
    assert json.loads(models.path.read_text(encoding="utf-8"))[0] == theirs
    assert models.names() == ["fast", "null", "slow"]
    models.add(name="fast", model_name="other")
    assert models.names() == ["null", "slow", "fast"]
    assert models.find("fast").model_name == "other"


@pytest.mark.contract("UTIL-09")
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "Expecting property name"),
        ('{"name": "x"}', "a JSON list of objects"),
        ("[1]", "a JSON list of objects"),
        ('[{"name": "x"}]', "model_name: Field required"),
        ('[{"name": "x", "model_name": "y", "api_key": 5}]', "A secret is a string"),
    ],
)
def test_list_that_cannot_be_read_says_what_is_wrong(tmp_path: Path, text: str, why: str) -> None:
    models = write(tmp_path, text)
    with pytest.raises(BadInputError, match=r"models.json' is no list of models: .*" + why):
        models.names()


@pytest.mark.contract("UTIL-09")
@pytest.mark.parametrize("name", ["../x", "a/b", "/etc/x", "..", "models.json"])
def test_key_stays_in_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInputError, match="cannot be the name of a key's file"):
        ModelList(tmp_path).add(**FAST, api_key_path=name, api_key="x")
    models = write(tmp_path, json.dumps([{**FAST, "api_key_path": name}]))
    with pytest.raises(BadInputError, match="cannot be the name of a key's file"):
        get_model_info("fast", folder=models.folder)


@pytest.mark.contract("UTIL-09")
def test_entry_that_cannot_work_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    models = ModelList(tmp_path)
    with pytest.raises(BadInputError, match="entry of 'x' is wrong: input_price"):
        models.add(name="x", model_name="y", input_price="much", api_key="sk-canary")
    for name in ("", "a,b"):
        with pytest.raises(BadInputError, match="cannot be listed as"):
            models.add(name=name, model_name="y")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.contract("UTIL-09")
def test_key_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    models = write(tmp_path, json.dumps([{**FAST, "api_key_path": "api.example.com"}]))
    with pytest.raises(BadInputError, match=r"No key can be read from .*api\.example\.com"):
        get_single_llm("fast", folder=models.folder)


def test_reader_never_sees_half_a_list(tmp_path: Path) -> None:
    models = ModelList(tmp_path)
    models.add(**FAST, description="x" * 100_000)

    def change(number: int) -> list[str]:
        if number % 2:
            models.add(**FAST, description=str(number) * 50_000)
        return models.names()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(change, range(40))) == [["fast"]] * 40
    assert [path.name for path in tmp_path.iterdir()] == ["models.json"]


@pytest.mark.contract("UTIL-09")
def test_names_of_clients_are_told() -> None:
    one, two = SimpleByzerLLM("one"), SimpleByzerLLM("two")
    assert get_llm_names(one) == ["one"]
    assert get_llm_names([one, two, SimpleByzerLLM()]) == ["one", "two"]
    assert get_llm_names("a, b,") == ["a", "b"]
    one.setup_sub_client("code", [two])
    assert get_llm_names(one, "code") == ["two"]
    assert get_llm_names(one, "chat") == ["one"]
    one.setup_sub_client("chat", "x,y")
    assert get_llm_names(one, "chat") == ["x", "y"]
    with pytest.raises(WrongTypeError, match="5 is no client"):
        get_llm_names(5)


@pytest.mark.contract("UTIL-09")
def test_folder_is_in_the_home_of_the_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, byzerllm: ModuleType
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    ModelList().add(**FAST)
    assert (tmp_path / ".auto-coder" / "keys" / "models.json").exists()
    info = byzerllm.get_model_info("fast", "lite")
    assert info["model_name"] == "gpt-4o"
