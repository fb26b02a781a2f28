"""Connections to hosts: found by name, directly or through a proxy, with TLS where the address says so."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import socket
import ssl
from collections.abc import Callable
from functools import cache
from typing import Any

from aiohappyeyeballs import AddrInfoType, start_connection
from yarl import URL

from byzer_nb._http.failures import (
    BadRequestError,
    HttpError,
    NotConnectedError,
    ProxyError,
    SlowConnectError,
    UnknownHostError,
)
from byzer_nb._http.line import Limits, Line

NEXT_ADDRESS_SECONDS = 0.25  # after which the next address of a host is tried beside the first
NAMES_SECONDS = 300.0  # how long the addresses of a host are believed


class Connecting:
    """Makes connections for one session, all in the same way."""

    def __init__(self, *, tls: bool | ssl.SSLContext, proxy: str, local_address: str) -> None:
        self._tls = tls
        self._proxy = proxy
        self._local_address = local_address
        self._found: dict[tuple[str, int], asyncio.Task[list[AddrInfoType]]] = {}

    @property
    def is_through_proxy(self) -> bool:
        """Whether somebody stands between us and the server."""
        return bool(self._proxy)

    async def open(self, url: URL, *, on_end: Callable[[Line], None], limits: Limits) -> Line:
        """A fresh connection to the host of an address."""
        loop = asyncio.get_running_loop()
        in_time = asyncio.timeout(limits.connect)
        line = Line(loop, on_end=on_end)
        try:
            async with in_time:
                if self._proxy:
                    await self._through_proxy(url, line, limits)
                else:
                    await self._connected(url, line)
        except BaseException as failed:
            line.close()
            if isinstance(failed, TimeoutError) and in_time.expired():
                raise SlowConnectError from None
            raise
        return line

    async def _connected(self, url: URL, line: Line) -> None:
        loop = asyncio.get_running_loop()
        host, port = _place(url)
        local = [_any_port(self._local_address)] if self._local_address else None
        try:
            sock = await start_connection(
                await self._addresses(host, port),
                local_addr_infos=local,
                happy_eyeballs_delay=NEXT_ADDRESS_SECONDS,
                loop=loop,
            )
        except OSError as refused:
            raise NotConnectedError(refused.strerror or "no connection") from None
        context = self._context() if url.scheme == "https" else None
        await loop.create_connection(lambda: line, sock=sock, ssl=context, server_hostname=host if context else None)

    async def _through_proxy(self, url: URL, line: Line, limits: Limits) -> None:
        proxy = proxy_address(self._proxy)
        try:
            await self._connected(proxy, line)
        except (NotConnectedError, UnknownHostError):
            raise ProxyError from None
        if url.scheme != "https":
            return
        host, port = _place(url)
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        head = f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\n{proxy_login(self._proxy)}\r\n"
        try:
            await line.tunnel(head.encode("latin-1"), limits)
        except HttpError:
            raise ProxyError(line.status) from None
        await line.start_tls(self._context(), host)

    def _context(self) -> ssl.SSLContext:
        if isinstance(self._tls, ssl.SSLContext):
            return self._tls
        return _context(is_checked=self._tls)

    async def _addresses(self, host: str, port: int) -> list[AddrInfoType]:
        """Where a host is. Who asks while somebody else does waits for the same answer."""
        found = self._found.get((host, port))
        if found is None or (found.done() and (found.cancelled() or found.exception() is not None)):
            loop = asyncio.get_running_loop()
            found = self._found[host, port] = loop.create_task(_found(host, port))
            found.add_done_callback(_heard)
            loop.call_later(NAMES_SECONDS, self._forget, (host, port), found)
        return await asyncio.shield(found)

    def _forget(self, place: tuple[str, int], found: asyncio.Task[list[AddrInfoType]]) -> None:
        if self._found.get(place) is found:
            del self._found[place]


async def _found(host: str, port: int) -> list[AddrInfoType]:
    if _is_number(host):  # which needs no thread, and so works to the very end of a process
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
    try:
        return list(await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except (socket.gaierror, UnicodeError):
        raise UnknownHostError from None


def _heard(found: asyncio.Task[list[AddrInfoType]]) -> None:
    """Whoever wanted to know may have gone; then nobody else looks at what went wrong."""
    if not found.cancelled():
        found.exception()


def _is_number(host: str) -> bool:
    """Whether a host is written as its number."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _any_port(address: str) -> Any:  # Any: what getaddrinfo gives
    return socket.getaddrinfo(address, 0, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)[0]


def _place(url: URL) -> tuple[str, int]:
    host, port = url.raw_host, url.port
    if not host or not port or url.scheme not in ("http", "https"):
        raise BadRequestError
    return host, port


def proxy_address(proxy: str) -> URL:
    """The proxy's own address."""
    try:
        return URL(proxy)
    except ValueError:
        raise BadRequestError from None


def proxy_login(proxy: str) -> str:
    """The header that tells a proxy who comes, where its address says so."""
    url = proxy_address(proxy)
    return f"Proxy-Authorization: {basic(url)}\r\n" if url.user else ""


def basic(url: URL) -> str:
    """The name and the password of an address as a header has them."""
    return "Basic " + base64.b64encode(f"{url.user or ''}:{url.password or ''}".encode()).decode()


@cache
def _context(*, is_checked: bool) -> ssl.SSLContext:
    """How TLS is spoken; reading all that is trusted takes a while, and is done once."""
    context = ssl.create_default_context()
    if not is_checked:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context
