"""What a server that is started here learns of the environment: the way to programs and to words, and no key."""

from __future__ import annotations

import os
from collections.abc import Mapping

from byzer_nb.types import Secret

# Without these most programs do not start, or do not find their home. All others may hold a key.
PASSED_ON = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "TZ", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE"}
    | {"TMPDIR", "TEMP", "TMP"}
    # what Windows needs
    | {"SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA"}
    | {"PROGRAMFILES", "USERNAME", "USERPROFILE", "HOMEDRIVE", "HOMEPATH", "PROCESSOR_ARCHITECTURE"}
)


def environment(given: Mapping[str, Secret]) -> dict[str, str]:
    """The environment of a server: what is safe of ours, and what was given to it."""
    safe = {name: value for name, value in os.environ.items() if name.upper() in PASSED_ON}
    return safe | {name: value.reveal() for name, value in given.items()}
