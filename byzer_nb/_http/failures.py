"""What can go wrong between a request and its answer. None of it holds a word of what was sent."""

from __future__ import annotations


class HttpError(Exception):
    """There is no answer, or no whole one."""


class NotConnectedError(HttpError):
    """Nobody takes a connection there; `reason` is what the system says."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnknownHostError(HttpError):
    """Nobody knows that host."""


class SlowConnectError(HttpError):
    """The connection was not made in time."""


class ProxyError(HttpError):
    """The proxy does not answer, or answers with a `status` that is none of success."""

    def __init__(self, status: int = 0) -> None:
        super().__init__(f"HTTP {status}" if status else "no answer")
        self.status = status


class BadRequestError(HttpError):
    """The request cannot be written down: an address that is none, or a header with a line break in it."""


class SilentError(HttpError):
    """Nothing came for longer than was allowed."""


class LateError(HttpError):
    """The answer was not whole by its deadline."""


class BrokenError(HttpError):
    """The connection was lost before the answer was whole."""


class NoHttpError(HttpError):
    """What came back is not HTTP."""
