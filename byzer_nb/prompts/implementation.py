"""A function body that a model wrote: found in its answer, kept as readable source, and found again."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

from byzer_nb._display import Displayed
from byzer_nb._home import home_folder
from byzer_nb.errors import AnswerError
from byzer_nb.prompts.answer_text import fenced_blocks, without_thoughts

FOLDER = "functions"
NO_PYTHON = "No Python block found"
_HEAD = "# byzer_nb function: "
_UNSAFE = re.compile(r"[^\w.-]+")


def source_in(answer: str, name: str) -> str:
    """The Python of an answer: its last code block, or the whole text where that is Python; it must define `name`."""
    text = without_thoughts(answer)
    blocks = [body for language, body in fenced_blocks(text) if language in ("", "python", "py", "python3")]
    source = blocks[-1] if blocks else text
    is_python = re.search(rf"^(?:async )?def {re.escape(name)}\(", source, re.MULTILINE) is not None
    if not is_python:
        raise AnswerError(f"{NO_PYTHON} that defines {name}().", answer=answer, hint="Ask for the function alone.")
    return source.strip() + "\n"


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Implementation(Displayed):
    """A body, and of what: `path` is the file that holds it, to be read, edited and committed."""

    function: str  # module and name
    model: str
    instruction: str
    source: str
    path: Path

    @classmethod
    def unkept(cls, function: Callable[..., Any], source: str, *, model: str, instruction: str) -> Implementation:
        """A body that stands in no file."""
        return cls(
            function=full_name(function), model=model, instruction=instruction, source=source, path=Path(os.devnull)
        )

    def __repr__(self) -> str:
        return f"Implementation of {self.function} by {self.model}, in {self.path}\n\n{self.source}"

    def _html(self) -> str:
        about = f"{self.function} by {self.model}" + (f": {self.instruction}" if self.instruction else "")
        return f"<p>{escape(about)}<br><small>{escape(str(self.path))}</small></p><pre>{escape(self.source)}</pre>"


class ImplementationCache(Displayed):
    """The bodies of this user, one file each; a file that was edited is used as it is.

    The same function, docstring, instruction and model find their file again. `folder` is what one commits.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._read: dict[Path, tuple[float, Implementation]] = {}  # with the time at which the file was written

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._folder or home_folder(make=False) / FOLDER

    def find(self, function: Callable[..., Any], *, model: str, instruction: str) -> Implementation | None:
        """The body that was kept, or nothing."""
        return self._load(self._path(function, model=model, instruction=instruction))

    def keep(self, function: Callable[..., Any], source: str, *, model: str, instruction: str) -> Implementation:
        """Write a body down."""
        path = self._path(function, model=model, instruction=instruction)
        about = {"function": full_name(function), "model": model, "instruction": instruction}
        if self._folder is None:
            home_folder()  # made so that nobody else can read it
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        fresh.write_text(f"{_HEAD}{json.dumps(about, ensure_ascii=False)}\n\n{source}", encoding="utf-8")
        fresh.replace(path)
        found = self._load(path)
        assert found is not None
        return found

    def clear(self, *, model: str | None = None, function: str | None = None, instruction: str | None = None) -> int:
        """Forget the bodies that fit every given argument, all of them without one; how many those were."""
        wanted = {"model": model, "function": function, "instruction": instruction}
        gone = [
            each
            for each in self
            if all(value is None or getattr(each, name) == value for name, value in wanted.items())
        ]
        for each in gone:
            each.path.unlink(missing_ok=True)
            with self._lock:
                self._read.pop(each.path, None)
        return len(gone)

    def __iter__(self) -> Iterator[Implementation]:
        files = sorted(self.folder.glob("*.py")) if self.folder.is_dir() else []
        return iter([found for file in files if (found := self._load(file)) is not None])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        lines = [f"{each.function} by {each.model}: {each.path.name}" for each in self]
        return "\n".join([f"{len(lines)} functions in {self.folder}", *lines])

    def _html(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(each.function)}</td><td>{escape(each.model)}</td><td>{escape(each.instruction)}</td>"
            f"<td><code>{escape(each.path.name)}</code></td></tr>"
            for each in self
        )
        head = "".join(f"<th>{title}</th>" for title in ("function", "model", "instruction", "file"))
        return f"<p>{escape(str(self.folder))}</p><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"

    def _path(self, function: Callable[..., Any], *, model: str, instruction: str) -> Path:
        try:
            signature = _kept_text(function)
        except TypeError:  # a callable object that cannot be hashed
            signature = str(inspect.signature(function))
        return self.folder / _file_name(full_name(function), signature, function.__doc__ or "", instruction, model)

    def _load(self, path: Path) -> Implementation | None:
        try:
            written = path.stat().st_mtime
        except OSError:
            return None
        with self._lock:
            known = self._read.get(path)
        if known is not None and known[0] == written:
            return known[1]
        head, _, source = path.read_text(encoding="utf-8").partition("\n")
        try:
            about = json.loads(head.removeprefix(_HEAD))
        except ValueError:  # not a file of ours
            return None
        found = Implementation(**about, source=source.lstrip("\n"), path=path)
        with self._lock:
            self._read[path] = (written, found)
        return found


def full_name(function: Callable[..., Any]) -> str:
    """Module and name."""
    name = getattr(function, "__qualname__", type(function).__name__)
    return f"{getattr(function, '__module__', '')}.{name}"


def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """Names and annotations of the parameters; finding them is slow, so they are kept."""
    try:
        return _kept_signature(function)
    except TypeError:  # a callable object that cannot be hashed
        return inspect.signature(function)


_kept_signature = lru_cache(maxsize=256)(inspect.signature)


@lru_cache(maxsize=256)
def _kept_text(function: Callable[..., Any]) -> str:
    return str(inspect.signature(function))


@lru_cache(maxsize=256)
def _file_name(function: str, signature: str, about: str, instruction: str, model: str) -> str:
    parts = (function, signature, inspect.cleandoc(about), instruction, model)
    key = hashlib.blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()
    return f"{_UNSAFE.sub('_', function)[-80:]}.{key}.py"
