"""What a public package shows is what it lists in `__all__`, no more and no less."""

from __future__ import annotations

import importlib
import inspect
from typing import ParamSpec, TypeVar

import pytest

from tests.house import tree

PUBLIC = [
    name
    for name in ["byzer_nb", "byzer_nb.errors", *tree.PROJECT["tool"]["setuptools"]["packages"][1:]]
    if "__all__" in tree.packaged_files()[name].read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", PUBLIC)
def test_all_is_what_is_visible(name: str) -> None:
    module = importlib.import_module(name)
    submodules = {inner.rpartition(".")[2] for inner in tree.packaged_files() if inner.rpartition(".")[0] == name}
    unlisted = [
        shown
        for shown in dir(module)
        if not shown.startswith("_")
        and shown not in {*module.__all__, *submodules}
        and not _is_foreign(getattr(module, shown))
    ]
    assert unlisted == []
    assert set(module.__all__) <= set(dir(module))
    assert all(hasattr(module, promised) for promised in module.__all__)  # also those that resolve on first use
    assert list(module.__all__) == sorted(set(module.__all__))


def _is_foreign(value: object) -> bool:
    """Modules, type variables, and what was imported from somebody else, such as `Any`."""
    if inspect.ismodule(value) or isinstance(value, TypeVar | ParamSpec):
        return True
    return not getattr(value, "__module__", "byzer_nb").startswith("byzer_nb")


def test_the_front_door_has_a_list() -> None:
    assert "byzer_nb" in PUBLIC
