"""Runs one function in a locked process.

It is sent to a bare interpreter as compiled code. What it imports costs milliseconds at every run, so it is little.
"""

from __future__ import annotations

import os
import sys
from types import CodeType, ModuleType
from typing import Any  # what a function takes and gives may be anything

from byzer_nb.sandbox.inside.lock import REFUSED, limit, lock, preload
from byzer_nb.sandbox.inside.values import Verdict, json_text, rebuilt

FILE = "<function>"  # how the source is called in tracebacks
MODULE = "sandboxed"
RESERVE_BYTES = 4 << 20  # let go when memory is at its end, so that there is some for saying so
SHOWN_FRAMES = 20
# Modules that Python's own C code imports in the name of whoever called it, such as `_strptime` in `strptime`.
INNER_IMPORTS = frozenset({"_strptime", "annotationlib", "copyreg", "io", "re", "typing", "warnings"})
LONGEST_SUMMARY, LONGEST_TRACE = 1000, 8000

sources: list[str] = []  # the lines of the source, for tracebacks


def main(job: dict[str, Any]) -> None:
    """Run one job and write its answer; it does not return."""
    reserve = bytearray(RESERVE_BYTES)
    guards: list[str] = []
    sources[:] = [f"{line}\n" for line in job["source"].replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    try:
        limit(job)
        preload(job)
        guards += lock(job)
        text = answer(call(job), guards, job["result_bytes"])
    except BaseException as error:  # also SystemExit: whatever ends the code is an answer
        del reserve
        try:
            text = failure(error, guards)
        except BaseException:  # an exception that was made to fail when it is shown
            text = told("raised", f"raised an error that cannot be shown{last_line(error)}", "", guards)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue  # the code closed or replaced it
    whole = memoryview(text.encode("ascii", "replace"))
    while whole:
        whole = whole[os.write(job["answer_to"], whole) :]
    os._exit(0)  # threads of the code are not waited for


def call(job: dict[str, Any]) -> Any:
    """The result of the function, in a module of its own."""
    module = ModuleType(MODULE)
    sys.modules[MODULE] = module  # where dataclasses look up their annotations
    space = module.__dict__
    space["__builtins__"] = guarded_builtins(job["allowed_imports"])
    code: CodeType = compile(job["source"], FILE, "exec", dont_inherit=True)
    arguments = {name: rebuilt(value) for name, value in job["arguments"].items()}
    exec(code, space)
    function = space.get(job["name"])
    if not callable(function):
        raise Verdict("source", "is not defined by the source")
    return function(**arguments)


def guarded_builtins(allowed_imports: list[str]) -> dict[str, Any]:
    """The builtins, with an import that knows what is allowed. Modules import each other with the real one."""
    import builtins

    allowed, real_import = INNER_IMPORTS.union(allowed_imports), builtins.__import__

    def is_allowed(name: str) -> bool:
        parts = name.split(".")
        return any(".".join(parts[:count]) in allowed for count in range(1, len(parts) + 1))

    def guarded(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:  # noqa: A002
        if type(name) is not str:
            raise TypeError("the name of a module is a string")
        wanted = [name] if is_allowed(name) or not fromlist else [f"{name}.{item}" for item in fromlist]
        for each in wanted:
            if level or not is_allowed(each):
                raise ImportError(f"the sandbox does not allow importing {each!r}", name=each, path=REFUSED)
        return real_import(name, globals, locals, fromlist, level)

    return {**vars(builtins), "__import__": guarded}


def answer(result: Any, guards: list[str], most: int) -> str:
    """The answer that brings a result."""
    try:
        text = json_text({"guards": guards, "result": result})
    except Verdict:
        raise
    except (RecursionError, ValueError, TypeError, AttributeError) as error:
        raise Verdict("result", f"gave back what JSON cannot hold: {type(error).__name__}: {error}") from None
    if len(text) > most:
        raise Verdict("result", f"gave back {len(text)} bytes, and {most} are allowed")
    return text


def failure(error: BaseException, guards: list[str]) -> str:
    """The answer that tells an error: why, in one line, and with the traceback of the source alone."""
    if isinstance(error, Verdict):
        return told(error.reason, str(error), "", guards)
    if isinstance(error, MemoryError):
        line = last_line(error)
        error.__traceback__ = error.__context__ = None  # the frames hold what filled the memory
        return told("memory", f"ran out of memory{line}", "", guards)
    if isinstance(error, SystemExit):
        return told("exit", f"asked Python to exit{last_line(error)}", "", guards)
    reason = "raised"
    if isinstance(error, PermissionError) or (isinstance(error, ImportError) and error.path == REFUSED):
        reason = "refused"
    elif isinstance(error, SyntaxError) and error.filename == FILE:
        reason = "source"
    shown, said = trace(error)
    summary = f"{type(error).__name__}: {' '.join(said.split())}"[:LONGEST_SUMMARY]
    return told(reason, f"raised {summary}{last_line(error)}", shown[-LONGEST_TRACE:], guards)


def told(reason: str, message: str, shown: str, guards: list[str]) -> str:
    """An answer without a result."""
    return json_text({"guards": guards, "reason": reason, "message": message, "trace": shown})


def last_line(error: BaseException) -> str:
    """` in line 3: the text of it`, of the last line of the source on the way to an error."""
    number, frame = 0, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == FILE:
            number = frame.tb_lineno
        frame = frame.tb_next
    return f" in line {number}: {sources[number - 1].strip()[:200]}" if 0 < number <= len(sources) else ""


def trace(error: BaseException) -> tuple[str, str]:
    """The traceback, of which only frames of the source are left, and what the error says."""
    import linecache
    import traceback

    linecache.cache[FILE] = (0, None, sources, FILE)
    whole = traceback.TracebackException.from_exception(error)
    seen, waiting = set(), [whole]
    while waiting:
        one = waiting.pop()
        if id(one) not in seen:
            seen.add(id(one))
            one.stack = traceback.StackSummary.from_list([f for f in one.stack if f.filename == FILE][-SHOWN_FRAMES:])
            inner = [one.__cause__, one.__context__, *(one.exceptions or ())]
            waiting += [each for each in inner if each is not None]
    return "".join(whole.format()), str(whole)
