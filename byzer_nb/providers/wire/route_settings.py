"""The settings that every provider shares: where it is, how to get there, how long to wait and how often to try."""

from __future__ import annotations

import re
import ssl
from dataclasses import replace

from yarl import URL

from byzer_nb.errors import BadInputError
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.http import Patience, Route
from byzer_nb.providers.wire.retry import Backoff
from byzer_nb.types import DeploySpec, Secret
from byzer_nb.types.masking import Mask
from byzer_nb.types.settings import Settings

USUAL = Patience()

_VERSION = re.compile(r"/v\d\w*(/|$)")


def read_route(settings: Settings, base_url: URL, *, silence: float = USUAL.first_token, retries: int = 10) -> Route:
    """The route to that address, with proxy, certificate, time limits and retries as they were set; no keys yet.

    `silence` and `retries` are what this vendor is given where the settings timeout and max_retries say nothing.
    """
    return Route(
        base_url=base_url,
        proxy=_proxy(settings),
        local_address=settings.text("local_address"),
        verify=_verify(settings),
        patience=read_patience(settings, silence),
        backoff=Backoff(retries=settings.whole("max_retries", default=retries)),
    )


def read_patience(settings: Settings, silence: float = USUAL.first_token) -> Patience:
    """`timeout` is how long a provider may be silent; the other three say it for each part of a call."""
    silence = settings.number("timeout", default=silence, least=0.001)
    return Patience(
        connect=min(silence, USUAL.connect),
        first_token=settings.number("first_token_timeout", default=silence, least=0.001),
        idle=settings.number("idle_timeout", default=min(silence, USUAL.idle), least=0.001),
        total=settings.number("total_timeout", default=0.0) or None,
    )


def with_bearer(route: Route, key: Secret) -> Route:
    """The same route with the key in the usual header."""
    return replace(route, headers={**route.headers, "Authorization": Secret(f"Bearer {key.reveal()}")})


def called_by(
    spec: DeploySpec, *, model: str, url: URL, secrets: tuple[Secret, ...], key_setting: str = "api_key"
) -> Called:
    """Who is asked, for errors; `secrets` are kept out of them."""
    return Called(
        provider=spec.engine,
        alias=spec.name,
        model=model,
        address=url.authority,
        mask=Mask(secrets),
        key_setting=key_setting,
    )


def read_url(settings: Settings, *names: str, default: str, schemes: tuple[str, ...] = ("http", "https")) -> URL:
    """An address under one of these names, checked; without the slashes at its end."""
    text = settings.text(*names, default=default)
    try:
        url = URL(text)
    except ValueError:
        url = URL()
    if url.user is not None or url.password is not None:
        raise BadInputError(f"{names[0]} must not carry a user name or a password.", hint="Use the setting api_key.")
    if url.scheme not in schemes or not url.host:
        raise BadInputError(
            f"{names[0]} must be an address such as {default!r}, not {settings.shown(text)}.",
            hint=f"Does it begin with {' or '.join(f'{scheme}://' for scheme in schemes)} ?",
        )
    return url.with_path(url.path.rstrip("/")).with_query(url.query)


def versioned(url: URL, version: str, *, tails: tuple[str, ...] = ()) -> URL:
    """The address with the vendor's version path, such as `/api/v1`, added where no version stands in it.

    `tails` are paths of calls that people copy along with the address; they are taken off.
    """
    path = url.path
    for tail in tails:
        path = path.removesuffix(f"/{tail}")
    path = path.rstrip("/")
    return url.with_path(path if _VERSION.search(path) else f"{path}{version}").with_query(url.query)


def _proxy(settings: Settings) -> str:
    found = settings.value("proxies", "proxy")
    if isinstance(found, dict):  # the form of the requests library
        found = found.get("https") or found.get("https://") or found.get("http") or found.get("http://")
    if isinstance(found, Secret):  # it carries a login
        found = found.reveal()
    proxy = str(found or "").strip().strip("\"'")
    if proxy and not _is_address(proxy):
        raise BadInputError(
            "proxies must be the address of an HTTP proxy.", hint="For example: http://proxy.example.com:3128"
        )
    return proxy


def _is_address(text: str) -> bool:
    """Whether a text is one that can be asked; what the HTTP library says of another one would show its login."""
    try:
        url = URL(text)
    except ValueError:
        return False
    return url.scheme in ("http", "https") and bool(url.host)


def _verify(settings: Settings) -> bool | ssl.SSLContext:
    found = settings.value("https_verify", "verify")
    if isinstance(found, str) and ("/" in found or "\\" in found or found.endswith((".pem", ".crt"))):
        try:
            return ssl.create_default_context(cafile=found)
        except OSError as reason:
            raise BadInputError(
                f"https_verify names a CA bundle that cannot be read: {settings.shown(found)}.", hint="Check the path."
            ) from reason
    return settings.flag("https_verify", "verify", default=True)
