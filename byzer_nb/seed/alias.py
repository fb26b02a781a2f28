"""`import byzerllm`: the documents' module paths, answered by this project when the original is not installed."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from byzer_nb._registry import nearest

# Each path of the documents, and where its names really live.
PATHS = {
    "byzerllm": "byzer_nb",
    "byzerllm.types": "byzer_nb.seed.values",
    "byzerllm.utils": "byzer_nb.seed.names_of_utils",
    "byzerllm.utils.client": "byzer_nb.seed.names_of_client",
    "byzerllm.utils.client.types": "byzer_nb.seed.names_of_client",
}
ROOT = "byzerllm"


class AliasFinder(MetaPathFinder, Loader):
    """Answers imports of `byzerllm…` with modules whose every name is the very object of this project."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != ROOT:
            return None
        if fullname not in PATHS:
            raise ModuleNotFoundError(
                f"There is no module {fullname!r} here. {nearest(fullname, PATHS)}Known: {', '.join(PATHS)}",
                name=fullname,
            )
        return ModuleSpec(fullname, self, is_package=any(path.startswith(fullname + ".") for path in PATHS))

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Alias(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run: an alias looks its names up when they are asked for."""


class _Alias(ModuleType):
    """A module that has exactly the names of another one."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        below = f"{self.__name__}.{name}"
        if below in PATHS:
            return import_module(below)
        try:
            return getattr(import_module(PATHS[self.__name__]), name)
        except AttributeError:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}") from None

    def __dir__(self) -> list[str]:
        return dir(import_module(PATHS[self.__name__]))


_finder = AliasFinder()


def install() -> str:
    """Make `import byzerllm` work; returns a sentence when the original package is there and stays in charge."""
    if _finder in sys.meta_path:
        return ""
    if _original_is_installed():
        return (
            "The original byzerllm package is installed, so 'import byzerllm' gives that one. "
            "Use 'import byzer_nb' for this project, or uninstall the other: pip uninstall byzerllm"
        )
    sys.meta_path.append(_finder)
    return ""


def uninstall() -> None:
    """Take the alias away again."""
    if _finder not in sys.meta_path:
        return
    sys.meta_path.remove(_finder)
    for name in [name for name, module in sys.modules.items() if isinstance(module, _Alias)]:
        del sys.modules[name]


def _original_is_installed() -> bool:
    if isinstance(sys.modules.get(ROOT), _Alias):
        return False
    return ROOT in sys.modules or importlib.util.find_spec(ROOT) is not None


if __name__ != "__main__":
    install()
