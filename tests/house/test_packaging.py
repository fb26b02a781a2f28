"""What is installed is what stands in the tree."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from zipfile import ZipFile

import pytest

import byzer_nb
from tests.house import tree

SETUPTOOLS = tree.PROJECT["tool"]["setuptools"]
NOT_COPIED = shutil.ignore_patterns("__pycache__", "node_modules", "*.egg-info")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZipFile]:
    """The wheel, built from a copy: the build folder of a checkout may hold files that are gone."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(tree.ROOT / name, folder)
    for name in tree.SOURCES:
        shutil.copytree(tree.ROOT / name, folder / name, ignore=NOT_COPIED)
    built = subprocess.run(
        [sys.executable, "-c", "from setuptools.build_meta import build_wheel; build_wheel('dist')"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert built.returncode == 0, built.stderr
    [path] = (folder / "dist").glob("*.whl")
    with ZipFile(path) as archive:
        yield archive


def test_every_package_of_the_tree_is_listed() -> None:
    packages = {name for name, path in tree.packaged_files().items() if path.name == "__init__.py"}
    assert sorted(SETUPTOOLS["packages"]) == sorted(packages)


def test_folders_at_the_root_are_mapped_to_where_they_are_imported() -> None:
    assert {place: name for name, place in SETUPTOOLS["package-dir"].items()} == tree.SOURCES


def test_the_wheel_holds_every_module(wheel: ZipFile) -> None:
    expected = {
        name.replace(".", "/") + ("/__init__.py" if path.name == "__init__.py" else ".py")
        for name, path in tree.packaged_files().items()
    }
    assert {name for name in wheel.namelist() if name.endswith(".py")} == expected


def test_the_wheel_holds_the_weights_and_says_it_is_typed(wheel: ZipFile) -> None:
    held = wheel.namelist()
    weights = [path for path in (tree.ROOT / "byzer_nb" / "weights" / "byzer-tiny").iterdir() if path.is_file()]
    assert any(path.suffix == ".safetensors" for path in weights)
    assert [path.name for path in weights if f"byzer_nb/weights/byzer-tiny/{path.name}" not in held] == []
    assert "byzer_nb/py.typed" in held
    assert any(name.endswith("/licenses/LICENSE") for name in held)


@pytest.mark.contract("COMPAT-01")
def test_the_wheel_puts_the_stand_in_for_byzerllm_at_the_end_of_the_path(wheel: ZipFile) -> None:
    [path] = wheel.read("byzer_nb_path.pth").decode().splitlines()
    assert f"{path}/byzerllm/__init__.py" in wheel.namelist()
    assert not path.startswith("import")  # a plain folder: nothing runs when Python starts


def test_the_wheel_stays_small(wheel: ZipFile) -> None:
    assert sum(entry.compress_size for entry in wheel.infolist()) < 16 * 2**20


def test_the_version_stands_in_one_place() -> None:
    project = tree.PROJECT["project"]
    assert "version" in project.get("dynamic", []), "pyproject.toml should read the version from the package"
    assert "version" not in project
    assert byzer_nb.__version__ in (tree.ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
