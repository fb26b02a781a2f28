"""Runs code that is not trusted, such as a function that a model wrote, in a process of its own.

`check_source` says early what cannot work; `run_function` runs it. What keeps the code in, from the outside inwards,
and what each layer stops even when all the inner ones have been tricked:

    parent      ends the whole process group at the limit of time, output or result. Gives no environment (but `TZ`),
                no terminal, no open files, and an empty folder that is gone already. Takes back JSON only.
    rlimits     CPU time, memory, written files (0 bytes), core dumps, number of open files. Linux and macOS; of memory
                macOS may not keep count. Processes too where seccomp is missing, but root is not bound by that.
    seccomp     Linux on x86-64 and arm64. A list of allowed kernel calls. No process, no socket, no signal to anybody,
                no file opened for writing, nothing renamed or removed, no limit changed, no other process looked into.
    landlock    Linux from 5.13. Files can be read below the standard library, the time zones and the folders of the
                packages that were allowed; nowhere else, so neither `/proc` nor `/etc` nor a home.
    hook        Python's own audit events: refuses all of that once more, with words, and bytecode made by hand. Code
                that corrupts the interpreter gets round it, and then meets the layers above.
    import      Only allowed modules by name. It is for clear errors; an allowed module leads to others.

So on Linux with both kernel layers, which `SandboxResult.guards` shows, code can compute, fill its memory and print; it
can see the sizes and names of files from outside, not what is in them. On macOS, and in a container whose kernel gives
neither, the hook alone keeps it from files, network and processes: enough for a model that errs, not for an attack.
"""

from byzer_nb.sandbox.limits import Limits
from byzer_nb.sandbox.modules import SAFE_IMPORTS
from byzer_nb.sandbox.run import SandboxResult, async_run_function, run_function
from byzer_nb.sandbox.source import check_source

# Sorted as all our lists of names are: ruff would have constants first.
__all__ = ["Limits", "SAFE_IMPORTS", "SandboxResult", "async_run_function", "check_source", "run_function"]  # noqa: RUF022
