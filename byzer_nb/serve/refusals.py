"""Errors as answers of HTTP: which status, and in whose words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from byzer_nb.errors import (
    AnswerError,
    BadInputError,
    ByzerError,
    CallTimeoutError,
    LoopError,
    MissingExtraError,
    MissingSettingError,
    ModelCallError,
    NotConnectedError,
    PromptTooLongError,
    RateLimitedError,
    RefusedError,
    UnknownModelError,
    UnreachableError,
    UnsupportedError,
    WrongTypeError,
)


class RefusalError(ByzerError):
    """The gateway itself refuses a request, with a status of its own; `param` is the field that is wrong."""

    def __init__(self, message: str, *, status: int, code: str, hint: str = "", param: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code
        self.param = param
        self.retry_after: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """What a client is told: a status, a word that programs can read, and a sentence."""

    status: int
    code: str
    message: str
    param: str = ""
    retry_after: float | None = None
    request_id: str = ""

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """When to try again, where that is known."""
        if self.retry_after is None:
            return []
        return [(b"retry-after", str(max(1, math.ceil(self.retry_after))).encode())]


# From the narrow to the wide, because each is looked for in this order.
_KNOWN: tuple[tuple[type[ByzerError], int, str], ...] = (
    (UnknownModelError, 404, "model_not_found"),
    (MissingSettingError, 500, "server_misconfigured"),
    (UnsupportedError, 400, "unsupported"),
    (PromptTooLongError, 400, "context_length_exceeded"),
    (BadInputError, 400, "invalid_value"),
    (WrongTypeError, 400, "invalid_type"),
    (AnswerError, 502, "unusable_answer"),
    (RateLimitedError, 429, "rate_limit_exceeded"),
    (CallTimeoutError, 504, "timeout"),
    (RefusedError, 502, "upstream_refused"),
    (UnreachableError, 503, "model_unreachable"),
    (NotConnectedError, 503, "no_cluster"),
    (MissingExtraError, 501, "missing_package"),
    (LoopError, 500, "server_error"),
)
_OF_THE_CALLER = frozenset({400, 413, 415, 422})  # what an engine's own refusal means to whoever asked


def refusal_of(error: BaseException) -> Refusal:
    """What a client is told about an error; of one that nobody foresaw only that it happened."""
    if isinstance(error, RefusalError):
        return Refusal(
            status=error.status,
            code=error.code,
            message=_sentence(error),
            param=error.param,
            retry_after=error.retry_after,
        )
    if isinstance(error, TimeoutError) and not isinstance(error, ByzerError):
        return Refusal(status=504, code="timeout", message="The answer took longer than this gateway waits.")
    if not isinstance(error, ByzerError):
        return Refusal(status=500, code="server_error", message="The gateway failed; its log says why.")
    for kind, status, code in _KNOWN:
        if isinstance(error, kind):
            wait = error.retry_after if isinstance(error, RateLimitedError) else None
            return Refusal(status=status, code=code, message=_sentence(error), retry_after=wait)
    if isinstance(error, ModelCallError) and error.status in _OF_THE_CALLER:
        return Refusal(status=400, code=error.code or "invalid_request", message=_sentence(error))
    status = 502 if isinstance(error, ModelCallError) else 500
    return Refusal(status=status, code="upstream_failed" if status == 502 else "server_error", message=_sentence(error))


def _sentence(error: ByzerError) -> str:
    return f"{error.message} {error.hint}".strip()


class Dialect(Protocol):
    """How a protocol words what went wrong, before the first byte of an answer and in the middle of one.

    `request_id_headers` are those in which its clients look for the id of a request.
    """

    request_id_headers: tuple[bytes, ...]

    def body(self, refusal: Refusal) -> bytes:
        """The body of a whole answer."""
        ...

    def event(self, refusal: Refusal) -> bytes:
        """The last words of a stream."""
        ...

    def unauthorized(self, refusal: Refusal) -> bytes:
        """The body of an answer to somebody without a key."""
        ...


_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "NotFoundError",
    429: "rate_limit_error",
    504: "timeout_error",
}


class OpenAIDialect:
    """OpenAI's error object; the same fields stand around it too, where clients of older servers look for them."""

    request_id_headers: tuple[bytes, ...] = (b"x-request-id",)

    def body(self, refusal: Refusal) -> bytes:
        """The body of a whole answer."""
        return msgspec.json.encode(self._told(refusal))

    def event(self, refusal: Refusal) -> bytes:
        """The last words of a stream."""
        return b"data: " + msgspec.json.encode(self._told(refusal)) + b"\n\n"

    def unauthorized(self, refusal: Refusal) -> bytes:
        """The body of an answer to somebody without a key, as it has always been."""
        return b'{"error":"Unauthorized"}'

    def _told(self, refusal: Refusal) -> dict[str, Any]:  # Any: JSON
        kind = _TYPES.get(refusal.status, "server_error" if refusal.status >= 500 else "invalid_request_error")
        inner = {
            "message": refusal.message,
            "type": kind,
            "param": refusal.param or None,
            "code": refusal.code,
        }
        return {"error": inner, "object": "error", "message": refusal.message, "type": kind, "code": refusal.status}


OPENAI = OpenAIDialect()
