"""What went wrong at a provider, as one of our errors: from an HTTP status, an error body or a broken connection.

No error here carries a key: a provider's words are masked, and the exceptions of the HTTP library lose their traceback,
whose frames hold the request's headers.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from time import time
from typing import Any, TypeVar

import aiohttp
import msgspec

from byzer_nb._http.failures import (
    BadRequestError,
    LateError,
    NoHttpError,
    NotConnectedError,
    ProxyError,
    SilentError,
    SlowConnectError,
    UnknownHostError,
)
from byzer_nb.errors import (
    CallTimeoutError,
    ModelCallError,
    RateLimitedError,
    RefusedError,
    UnreachableError,
)
from byzer_nb.types.masking import Mask

Error = TypeVar("Error", bound=BaseException)

# Codes of our own, for failures that the provider could not number itself.
REFUSED_CONNECTION = "not_connected"
UNKNOWN_HOST = "unknown_host"
BAD_CERTIFICATE = "bad_certificate"
BROKEN = "connection_broken"
CUT_OFF = "cut_off"
UNREADABLE = "unreadable"
TIMED_OUT = "timed_out"
CLOSED = "closed"
TOO_LARGE = "too_large"
NO_SOUND = "no_sound"
NEVER_THERE = frozenset({REFUSED_CONNECTION, UNKNOWN_HOST})

LONGEST_QUOTE = 500
REQUEST_ID_HEADERS = (
    "x-request-id",
    "request-id",
    "x-trace-id",
    "x-amzn-requestid",
    "apim-request-id",
    "x-tt-logid",
    "trace-id",
    "x-bc-request-id",
)
STATUS_OF_TYPE = {
    "authentication_error": 401,
    "invalid_api_key": 401,
    "permission_error": 403,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "overloaded_error": 529,
    "server_error": 500,
    "api_error": 500,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Called:
    """Who was asked: enough to say so in an error."""

    provider: str
    alias: str
    model: str
    address: str
    mask: Mask = field(repr=False)
    key_setting: str = "api_key"  # what to look at when the key is refused
    place_settings: str = "model and base_url"  # what to look at when nothing is found there

    def __str__(self) -> str:
        return f"{self.alias!r} ({self.model} at {self.address})"

    def facts(self) -> dict[str, Any]:  # Any: keyword arguments
        """The fields of an error that are known before anything happens."""
        return {"provider": self.provider, "model": self.alias}


@dataclass(frozen=True, kw_only=True, slots=True)
class Complaint:
    """A provider's own account of a failure."""

    message: str = ""
    code: str = ""
    request_id: str = ""


def from_status(status: int, body: bytes, headers: Mapping[str, str], called: Called) -> ModelCallError:
    """The error behind an answer that is not a success."""
    if 300 <= status < 400:
        place = called.mask.apply(headers.get("Location", "an unnamed place"))
        return ModelCallError(
            f"{called} answered HTTP {status}: moved to {place!r}.",
            hint="Give the new address as base_url; keys are not sent after a redirect.",
            status=status,
            **called.facts(),
        )
    return classified(complaint_in(body), meant=status, status=status, headers=headers, called=called)


def from_error_object(
    error: object, headers: Mapping[str, str], called: Called, *, status: int = 200
) -> ModelCallError:
    """The error behind an `error` object that came with a success status, or inside a stream."""
    complaint = complaint_of(error)
    meant = int(complaint.code) if complaint.code.isdecimal() and 400 <= int(complaint.code) < 600 else None
    kind = str(error.get("type", "")) if isinstance(error, dict) else ""
    meant = meant or STATUS_OF_TYPE.get(complaint.code) or STATUS_OF_TYPE.get(kind) or 0
    return classified(complaint, meant=meant, status=status, headers=headers, called=called)


