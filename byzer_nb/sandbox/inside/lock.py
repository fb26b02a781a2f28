"""Locks the process it runs in: bounds, then the kernel, then Python. `byzer_nb.sandbox` describes the layers."""

from __future__ import annotations

import os
import sys
from typing import Any

REFUSED = "<sandbox>"  # the path of an ImportError of ours
TIME_ZONES = ("/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo")
LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", f"{sys.base_exec_prefix}/lib")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

# What Python tells its audit hooks and what is harmless; everything else is refused, also events of newer versions.
QUIET_EVENTS = frozenset(
    {
        "_thread.start_joinable_thread",
        "_thread.start_new_thread",
        "array.__new__",
        "builtins.id",
        "builtins.input",
        "builtins.input/result",
        "compile",
        "exec",
        "function.__new__",
        "marshal.load",
        "marshal.loads",
        "object.__delattr__",
        "object.__getattr__",
        "os.putenv",
        "os.unsetenv",
        "sys._getframe",
        "sys._getframemodulename",
        "sys.excepthook",
        "sys.unraisablehook",
        "time.sleep",
    }
)


def limit(job: dict[str, Any]) -> None:
    """Give up what was inherited and bound what can be used."""
    import _signal  # type: ignore[import-not-found]  # `signal` imports `enum`, which costs as much as a Python start
    import resource

    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    # A notebook or a worker may have blocked or ignored the signals by which the kernel ends us.
    _signal.pthread_sigmask(_signal.SIG_SETMASK, ())
    for number in (_signal.SIGXCPU, _signal.SIGALRM):
        _signal.signal(number, _signal.SIG_DFL)
    _signal.alarm(job["alarm_seconds"])  # ends us also when the parent is gone
    bounds = {
        "RLIMIT_CPU": job["cpu_seconds"],
        "RLIMIT_AS": job["memory_bytes"],
        "RLIMIT_FSIZE": 0,
        "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": 64,
    }
    for name, bound in bounds.items():
        bind(getattr(resource, name), bound, bound + (name == "RLIMIT_CPU"))  # a warning at the first, the end after
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # what was printed is not lost with us
    if job["time_zone"] is not None:
        import time

        os.environ["TZ"] = job["time_zone"]
        time.tzset()


def bind(kind: int, soft: int, hard: int) -> None:
    """Set one limit, unless the system refuses it: macOS does with some, and the parent still ends us in time."""
    import resource

    try:
        resource.setrlimit(kind, (soft, hard))
    except (OSError, ValueError):
        return


def preload(job: dict[str, Any]) -> None:
    """Import what the source names while libraries can still be loaded from anywhere."""
    sys.path += job["package_folders"]
    for name in job["preloaded"]:
        try:
            __import__(name)
        except ImportError:
            continue  # the source's own statement says so, with its line


def lock(job: dict[str, Any]) -> list[str]:
    """Close every way out, first in the kernel and then in Python."""
    readable = [path for path in (*sys.path, *TIME_ZONES) if os.path.isdir(path)]
    # Packages may load libraries as late as they like. Python itself has loaded what the source names.
    libraries = [path for path in LIBRARIES if job["package_folders"] and os.path.isdir(path)]
    guards = lock_kernel([*readable, *libraries], job["call_filter"]) if sys.platform == "linux" else []
    if "seccomp" not in guards:
        import resource

        bind(resource.RLIMIT_NPROC, 0, 0)  # it counts threads too, so only where nothing better forbids processes
    for name in [name for name in sys.modules if name.partition(".")[0] in ("ctypes", "_ctypes", "_signal")]:
        del sys.modules[name]
    add_hook(tuple(path.rstrip("/") + "/" for path in readable), QUIET_EVENTS, frozenset(job["refused_modules"]))
    return ["rlimits", *guards, "hook"]


def lock_kernel(readable: list[str], call_filter: tuple[int, bytes] | None) -> list[str]:
    """Landlock and seccomp, as far as this kernel has them. Neither can be taken back."""
    try:
        import ctypes
    except ImportError:
        return []
    guards = []
    libc = ctypes.CDLL(None, use_errno=True)
    long = ctypes.c_long
    if libc.prctl(38, long(1), long(0), long(0), long(0)):  # PR_SET_NO_NEW_PRIVS, which both ask for
        return []
    version = libc.syscall(long(444), None, long(0), long(1))
    if version >= 1:
        files = 0x1FFF | 0x2000 * (version >= 2) | 0x4000 * (version >= 3) | 0x8000 * (version >= 5)
        network, scopes = 3 * (version >= 4), 3 * (version >= 6)
        handled = (ctypes.c_uint64 * 3)(files, network, scopes)
        size = 24 if version >= 6 else 16 if version >= 4 else 8
        rules = libc.syscall(long(444), handled, long(size), long(0))
        for path in readable:
            folder = os.open(path, os.O_PATH)
            rule = (0x4 | 0x8).to_bytes(8, sys.byteorder) + folder.to_bytes(4, sys.byteorder)  # read files, list
            libc.syscall(long(445), long(rules), long(1), rule, long(0))
            os.close(folder)
        if libc.syscall(long(446), long(rules), long(0)) == 0:
            guards.append("landlock")
    if call_filter is not None:
        number, steps = call_filter
        kept = ctypes.create_string_buffer(steps, len(steps))
        # struct sock_fprog: a 16-bit count, padding, an address
        program = (ctypes.c_uint64 * 2)(len(steps) // 8, ctypes.addressof(kept))
        if libc.syscall(long(number), long(1), long(1), program) == 0:  # for all threads, also those of a package
            guards.append("seccomp")
    return guards


def add_hook(readable: tuple[str, ...], quiet: frozenset[str], refused: frozenset[str]) -> None:
    """Refuse, inside Python, what is not for reading the standard library."""

    # All it uses is bound here: code that reaches its frame can change globals, but not these.
    def hook(
        event: str,
        args: tuple[Any, ...],
        *,
        readable: tuple[str, ...] = readable,
        quiet: frozenset[str] = quiet,
        refused: frozenset[str] = refused,
        kind: type = type,
        text: type = str,
        not_permitted: type[PermissionError] = PermissionError,
        not_imported: type[ImportError] = ImportError,
        marked: str = REFUSED,
        writing: int = WRITING,
    ) -> None:
        if event in quiet:
            return
        if event == "import":
            if args[0] not in refused:
                return
            raise not_imported(f"the sandbox does not allow importing {args[0]!r}", name=args[0], path=marked)
        if event == "object.__setattr__":
            if args[1] != "__code__":
                return
        elif event == "open":
            path, mode, flags = args
            is_read = not flags & writing and (mode is None or mode == "r" or mode == "rb")
            if is_read and kind(path) is text and path.startswith(readable) and "/.." not in path:
                return
            raise not_permitted(f"the sandbox does not allow opening {path!r}")
        elif event == "os.listdir" or event == "os.scandir":
            path = args[0]
            if kind(path) is text and (path + "/").startswith(readable) and "/.." not in path:
                return
        raise not_permitted(f"the sandbox does not allow {event}")

    sys.addaudithook(hook)
