"""The calls to the Linux kernel that code in the sandbox may make, as the program that the kernel checks them with.

It is a list of what is allowed: memory, clocks, threads of its own, reading files, writing to its pipes. What is not in
it fails: processes, signals to others, sockets, files that change, and whatever a newer kernel brings. The numbers are
those of the kernel's headers; they never change.
"""

from __future__ import annotations

import errno
import os
import struct
import sys
from functools import cache

# name: (x86-64, arm64). None: that machine has another call for it.
ALLOWED: dict[str, tuple[int | None, int | None]] = {
    "read": (0, 63),
    "write": (1, 64),
    "readv": (19, 65),
    "writev": (20, 66),
    "pread64": (17, 67),
    "close": (3, 57),
    "lseek": (8, 62),
    "stat": (4, None),
    "lstat": (6, None),
    "fstat": (5, 80),
    "newfstatat": (262, 79),
    "statx": (332, 291),
    "access": (21, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "getcwd": (79, 17),
    "getdents": (78, None),
    "getdents64": (217, 61),
    "mmap": (9, 222),
    "munmap": (11, 215),
    "mprotect": (10, 226),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "brk": (12, 214),
    "futex": (202, 98),
    "set_robust_list": (273, 99),
    "get_robust_list": (274, 100),
    "rseq": (334, 293),
    "set_tid_address": (218, 96),
    "membarrier": (324, 283),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "getcpu": (309, 168),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "times": (100, 153),
    "getrusage": (98, 165),
    "getrlimit": (97, 163),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getppid": (110, 173),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "getrandom": (318, 278),
    "poll": (7, None),
    "ppoll": (271, 73),
    "select": (23, None),
    "pselect6": (270, 72),
    "sysinfo": (99, 179),
    "uname": (63, 160),
    "exit": (60, 93),
    "exit_group": (231, 94),
}
OPEN = (2, None)
OPENAT = (257, 56)
CLONE = (56, 220)
FCNTL = (72, 25)
PRLIMIT64 = (302, 261)
RT_SIGACTION = (13, 134)
SECCOMP = (317, 277)

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CLONE_THREAD = 0x10000
ABOUT_ONE_DESCRIPTOR = (0, 1, 2, 3, 1030)  # to double it, to read its flags, to close it on exec: no signals, no locks

MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # the column above, the kernel's name for it

NEWER = 424  # from here on the numbers are the same on all machines; what we want of these is in the list

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
PASS, KILL = 0x7FFF0000, 0x80000000
REFUSE, MISSING = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # where they lie in what the kernel shows to the program

Step = tuple[int, int, int, int]  # what, where to go if so, where to go if not, a number


@cache
def call_filter() -> tuple[int, bytes] | None:
    """The number of the call that installs the program, and the program; None where there is none to give."""
    if sys.platform != "linux" or sys.maxsize < 2**32 or os.uname().machine not in MACHINES:
        return None
    column, architecture = MACHINES[os.uname().machine]
    number = SECCOMP[column]
    return number, b"".join(struct.pack("<HBBI", *step) for step in _steps(column, architecture))


def _steps(column: int, architecture: int) -> list[Step]:
    steps: list[Step] = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, KILL),  # the same call has another number in a 32-bit process
        (LOAD, 0, 0, NUMBER),
    ]
    for numbers in ALLOWED.values():
        steps += _case(numbers[column], [(RETURN, 0, 0, PASS)])
    # Reading only. Where a file may lie is not seen here, only numbers are.
    steps += _case(OPEN[column], [_low(1), (ANY_BIT, 1, 0, WRITING), *_pass_or_refuse()])
    steps += _case(OPENAT[column], [_low(2), (ANY_BIT, 1, 0, WRITING), *_pass_or_refuse()])
    # A thread, not a process.
    steps += _case(CLONE[column], [_low(0), (ANY_BIT, 0, 1, CLONE_THREAD), *_pass_or_refuse()])
    steps += _case(FCNTL[column], [_low(1), *_one_of(ABOUT_ONE_DESCRIPTOR), *_pass_or_refuse()])
    # To ask for a limit or for what is done at a signal, never to change it: the third and second argument are null.
    steps += _case(PRLIMIT64[column], [*_null(0), *_null(2), *_pass_or_refuse()])
    steps += _case(RT_SIGACTION[column], [*_null(1), *_pass_or_refuse()])
    # As if the kernel were older than these: the C library then takes the calls above, such as clone for clone3.
    return [*steps, (LOAD, 0, 0, NUMBER), (AT_LEAST, 0, 1, NEWER), (RETURN, 0, 0, MISSING), (RETURN, 0, 0, REFUSE)]


def _case(number: int | None, then: list[Step]) -> list[Step]:
    """Steps for one call alone; they end with an answer."""
    return [] if number is None else [(EQUAL, 0, len(then), number), *then]


def _low(argument: int) -> Step:
    return LOAD, 0, 0, ARGUMENTS + 8 * argument


def _pass_or_refuse() -> list[Step]:
    """The end of a case: who arrives may go on, who jumps over one step may not."""
    return [(RETURN, 0, 0, PASS), (RETURN, 0, 0, REFUSE)]


def _one_of(values: tuple[int, ...]) -> list[Step]:
    """Go on where one of the values was loaded, else jump over one step after these."""
    last = len(values) - 1
    return [(EQUAL, last - place, 0 if place < last else 1, value) for place, value in enumerate(values)]


def _null(argument: int) -> list[Step]:
    """Go on where all 64 bits of an argument are zero, else refuse."""
    low, high = ARGUMENTS + 8 * argument, ARGUMENTS + 8 * argument + 4
    refuse = (RETURN, 0, 0, REFUSE)
    return [(LOAD, 0, 0, low), (EQUAL, 1, 0, 0), refuse, (LOAD, 0, 0, high), (EQUAL, 1, 0, 0), refuse]