def classified(
    complaint: Complaint, *, meant: int, status: int = 200, headers: Mapping[str, str], called: Called
) -> ModelCallError:
    """A provider's complaint as one of our errors; `meant` is the HTTP status that says the same as its own code."""
    facts: dict[str, Any] = {  # Any: the keyword arguments of an error
        **called.facts(),
        "status": status,
        "code": called.mask.apply(complaint.code),
        "request_id": complaint.request_id
        or next((headers[name] for name in REQUEST_ID_HEADERS if name in headers), ""),
    }
    words = called.mask.apply(complaint.message)[:LONGEST_QUOTE].strip() or "no reason given"
    number = f"HTTP {status}" if status >= 400 else ""  # an error that comes with a success says nothing by its number
    said = f"{called} answered{' ' * bool(number)}{number}: {words}"
    match meant:
        case 401:
            # The provider's words are left out: they quote the key.
            detail = ", ".join(filter(None, (number, facts["code"])))
            said = f"{called} refused the key{f' ({detail})' if detail else ''}."
            return RefusedError(
                said, hint=f"Check the setting{'s' * (' ' in called.key_setting)} {called.key_setting}.", **facts
            )
        case 402:
            return RefusedError(said, hint="The account has no credit left; top it up or use another key.", **facts)
        case 403:
            return RefusedError(
                said, hint="This key may not do that: check its rights, the model and the region.", **facts
            )
        case 404:
            return ModelCallError(said, hint=f"Check the settings {called.place_settings}.", **facts)
        case 408 | 504:
            return CallTimeoutError(
                said, hint="Try again, or give it longer with the setting timeout.", retryable=True, **facts
            )
        case 413:
            return ModelCallError(said, hint="Send less: a shorter conversation or smaller pictures.", **facts)
        case 429:
            return _rate_limited(said, headers, facts)
        case 409 | 425:
            return ModelCallError(said, hint="Try again.", retryable=True, **facts)
    if meant >= 500:
        return ModelCallError(
            said, hint="The provider has trouble of its own; try again later.", retryable=True, **facts
        )
    if "context_length" in complaint.code:
        return ModelCallError(said, hint="Shorten the conversation, or ask for fewer tokens with max_tokens.", **facts)
    return ModelCallError(said, hint="The provider's own words say what to change.", **facts)


