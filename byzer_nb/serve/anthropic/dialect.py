"""How Anthropic's protocol words what went wrong."""

from __future__ import annotations

from typing import Any

import msgspec

from byzer_nb.serve.refusals import Refusal

# By this word Anthropic's clients know that they have to go on with the whole conversation in each request.
THREAD_UNSUPPORTED = "thread_unsupported_request"
_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class AnthropicDialect:
    """Anthropic's error object, whole or as the event that breaks off a stream."""

    request_id_headers: tuple[bytes, ...] = (b"request-id", b"x-request-id")

    def body(self, refusal: Refusal) -> bytes:
        """The body of a whole answer."""
        return msgspec.json.encode(_told(refusal))

    def event(self, refusal: Refusal) -> bytes:
        """The last words of a stream."""
        return b"event: error\ndata: " + self.body(refusal) + b"\n\n"

    def unauthorized(self, refusal: Refusal) -> bytes:
        """The body of an answer to somebody without a key."""
        return self.body(refusal)


def _told(refusal: Refusal) -> dict[str, Any]:  # Any: JSON
    usual = "api_error" if refusal.status >= 500 else "invalid_request_error"
    error: dict[str, Any] = {"type": _TYPES.get(refusal.status, usual), "message": refusal.message}
    if refusal.code == THREAD_UNSUPPORTED:
        error["details"] = {"error_code": refusal.code, "unsupported": [refusal.param]}
    return {"type": "error", "error": error, "request_id": refusal.request_id}


ANTHROPIC = AnthropicDialect()
