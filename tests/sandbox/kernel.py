"""What the kernel under the tests can do, asked without a line of the sandbox."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path


def kernel_offers() -> list[str]:
    """The layers that this kernel has."""
    if sys.platform != "linux":
        return []
    offers = []
    if ctypes.CDLL(None).syscall(444, None, 0, 1) > 0:  # the version of Landlock
        offers.append("landlock")
    is_known = os.uname().machine in ("x86_64", "aarch64")
    if is_known and "Seccomp_filters:" in Path("/proc/self/status").read_text():
        offers.append("seccomp")
    return offers
