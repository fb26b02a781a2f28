"""Amazon's Signature Version 4: what proves to its services who asks, made from the request and two keys."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote

from yarl import URL

from byzer_nb.providers.wire.call import Call, Signature
from byzer_nb.providers.wire.http import Sign, Wire
from byzer_nb.types import Secret

ALGORITHM = "AWS4-HMAC-SHA256"
UNRESERVED = "-_.~"


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """The keys of an account; those that are lent for a time come with a token."""

    access_key: Secret
    secret_key: Secret
    session_token: Secret | None = None


def signer(credentials: Credentials, *, region: str, service: str) -> Sign:
    """Signs calls to that service in that region, each with the time at which it is sent."""

    async def sign(_: Wire, call: Call, url: URL) -> Signature:
        return signed(call, url, credentials, region=region, service=service, at=datetime.now(UTC))

    return sign


def signed(call: Call, url: URL, credentials: Credentials, *, region: str, service: str, at: datetime) -> Signature:
    """The headers that sign a call; the call's own headers, the host and the body cannot be changed afterwards."""
    time = at.strftime("%Y%m%dT%H%M%SZ")
    day = time[:8]
    added = {"X-Amz-Date": Secret(time)}
    if credentials.session_token is not None:
        added["X-Amz-Security-Token"] = credentials.session_token
    headers = {
        "host": url.host_port_subcomponent or "",
        **{name.lower(): " ".join(value.split()) for name, value in call.headers.items()},
        **{name.lower(): value.reveal() for name, value in added.items()},
    }
    names = ";".join(sorted(headers))
    scope = f"{day}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(canonical_request(call, url, headers).encode()).hexdigest()
    key = signing_key(credentials.secret_key, day=day, region=region, service=service)
    proof = hmac.digest(bytes.fromhex(key.reveal()), f"{ALGORITHM}\n{time}\n{scope}\n{digest}".encode(), "sha256").hex()
    credential = f"{credentials.access_key.reveal()}/{scope}"
    added["Authorization"] = Secret(f"{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={proof}")
    return Signature(headers=added)


@lru_cache(maxsize=16)  # it is the same all day, and costs more than the rest of a signature
def signing_key(secret_key: Secret, *, day: str, region: str, service: str) -> Secret:
    """The key of a day, in hexadecimal digits."""
    key = f"AWS4{secret_key.reveal()}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return Secret(key.hex())


def canonical_request(call: Call, url: URL, headers: Mapping[str, str]) -> str:
    """The request in the one form that both sides sign."""
    names = sorted(headers)
    return "\n".join(
        [
            call.method,
            _path(url.raw_path),
            _query(url),
            *(f"{name}:{headers[name]}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256(call.body).hexdigest(),
        ]
    )


@lru_cache(maxsize=64)  # an engine asks at two of them
def _path(raw: str) -> str:
    """The path, encoded once more than it is sent: every service but S3 wants that. Empty segments go."""
    path = "/".join(segment for segment in raw.split("/") if segment)
    tail = "/" if path and raw.endswith("/") else ""
    return "/" + quote(path, safe="/" + UNRESERVED) + tail


def _query(url: URL) -> str:
    if not url.raw_query_string:
        return ""
    pairs = sorted((quote(name, safe=UNRESERVED), quote(value, safe=UNRESERVED)) for name, value in url.query.items())
    return "&".join(f"{name}={value}" for name, value in pairs)