def _rate_limited(said: str, headers: Mapping[str, str], facts: dict[str, Any]) -> RateLimitedError:
    is_out_of_credit = facts["code"] == "insufficient_quota"
    error = RateLimitedError(
        said,
        hint="The account has no credit left; top it up or use another key."
        if is_out_of_credit
        else "Ask less at once, or wait longer for an answer with the setting max_retries.",
        retryable=not is_out_of_credit,
        **facts,
    )
    error.retry_after = retry_after(headers)
    return error


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the provider asks us to wait, however it wrote them."""
    if (milliseconds := _number(headers.get("retry-after-ms", ""))) is not None:
        return milliseconds / 1000
    wish = headers.get("Retry-After", "")
    if (seconds := _number(wish)) is not None:
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(wish).timestamp() - time())
    except ValueError:
        return None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def from_exception(original: Exception, called: Called, *, seconds: float | None = None) -> ModelCallError:
    """The error behind a failed connection; `seconds` is the limit of the whole call, where that is what ran out."""
    match original:
        case SlowConnectError() | aiohttp.ConnectionTimeoutError():
            return _timed_out(called, "did not accept a connection in time", "Is the host reachable from here?")
        case SilentError() | aiohttp.SocketTimeoutError():
            return was_silent(called)
        case LateError() | TimeoutError():
            limit = f" in {seconds:g} s" if seconds is not None else " in time"
            return _timed_out(called, f"gave no whole answer{limit}", "Give it longer with the option timeout.")
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError() | ssl.SSLError():
            return UnreachableError(
                f"{called} has a certificate that cannot be trusted, or speaks no TLS.",
                hint="Give your own CA bundle as https_verify='/path/to/ca.pem', or check base_url.",
                code=BAD_CERTIFICATE,
                **called.facts(),
            )
        case UnknownHostError() | aiohttp.ClientConnectorDNSError() | UnicodeError():
            return UnreachableError(
                f"{called} cannot be reached: nobody knows that host.",
                hint="Check the host in base_url, and the network.",
                code=UNKNOWN_HOST,
                retryable=True,
                **called.facts(),
            )
        case aiohttp.ClientProxyConnectionError() | ProxyError(status=0):
            return _not_connected(called, "the proxy does not answer", "Check the setting proxies.")
        case aiohttp.ClientHttpProxyError() | ProxyError():
            return _not_connected(called, f"the proxy answered HTTP {original.status}", "Check the setting proxies.")
        case BadRequestError() | aiohttp.InvalidURL():
            return UnreachableError(
                f"{called} cannot be reached: an address on the way there is no address.",
                hint="Look at HTTP_PROXY and HTTPS_PROXY in the environment, and at what it answers.",
                code=UNKNOWN_HOST,
                **called.facts(),
            )
        case NoHttpError() | aiohttp.ClientResponseError():
            return ModelCallError(
                f"{called} answered with something that is not HTTP.",
                hint="Check the setting base_url: its port, and whether it begins with https://.",
                code=UNREADABLE,
                **called.facts(),
            )
        case NotConnectedError() | aiohttp.ClientConnectorError():
            reason = original.reason if isinstance(original, NotConnectedError) else original.os_error.strerror
            return _not_connected(
                called, reason or "no connection", "Is a server running there? Check the setting base_url."
            )
        case _:
            return broken(called)


def _timed_out(called: Called, what: str, hint: str) -> CallTimeoutError:
    return CallTimeoutError(f"{called} {what}.", hint=hint, code=TIMED_OUT, retryable=True, **called.facts())


def was_silent(called: Called) -> CallTimeoutError:
    """Nothing came for longer than the route allows."""
    return _timed_out(called, "was silent for too long", "Give it longer with the setting timeout.")


def too_large(called: Called, most: int) -> ModelCallError:
    """An answer that never ends, or an event of absurd size."""
    return ModelCallError(
        f"{called} answered with more than {most >> 20} MB at once.",
        hint="Check the setting base_url, or ask for less.",
        code=TOO_LARGE,
        **called.facts(),
    )


def _not_connected(called: Called, reason: str, hint: str) -> UnreachableError:
    return UnreachableError(
        f"{called} cannot be reached: {reason}.", hint=hint, code=REFUSED_CONNECTION, retryable=True, **called.facts()
    )


def broken(called: Called) -> UnreachableError:
    """The connection was lost before the answer was whole."""
    return UnreachableError(
        f"{called} broke the connection before the answer was whole.",
        hint="Try again.",
        code=BROKEN,
        retryable=True,
        **called.facts(),
    )


def cut_off(called: Called) -> UnreachableError:
    """The stream ended politely, but in the middle of the answer."""
    return UnreachableError(
        f"{called} ended the stream in the middle of the answer.",
        hint="Try again.",
        code=CUT_OFF,
        retryable=True,
        **called.facts(),
    )


def closed(called: Called) -> UnreachableError:
    """The engine was closed, before the call or in the middle of its answer."""
    return UnreachableError(f"{called} was closed.", hint="Deploy the model again.", code=CLOSED, **called.facts())


def unreadable(answer: bytes, called: Called) -> ModelCallError:
    """The answer is not what the protocol promises."""
    text = answer.decode("utf-8", "replace").strip()
    shown = "a web page" if text.startswith("<") else repr(called.mask.apply(text)[:200])
    return ModelCallError(
        f"{called} answered with something that is not its protocol: {shown}.",
        hint="Check the setting base_url.",
        code=UNREADABLE,
        **called.facts(),
    )


def instead_of_sound(answer: bytes, headers: Mapping[str, str], called: Called) -> ModelCallError:
    """The error behind a document that came in the place of sound."""
    try:
        found = msgspec.json.decode(answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = None
    if isinstance(found, dict) and found.get("error"):
        return from_error_object(found["error"], headers, called)
    return unreadable(answer, called)


def without_sound(called: Called) -> ModelCallError:
    """The answer is a success, and empty."""
    return ModelCallError(
        f"{called} answered without any sound.",
        hint="Is there something to say in the text, and does the voice speak its language?",
        code=NO_SOUND,
        **called.facts(),
    )


def bare(error: Error) -> Error:
    """The error without the frames that read the answer: a vendor may quote the key in it, and frames are shown."""
    link: BaseException | None = error
    while link is not None:
        link.__traceback__ = None
        link = link.__cause__ or link.__context__
    return error


def cause_of(original: Exception) -> BaseException | None:
    """What may be shown as the cause: not what holds headers or proxies, and nothing with a traceback to them."""
    match original:
        case aiohttp.ClientResponseError() | aiohttp.InvalidURL():
            return None
        case aiohttp.ClientConnectorError():
            shown: BaseException = original.os_error
        case _:
            shown = original
    return bare(shown)


def complaint_in(body: bytes) -> Complaint:
    """What a body says about a failure, in any of the usual forms."""
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = body.decode("utf-8", "replace").strip()
        return Complaint(message="" if text.startswith("<") else text)
    if not isinstance(answer, dict):
        return complaint_of(answer)
    complaint = complaint_of(answer.get("error") or answer)
    # Some number the request beside the error and not in it.
    return replace(
        complaint, request_id=complaint.request_id or str(answer.get("request_id") or answer.get("id") or "")
    )


def complaint_of(error: object) -> Complaint:
    """What an error object says."""
    if not isinstance(error, dict):
        return Complaint(message=str(error))
    message = next(
        (error[name] for name in ("message", "Message", "error_msg", "msg", "detail") if error.get(name)), ""
    )
    code = next((error[name] for name in ("code", "error_code", "type") if error.get(name) not in (None, "")), "")
    return Complaint(message=str(message), code=str(code), request_id=str(error.get("request_id") or ""))
