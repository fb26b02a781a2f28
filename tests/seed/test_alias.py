"""`import byzerllm` gives this project, unless the original is installed."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import pytest

import byzer_nb
from byzer_nb.seed import alias

PATHS = [path for path in alias.PLACES if path.startswith("byzerllm")]


def script(code: str, *, folder: Path) -> subprocess.CompletedProcess[str]:
    """A fresh Python that runs this code with the folder on its path."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": ""},
        timeout=60,
    )


@pytest.fixture
def original(tmp_path: Path) -> Path:
    """A folder with a package that is called byzerllm."""
    package = tmp_path / "byzerllm"
    package.mkdir()
    (package / "__init__.py").write_text("WHO = 'the original'\n")
    (package / "extra.py").write_text("WHO = 'part of the original'\n")
    return tmp_path


@pytest.mark.contract("COMPAT-01")
def test_every_public_name_is_the_very_same_object(byzerllm: ModuleType) -> None:
    for name in byzer_nb.__all__:
        assert getattr(byzerllm, name) is getattr(byzer_nb, name), name


@pytest.mark.contract("COMPAT-01", "COMPAT-02")
@pytest.mark.parametrize("path", PATHS)
def test_every_path_has_all_the_names_that_it_lists(byzerllm: ModuleType, path: str) -> None:
    module = importlib.import_module(path)
    assert set(module.__all__) <= set(dir(module))
    for name in dir(module):
        assert getattr(module, name) is not None


@pytest.mark.contract("COMPAT-02")
def test_the_imports_of_the_documents_work(byzerllm: ModuleType) -> None:
    from autocoder.common.files import read_file
    from byzerllm import ByzerLLM
    from byzerllm.apps.utils import TagExtractor
    from byzerllm.types import Bool
    from byzerllm.utils import response_class_format, response_class_format_after_chat, serialize_function_to_json
    from byzerllm.utils.client import ByzerLLM as OfClient
    from byzerllm.utils.client import (
        InferBackend,
        LLMHistoryItem,
        LLMRequest,
        LLMResponse,
        Templates,
        code_utils,
        message_utils,
    )
    from byzerllm.utils.client.types import Templates as OfTypes
    from byzerllm.utils.langutil import asyncfy, asyncfy_with_semaphore

    assert OfClient is ByzerLLM is byzer_nb.ByzerLLM
    assert OfTypes is Templates
    assert isinstance(byzer_nb.SimpleByzerLLM(), byzerllm.SimpleByzerLLM)
    assert all(
        [read_file, TagExtractor, Bool, response_class_format, response_class_format_after_chat, asyncfy, InferBackend]
    )
    assert all([serialize_function_to_json, LLMHistoryItem, LLMRequest, LLMResponse, asyncfy_with_semaphore])
    assert code_utils.extract_code("x") == [("unknown", "x")]
    assert message_utils.is_success({}) is False


@pytest.mark.contract("COMPAT-01")
def test_a_submodule_is_imported_under_a_short_name(byzerllm: ModuleType) -> None:
    import byzerllm.utils.client as c

    assert c.ByzerLLM is byzer_nb.ByzerLLM
    assert c is byzerllm.utils.client


@pytest.mark.contract("COMPAT-01")
def test_a_star_import_brings_the_public_names(byzerllm: ModuleType) -> None:
    names: dict[str, object] = {}
    exec("from byzerllm import *", names)
    assert names["prompt"] is byzer_nb.prompt


@pytest.mark.contract("COMPAT-01")
@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("byzerllm.util", "byzerllm.utils"),
        ("byzerllm.utils.clients", "byzerllm.utils.client"),
        ("byzerllm.utils.langutils", "byzerllm.utils.langutil"),
        ("autocoder.common.file", "autocoder.common.files"),
    ],
)
def test_an_unknown_path_is_answered_with_the_nearest(byzerllm: ModuleType, path: str, nearest: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=f"Did you mean '{nearest}'") as caught:
        importlib.import_module(path)
    assert caught.value.name == path


@pytest.mark.contract("COMPAT-01")
@pytest.mark.parametrize(
    "path",
    ["byzerllm.utils.retrieval", "byzerllm.apps.byzer_storage.simple_api", "byzerllm.utils.client.entrypoints.tgi"],
)
def test_a_path_that_is_not_there_yet_is_no_module(byzerllm: ModuleType, path: str) -> None:
    with pytest.raises(ModuleNotFoundError, match="Known: byzerllm, "):
        importlib.import_module(path)


def test_an_unknown_name_is_answered_with_the_nearest(byzerllm: ModuleType) -> None:
    with pytest.raises(AttributeError, match="Did you mean 'SimpleByzerLLM'"):
        byzerllm.SimpleByzerLMM  # noqa: B018


@pytest.mark.contract("COMPAT-01")
@pytest.mark.parametrize(
    ("statement", "instead"),
    [
        ("from byzerllm import ByzerRetrieval", "Storage and retrieval are not in this version"),
        ("from byzerllm.utils.client import ByzerLLM, default_chat_wrapper", "Wrappers"),
        ("from byzerllm.utils.retrieval import ByzerRetrieval", "Storage and retrieval are not in this version"),
        ("from byzerllm.apps.byzer_storage.simple_api import ByzerStorage", "Storage and retrieval"),
    ],
)
def test_a_name_of_the_original_that_is_not_here_is_answered_with_what_is(
    byzerllm: ModuleType, statement: str, instead: str
) -> None:
    with pytest.raises(ImportError, match=instead) as caught:
        exec(statement, {})
    assert "unknown location" not in str(caught.value)


