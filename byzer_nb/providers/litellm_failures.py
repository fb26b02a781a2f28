"""What litellm raises, as our errors: it gives every vendor's failure the class and the status of OpenAI's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

import aiohttp

from byzer_nb.errors import ModelCallError
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.failures import Called, Complaint

_ENDED = "Stream ended before a finish_reason"
# What it puts before the vendor's words, such as "litellm.RateLimitError: RateLimitError: OpenAIException - ".
_PREFIX = re.compile(r"^(?:(?:litellm\.)?\w*(?:Error|Exception|Timeout)\b(?: \w+Error)?\s*[:-]\s+)+")
_DEEPEST = 16  # links of a chain that are looked at; it might be a ring


def failure_of(original: Exception, called: Called) -> ModelCallError:
    """The error of ours for one of litellm's; nothing of the original hangs on it, for its frames hold the key."""
    headers: Mapping[str, str] | None = getattr(original, "litellm_response_headers", None)
    if not headers and (lost := _lost(original, called)) is not None:
        return lost
    complaint = _complaint(original)
    meant = getattr(original, "status_code", None)
    if not isinstance(meant, int) or not 400 <= meant < 600:
        error = {"message": complaint.message, "code": complaint.code}
        return failures.from_error_object(error, headers or {}, called)
    # Without headers there was no answer of that status: an error came amid the words, or litellm itself refused.
    return failures.classified(
        complaint, meant=meant, status=meant if headers else 200, headers=headers or {}, called=called
    )


def _lost(original: Exception, called: Called) -> ModelCallError | None:
    """The error of a connection that failed; None where the vendor, or litellm, had something to say."""
    links = list(_chain(original))
    for link in links:
        if isinstance(link, aiohttp.ClientError | OSError):
            return failures.from_exception(link, called)
    if any("timeout" in type(link).__name__.lower() for link in links):
        return failures.was_silent(called)
    return failures.cut_off(called) if _ENDED in str(original) else None


def _chain(original: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = original
    for _ in range(_DEEPEST):
        if link is None:
            return
        yield link
        link = link.__cause__ or link.__context__


def _complaint(original: Exception) -> Complaint:
    """The vendor's own words: from the body that litellm kept, or else from the text that it made of it."""
    body = getattr(original, "body", None)
    if isinstance(body, dict):
        return failures.complaint_of(body.get("error") or body)
    text = str(getattr(original, "message", "") or original)
    try:
        found, _ = json.JSONDecoder().raw_decode(text, max(text.find("{"), 0))
    except ValueError:
        found = None
    if isinstance(found, dict):
        return failures.complaint_in(json.dumps(found).encode())
    return Complaint(message=_PREFIX.sub("", text))
