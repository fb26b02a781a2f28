"""What the kernel keeps in when Python's own hook is not there at all."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from byzer_nb.sandbox.syscalls import ALLOWED, MACHINES
from tests.sandbox.kernel import kernel_offers

# Locks itself with the kernel's layers only, then tries each thing, and tells the error number that it got.
SCRIPT = """
import ctypes, fcntl, json, mmap, os, signal, socket, sys, threading
from byzer_nb.sandbox.inside.lock import lock_kernel
from byzer_nb.sandbox.syscalls import call_filter

libc = ctypes.CDLL(None, use_errno=True)
root = os.open("/", os.O_RDONLY)
kept = sys.argv[1]

def call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)

def thread():
    worker = threading.Thread(target=len, args=("",))
    worker.start()
    worker.join()

tries = {
    "fork": os.fork,
    "execute": lambda: os.execv("/bin/true", ["true"]),
    "spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "read a file": lambda: open(kept),
    "read by folder": lambda: os.open(kept[1:], os.O_RDONLY, dir_fd=root),
    "read /etc": lambda: open("/etc/passwd"),
    "read the environment": lambda: open("/proc/self/environ"),
    "read the parent's": lambda: open(f"/proc/{os.getppid()}/environ"),
    "read memory": lambda: open("/proc/self/mem", "rb"),
    "list a folder": lambda: os.listdir("/"),
    "write a file": lambda: open(kept + ".new", "w"),
    "append": lambda: open(kept, "a"),
    "write into the library": lambda: open(os.__file__, "r+"),
    "remove": lambda: os.unlink(kept),
    "rename": lambda: os.rename(kept, kept + ".new"),
    "truncate": lambda: os.truncate(kept, 0),
    "change rights": lambda: os.chmod(kept, 0o777),
    "make a folder": lambda: os.mkdir(kept + ".folder"),
    "link": lambda: os.symlink(kept, kept + ".link"),
    "go elsewhere": lambda: os.chdir("/"),
    "socket": socket.socket,
    "local socket": lambda: socket.socket(socket.AF_UNIX),
    "socket pair": socket.socketpair,
    "kill the parent": lambda: os.kill(os.getppid(), 0),
    "kill everybody": lambda: os.kill(-1, 0),
    "signal by descriptor": lambda: fcntl.fcntl(0, fcntl.F_SETOWN, os.getppid()),
    "take off the alarm": lambda: signal.setitimer(signal.ITIMER_REAL, 0),
    "ignore the alarm": lambda: signal.signal(signal.SIGALRM, signal.SIG_IGN),
    "raise a limit": lambda: call("setrlimit", 7, (ctypes.c_uint64 * 2)(10, 10)),
    "trace the parent": lambda: call("ptrace", 16, os.getppid(), None, None),
    "another root": lambda: os.chroot("/"),
    "another user": lambda: os.setuid(os.getuid()),
    "new namespaces": lambda: call("unshare", 0x10000000),
    "terminal": lambda: fcntl.ioctl(0, 0x5412, b"x"),
    "pipe": os.pipe,
    "memory file": lambda: os.memfd_create("x"),
    "shared memory": lambda: call("shmget", 0, 4096, 0o1600),
    "new rights": lambda: call("prctl", 1, 0, 0, 0, 0),
    "fine: read the library": lambda: open(os.__file__).read(1),
    "fine: list the library": lambda: os.listdir(os.path.dirname(os.__file__)),
    "fine: memory": lambda: mmap.mmap(-1, 1 << 20),
    "fine: thread": thread,
    "fine: ask for a limit": lambda: __import__("resource").getrlimit(7),
    "fine: ask for a signal": lambda: signal.getsignal(signal.SIGALRM),
}
__import__("resource")
readable = [path for path in sys.path if os.path.isdir(path) and path.startswith(sys.base_prefix)]
told = {"guards": lock_kernel(readable, call_filter())}
for name, attempt in tries.items():
    try:
        attempt()
    except OSError as error:
        told[name] = error.errno
    else:
        told[name] = 0
print(json.dumps(told))
"""


@cache
def told(kept: str) -> dict[str, int]:
    """The error number of each try, or 0."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, kept], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, int] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file outside."""
    path = tmp_path_factory.mktemp("outside") / "kept"
    path.write_text("x")
    return path


def names(fine: bool) -> list[str]:
    lines = [line.strip() for line in SCRIPT.splitlines() if line.startswith('    "')]
    every = [line.split('"')[1] for line in lines]
    return [name for name in every if name.startswith("fine: ") == fine]


needs_both = pytest.mark.skipif(kernel_offers() != ["landlock", "seccomp"], reason="the kernel does not offer both")


@needs_both
@pytest.mark.parametrize("name", names(fine=False))
def test_the_kernel_refuses_it(name: str, kept: Path) -> None:
    assert told(str(kept))[name] in (errno.EPERM, errno.EACCES)
    assert kept.read_text() == "x"
    assert os.listdir(kept.parent) == ["kept"]


@needs_both
@pytest.mark.parametrize("name", names(fine=True))
def test_the_kernel_lets_it_pass(name: str, kept: Path) -> None:
    assert told(str(kept))[name] == 0


def test_each_call_has_a_number_of_its_own() -> None:
    for column, _ in MACHINES.values():
        numbers = [each[column] for each in ALLOWED.values() if each[column] is not None]
        assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize(
    ("machine", "header"), [("x86_64", "x86_64-linux-gnu/asm/unistd_64.h"), ("aarch64", "asm-generic/unistd.h")]
)
def test_the_numbers_are_those_of_the_kernel(machine: str, header: str) -> None:
    path = Path("/usr/include") / header
    if not path.exists():
        pytest.skip("the kernel's headers are not installed")
    pairs = [line.split()[1:3] for line in path.read_text().splitlines() if line.startswith("#define __NR")]
    known = {name.removeprefix("__NR3264_").removeprefix("__NR_"): number for name, number in pairs if number.isdigit()}
    column, _ = MACHINES[machine]
    aliases = {"newfstatat": "fstatat"} if machine == "aarch64" else {}
    every = {name: numbers[column] for name, numbers in ALLOWED.items() if numbers[column] is not None}
    assert {name: int(known[aliases.get(name, name)]) for name in every} == every
