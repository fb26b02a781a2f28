"""`import byzerllm`: the documents' module paths, answered by this project when the original is not installed.

`import byzerllm` loads it by itself where this project is installed, and so do `import byzer_nb.seed.alias` and
`%load_ext byzer_nb`.
"""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from typing import cast

from byzer_nb._registry import nearest
from byzer_nb.errors import BadInputError

# Each path of the documents, and the module whose names it has; a bare folder has none.
PLACES = {
    "byzerllm": "byzer_nb",
    "byzerllm.apps": "",
    "byzerllm.apps.utils": "byzer_nb.seed.tags",
    "byzerllm.types": "byzer_nb.seed.values",
    "byzerllm.utils": "byzer_nb.seed.names_of_utils",
    "byzerllm.utils.client": "byzer_nb.seed.names_of_client",
    "byzerllm.utils.client.code_utils": "byzer_nb.seed.code_blocks",
    "byzerllm.utils.client.entrypoints": "",
    "byzerllm.utils.client.entrypoints.openai": "",
    "byzerllm.utils.client.entrypoints.openai.api_server": "",
    "byzerllm.utils.client.message_utils": "byzer_nb.seed.message_flags",
    "byzerllm.utils.client.types": "byzer_nb.seed.names_of_client",
    "byzerllm.utils.langutil": "byzer_nb.seed.names_of_langutil",
    "byzerllm.utils.llms": "byzer_nb.seed.model_list",
    "byzerllm.utils.str2model": "byzer_nb.seed.names_of_utils",
    "autocoder": "",
    "autocoder.common": "",
    "autocoder.common.files": "byzer_nb.seed.text_files",
}
# What `python -m` runs of them: a function of this project, which gives the exit code.
PROGRAMS = {"byzerllm.utils.client.entrypoints.openai.api_server": "byzer_nb.cli.main:api_server"}
STAND_IN = str(Path(__file__).parent / "path")  # at the end of Python's path, for as long as nobody loads this module
SEARCH = "Storage and retrieval are not in this version."
TOOLS = "Tools and function bodies are not in this version; ask for the arguments with response_class=."
# Names and module paths of the original that are not here, and what there is instead.
NOT_YET = {
    "ByzerRetrieval": SEARCH,
    "byzerllm.utils.retrieval": SEARCH,
    "ByzerStorage": SEARCH,
    "byzerllm.apps.byzer_storage": SEARCH,
    "ExecuteCodeResponse": TOOLS,
    "agent_reply": "Agents are not in this version.",
    "default_chat_wrapper": "Wrappers round calls are not in this version.",
    "FintuneRequest": "Fine-tuning is not in this version.",
    "FintuneRequestExtra": "Fine-tuning is not in this version.",
}
ROOT = "byzerllm"
BESIDE = "autocoder"  # another package of the same family, of which the documents use one function


class AliasFinder(MetaPathFinder, Loader):
    """Answers imports below its roots with modules whose every name is the very object of this project."""

    def __init__(self) -> None:
        self.roots: set[str] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] not in self.roots:
            return None
        if fullname not in PLACES:
            home, _, name = fullname.rpartition(".")
            if home in PLACES and name in NOT_YET:
                # Python asks here for the names of `from byzerllm import …`, and forgets why one of them is missing.
                raise ImportError(f"{home} has no {name} here. {NOT_YET[name]}", name=home)
            known = _below(fullname.partition(".")[0])
            absent = [f"{why} " for path, why in NOT_YET.items() if f"{fullname}.".startswith(f"{path}.")]
            instead = absent[0] if absent else nearest(fullname, known)
            raise ModuleNotFoundError(
                f"byzer_nb has no module {fullname!r}. {instead}Known: {', '.join(known)}",
                name=fullname,
            )
        if fullname in PROGRAMS:
            return ModuleSpec(fullname, self, origin=PROGRAMS[fullname])
        # All others are packages, for only of a package is this finder asked for the names that it lacks.
        return ModuleSpec(fullname, self, origin=PLACES[fullname] or None, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Alias(spec.name, f"The names of {spec.origin}, as {spec.name}." if spec.origin else None)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run: an alias looks its names up when they are asked for."""

    def get_code(self, fullname: str) -> CodeType:
        """What `python -m` runs."""
        module, _, function = PROGRAMS[fullname].partition(":")
        source = f"from {module} import {function}\nraise SystemExit({function}())"
        return compile(source, fullname, "exec")


class _Alias(ModuleType):
    """A module that has exactly the public names of another one."""

    is_alias_of_byzer_nb = True

    def __getattr__(self, name: str) -> object:
        if name == "__all__":
            return _public(self.__name__)
        if name.startswith("__"):
            raise AttributeError(name)  # asked of every module by inspectors, so nothing is loaded for it
        if f"{self.__name__}.{name}" in PLACES:
            return import_module(f"{self.__name__}.{name}")
        if name in _public(self.__name__):
            return getattr(import_module(PLACES[self.__name__]), name)
        raise AttributeError(
            f"module {self.__name__!r} has no attribute {name!r}. "
            f"{NOT_YET.get(name) or nearest(name, self.__dir__())}".rstrip()
        )

    def __dir__(self) -> list[str]:
        inner = [path.rpartition(".")[2] for path in PLACES if path.rpartition(".")[0] == self.__name__]
        return sorted({*_public(self.__name__), *inner})


def _public(path: str) -> list[str]:
    place = PLACES[path]
    return list(import_module(place).__all__) if place else []


def _below(path: str) -> list[str]:
    return [known for known in PLACES if known == path or known.startswith(path + ".")]


def _standing() -> AliasFinder | None:
    """The finder of an earlier load of this module: it stays in charge, and with it the modules that it made."""
    found = [finder for finder in sys.meta_path if type(finder).__name__ == "AliasFinder"]
    return cast(AliasFinder, found[0]) if found else None


_finder = _standing() or AliasFinder()


def install(*, over_original: bool = False) -> None:
    """Make `import byzerllm` work; where the original package is installed that one stays, and a warning says so.

    With `over_original` this project answers to the name all the same.
    """
    with suppress(ValueError):
        sys.path.remove(STAND_IN)
    original = _original(ROOT)
    if over_original and ROOT in sys.modules and not _is_alias(ROOT):
        raise BadInputError(
            "The original byzerllm is already imported, so the name is taken in this process.",
            hint="Restart, and call install(over_original=True) before the first 'import byzerllm'.",
        )
    if original and not over_original:
        warnings.warn(
            f"'import byzerllm' gives the original package, found at {original}, and not byzer_nb. For this project "
            "write 'import byzer_nb', or call byzer_nb.seed.alias.install(over_original=True) before the first "
            "'import byzerllm'.",
            stacklevel=1,  # one place for all callers, so that it is shown once
        )
    else:
        _finder.roots.add(ROOT)
    if not _original(BESIDE):
        _finder.roots.add(BESIDE)
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def uninstall() -> None:
    """Take the alias away again."""
    _finder.roots.clear()
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
    for name in [name for name in PLACES if _is_alias(name)]:
        del sys.modules[name]


def _original(root: str) -> str:
    """Where another package of that name is found; nothing when there is none."""
    if root in _finder.roots or _is_alias(root):
        return ""
    if root in sys.modules:
        return str(getattr(sys.modules[root], "__file__", None) or "sys.modules")
    spec = importlib.util.find_spec(root)
    if spec is None:
        return ""
    return spec.origin or next(iter(spec.submodule_search_locations or ()), "sys.path")


def _is_alias(name: str) -> bool:
    return getattr(type(sys.modules.get(name)), "is_alias_of_byzer_nb", False)


install()
