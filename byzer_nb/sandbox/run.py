"""Runs one function of a source that is not trusted, and says how it ended."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import math
import os
import signal
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any  # what a function takes and gives may be anything

from byzer_nb._sync import run
from byzer_nb.errors import SandboxError
from byzer_nb.sandbox.arguments import travelling
from byzer_nb.sandbox.limits import Limits
from byzer_nb.sandbox.modules import REFUSED_MODULES, SAFE_IMPORTS
from byzer_nb.sandbox.process import Child, running
from byzer_nb.sandbox.source import imported_names, parsed
from byzer_nb.sandbox.syscalls import call_filter

DEFAULT_LIMITS = Limits()
MOST_SECONDS, MOST_BYTES = 10**9, 1 << 62  # more does not fit where the kernel keeps it
ALARM_MARGIN = 2  # seconds after which a process whose parent is gone ends itself


@dataclass(frozen=True, kw_only=True, slots=True)
class SandboxResult:
    """What a function gave back, as JSON values, and what it printed.

    `guards` are the layers that stood around it: "rlimits", "landlock", "seccomp", "hook".
    """

    value: Any
    stdout: str
    stderr: str
    seconds: float
    guards: tuple[str, ...]


async def async_run_function(
    source: str,
    name: str,
    arguments: Mapping[str, Any],
    *,
    limits: Limits = DEFAULT_LIMITS,
    allowed_imports: Collection[str] = SAFE_IMPORTS,
) -> SandboxResult:
    """Call the function `name` of a source in a process of its own, locked and bounded.

    Raises:
        SandboxError: it did not give a result within its limits; `reason` says why.
        WrongTypeError: an argument cannot travel; nothing was started.
    """
    job = _job(source, name, arguments, limits, frozenset(allowed_imports))
    async with running(job, limits) as child:
        await child.wait()
    told = _answer(child.answer)
    reason = child.ended_for or ("" if "result" in told else told.get("reason", "") or _ending_of(child.code))
    if reason:
        raise _error(reason, name, told, child, limits)
    return SandboxResult(
        value=told["result"],
        stdout=child.stdout,
        stderr=child.stderr,
        seconds=child.seconds,
        guards=tuple(map(str, told["guards"])),
    )


def run_function(
    source: str,
    name: str,
    arguments: Mapping[str, Any],
    *,
    limits: Limits = DEFAULT_LIMITS,
    allowed_imports: Collection[str] = SAFE_IMPORTS,
) -> SandboxResult:
    """Call the function `name` of a source in a process of its own, locked and bounded.

    Raises:
        SandboxError: it did not give a result within its limits; `reason` says why.
        WrongTypeError: an argument cannot travel; nothing was started.
    """
    return run(async_run_function(source, name, arguments, limits=limits, allowed_imports=allowed_imports))


def _job(
    source: str, name: str, arguments: Mapping[str, Any], limits: Limits, allowed_imports: frozenset[str]
) -> dict[str, Any]:
    """All that the process has to know."""
    folders = _package_folders(allowed_imports)
    return {
        "source": source,
        "name": name,
        "arguments": travelling(arguments),
        "preloaded": imported_names(parsed(source), allowed_imports),
        "allowed_imports": allowed_imports,
        # Packages import far more of the library than they use. What it does is refused all the same.
        "refused_modules": frozenset() if folders else REFUSED_MODULES - allowed_imports,
        "package_folders": folders,
        "call_filter": call_filter(),
        "cpu_seconds": min(math.ceil(limits.cpu_seconds), MOST_SECONDS),
        "alarm_seconds": min(math.ceil(limits.wall_seconds), MOST_SECONDS) + ALARM_MARGIN,
        "memory_bytes": min(int(limits.memory_bytes), MOST_BYTES),
        "result_bytes": int(limits.result_bytes),
        "time_zone": os.environ.get("TZ"),
    }


def _package_folders(allowed_imports: frozenset[str]) -> list[str]:
    """Where the allowed modules lie that are not of the standard library."""
    folders = set()
    for top in {module.partition(".")[0] for module in allowed_imports} - sys.stdlib_module_names:
        with contextlib.suppress(ImportError, ValueError):  # not installed, or made by hand: its import will say so
            spec = importlib.util.find_spec(top)
            places = [] if spec is None else [*(spec.submodule_search_locations or ()), spec.origin or ""]
            folders |= {str(Path(place).parent) for place in places[:1] if place}
    return sorted(folders)


def _answer(written: bytes) -> dict[str, Any]:
    """What the process said, or nothing if that is not in the agreed form; code may have written there as well."""
    try:
        told = json.loads(written)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(told, dict) or not isinstance(told.get("guards"), list):
        return {}
    texts = (told.get(part, "") for part in ("reason", "message", "trace"))
    return told if all(isinstance(text, str) for text in texts) else {}


def _ending_of(code: int | None) -> str:
    """Why a process ended that gave no answer."""
    by_signal = {-signal.SIGXCPU: "cpu", -signal.SIGALRM: "time", -signal.SIGKILL: "memory"}
    return by_signal.get(code or 0, "crash" if (code or 0) < 0 else "exit")


def _error(reason: str, name: str, told: dict[str, Any], child: Child, limits: Limits) -> SandboxError:
    """The end of a run as an error, with what to change if something can be."""
    bounds = {
        "time": (f"was stopped after {limits.wall_seconds:g} seconds", "wall_seconds"),
        "cpu": (f"was stopped after {math.ceil(limits.cpu_seconds)} seconds of computing", "cpu_seconds"),
        "memory": (f"wanted more than {int(limits.memory_bytes) >> 20} MiB of memory", "memory_bytes"),
        "output": (f"printed more than {int(limits.output_bytes)} bytes", "output_bytes"),
        "result": (f"gave back more than {int(limits.result_bytes)} bytes", "result_bytes"),
        "crash": (f"crashed its process with {_signal_name(child.code)}", ""),
        "exit": ("ended its process without a result", ""),
    }
    what, bound = bounds.get(reason, ("failed", ""))
    hint = f"Is it meant to? Then give it more: Limits({bound}=...)." if bound else ""
    if reason == "refused":
        hint = "Code in the sandbox computes; it has no files, network, processes or variables of the environment."
    message = f"{name!r} {told.get('message') or what}".rstrip(".") + "."
    return SandboxError(message, reason=reason, output=child.stdout + child.stderr + told.get("trace", ""), hint=hint)


def _signal_name(code: int | None) -> str:
    try:
        return signal.Signals(-(code or 0)).name
    except ValueError:
        return f"code {code}"