def test_such_a_name_is_an_ordinary_missing_attribute(byzerllm: ModuleType) -> None:
    assert not hasattr(byzerllm, "ByzerRetrieval")
    with pytest.raises(AttributeError, match="Storage and retrieval are not in this version"):
        byzerllm.ByzerRetrieval  # noqa: B018


def test_no_name_that_is_here_is_said_to_be_missing(byzerllm: ModuleType) -> None:
    names = {name for path in alias.PLACES for name in dir(importlib.import_module(path))}
    assert names & set(alias.NOT_YET) == set()
    assert set(alias.PLACES) & set(alias.NOT_YET) == set()


def test_names_that_are_not_public_stay_out(byzerllm: ModuleType) -> None:
    assert not hasattr(byzerllm, "errors")
    assert "errors" not in dir(byzerllm)
    assert not hasattr(byzerllm, "__file__")


def test_reloading_changes_nothing(byzerllm: ModuleType) -> None:
    client = importlib.import_module("byzerllm.utils.client")
    assert importlib.reload(byzerllm) is byzerllm
    assert importlib.reload(client) is client
    importlib.reload(alias)
    assert byzerllm.ByzerLLM is byzer_nb.ByzerLLM
    assert sum(type(finder).__name__ == "AliasFinder" for finder in sys.meta_path) == 1


def test_uninstalling_takes_the_name_away() -> None:
    alias.install()
    importlib.import_module("byzerllm.utils.client")
    alias.uninstall()
    assert not [name for name in sys.modules if name.startswith("byzerllm")]
    assert importlib.util.find_spec("byzerllm") is None


@pytest.mark.contract("COMPAT-01")
def test_a_plain_script_needs_one_import(tmp_path: Path) -> None:
    done = script(
        """
        import byzer_nb.seed.alias
        import byzer_nb, byzerllm
        print(byzerllm.prompt is byzer_nb.prompt)
        """,
        folder=tmp_path,
    )
    assert (done.stdout, done.stderr) == ("True\n", "")


@pytest.mark.contract("COMPAT-01")
def test_a_script_of_the_documents_needs_no_import_before(tmp_path: Path) -> None:
    done = script(
        """
        from byzerllm.utils.client import ByzerLLM
        import byzer_nb, byzerllm
        print(ByzerLLM is byzer_nb.ByzerLLM, byzerllm.__name__)
        """,
        folder=tmp_path,
    )
    assert (done.stdout, done.stderr) == ("True byzerllm\n", "")


@pytest.mark.contract("COMPAT-01")
def test_an_original_that_only_a_finder_knows_comes_before_the_stand_in(original: Path) -> None:
    done = script(
        f"""
        import sys
        from importlib.machinery import PathFinder

        class Last:
            def find_spec(name, path=None, target=None):
                return PathFinder.find_spec(name, path or [{str(original)!r}], target)

        sys.path.remove({str(original)!r})
        sys.meta_path.append(Last)  # as an editable install does it
        import byzerllm
        print(byzerllm.WHO)
        """,
        folder=original,
    )
    assert done.stdout == "the original\n"


@pytest.mark.contract("COMPAT-01")
def test_the_original_is_not_shadowed_and_the_user_is_told(original: Path) -> None:
    done = script(
        """
        import byzer_nb.seed.alias
        import byzerllm, byzerllm.extra
        print(byzerllm.WHO, byzerllm.extra.WHO)
        """,
        folder=original,
    )
    assert done.stdout == "the original part of the original\n"
    assert f"'import byzerllm' gives the original package, found at {original / 'byzerllm'}" in done.stderr
    assert "import byzer_nb" in done.stderr
    assert "install(over_original=True)" in done.stderr


@pytest.mark.contract("COMPAT-01")
def test_the_user_is_told_once(original: Path) -> None:
    done = script("import byzer_nb.seed.alias as alias\nalias.install()\nalias.install()", folder=original)
    assert done.stderr.count("gives the original package") == 1


@pytest.mark.contract("COMPAT-01")
def test_the_user_may_choose_this_project(original: Path) -> None:
    done = script(
        """
        import warnings
        warnings.simplefilter("ignore")
        from byzer_nb.seed import alias
        alias.install(over_original=True)
        import byzer_nb, byzerllm
        print(byzerllm.prompt is byzer_nb.prompt)
        """,
        folder=original,
    )
    assert (done.stdout, done.stderr) == ("True\n", "")


@pytest.mark.contract("COMPAT-01")
def test_an_original_in_use_is_not_replaced(original: Path) -> None:
    done = script(
        """
        import warnings
        warnings.simplefilter("ignore")
        import byzerllm
        from byzer_nb.seed import alias
        try:
            alias.install(over_original=True)
        except ValueError as refused:
            print(refused)
        print(byzerllm.WHO)
        """,
        folder=original,
    )
    assert "already imported" in done.stdout
    assert done.stdout.endswith("the original\n")


def test_the_real_autocoder_stays_in_charge(tmp_path: Path) -> None:
    package = tmp_path / "autocoder"
    package.mkdir()
    (package / "__init__.py").write_text("WHO = 'the original'\n")
    done = script("import byzer_nb.seed.alias, autocoder\nprint(autocoder.WHO)", folder=tmp_path)
    assert (done.stdout, done.stderr) == ("the original\n", "")
