"""The file of models that a serving process holds itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from byzer_nb.errors import BadInputError, MissingFileError
from byzer_nb.serve.held_models import read_models
from byzer_nb.types import Secret

pytestmark = pytest.mark.contract("CLI-10")

KEY = "canary-4f9d2b7e61a05c38"


def test_models_have_names_types_paths_and_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    monkeypatch.setenv("MY_HOST", "https://example.org")
    path = tmp_path / "models.yaml"
    path.write_text(
        "- name: gpt\n  type: saas/openai\n"
        "  settings: {model: gpt-4o, api_key: '${MY_KEY}', base_url: '${MY_HOST}/v1', timeout: 30}\n"
        "- {name: own, type: numpy, path: /models/own}\n"
    )
    gpt, own = read_models(path)
    assert (gpt.name, gpt.engine, gpt.settings["model"], gpt.settings["timeout"]) == (
        "gpt", "saas/openai", "gpt-4o", 30,
    )  # fmt: skip
    assert gpt.settings["api_key"] == Secret(KEY)
    assert gpt.settings["base_url"] == Secret("https://example.org/v1")
    assert (own.name, own.engine, own.model_path, own.settings) == ("own", "numpy", "/models/own", {})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "is no YAML"),
        ("a: 1", "is no list"),
        ("[]", "lists nothing"),
        ("- gpt", "Model 0 is no set of fields"),
        ("- {name: a, typ: saas/openai}", "Model 0 has an unknown field 'typ'"),
        ("- {type: saas/openai}", "Model 0 needs a name"),
        ("- {name: a, type: saas/openai, settings: [1]}", "The settings of the model 'a' are no values by name"),
        ("- {name: a, type: saas/opnai}", "unknown type 'saas/opnai'"),
        ("- {name: a}", "unknown type ''"),
        ("- {name: a, type: byzer-tiny}\n- {name: a, type: byzer-tiny}", "Two models .* are called 'a'"),
        ("- {name: a, type: saas/openai, settings: {api_key: '${NOT_THERE}'}}", "take NOT_THERE from the environment"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(text)
    with pytest.raises(BadInputError, match=told) as wrong:
        read_models(path)
    assert wrong.value.hint


def test_the_nearest_type_is_named(tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_text("- {name: a, type: saas/opnai}")
    with pytest.raises(BadInputError) as wrong:
        read_models(path)
    assert "Did you mean 'saas/openai'" in wrong.value.hint


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="cannot be read"):
        read_models(tmp_path / "models.yaml")
    with pytest.raises(FileNotFoundError):
        read_models(tmp_path)


def test_a_key_in_a_broken_file_is_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(f"- {{name: a, api_key: {KEY}: x: [\n")
    with pytest.raises(BadInputError) as wrong:
        read_models(path)
    assert KEY not in f"{wrong.value} {wrong.value.hint} {wrong.value.__cause__!r}"
