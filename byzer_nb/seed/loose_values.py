"""Answers about values that come from forms, command lines and the machine: words for yes, addresses, free ports."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from byzer_nb.errors import BadInputError, WrongTypeError

__all__ = ["find_available_port", "is_valid_url", "to_bool"]

YES = ("yes", "true", "t", "1", "y", "on", "aye", "yea")
NO = ("no", "false", "f", "0", "n", "off", "nay", "")
LAST_PORT = 65535


def to_bool(s: str) -> bool:
    """The truth value of a word such as `yes` or `off`, in any case."""
    if not isinstance(s, str):
        raise WrongTypeError(f"to_bool() takes a word, not {s!r}.")
    word = s.strip().lower()
    if word not in YES + NO:
        raise BadInputError(
            f"{s!r} is neither yes nor no.", hint=f"Yes: {', '.join(YES)}. No: {', '.join(NO)}or nothing."
        )
    return word in YES


def is_valid_url(candidate_str: object) -> bool:
    """Whether this is a text with a scheme and a host, such as `https://example.com/x`."""
    if not isinstance(candidate_str, str):
        return False
    try:
        parts = urlsplit(candidate_str)
    except ValueError:  # brackets that are no address
        return False
    return bool(parts.scheme and parts.netloc)


def find_available_port(port: int | None = None) -> int:
    """A port of this machine that nobody listens on: any, or the first one from this one upwards."""
    if port is not None and (isinstance(port, bool) or not isinstance(port, int)):
        raise WrongTypeError(f"A port is a whole number, not {port!r}.")
    if port is not None and not 1 <= port <= LAST_PORT:
        raise BadInputError(f"A port lies between 1 and {LAST_PORT}, and {port!r} does not.")
    for candidate in (0,) if port is None else range(port, LAST_PORT + 1):
        found = _bound(candidate)
        if found is not None:
            return found
    raise BadInputError("No port is free there.", hint="Call it without a port to get any free one.")


def _bound(port: int) -> int | None:
    """The port that could be bound for a moment; None when it is taken or not ours to have."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that have just ended hold nothing
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return None
        found: int = probe.getsockname()[1]
        return found
