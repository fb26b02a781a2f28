"""Requests from one event loop, over connections that are kept."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping

from multidict import CIMultiDict
from yarl import URL

from byzer_nb._http.answer import Answer
from byzer_nb._http.connecting import Connecting, basic, proxy_login
from byzer_nb._http.failures import BadRequestError
from byzer_nb._http.line import Limits, Line
from byzer_nb._http.unpacking import ACCEPTED

MOST_REDIRECTS = 10
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_HEADS = 64  # that are remembered
STANDARD = {"Accept": "*/*", "Accept-Encoding": ACCEPTED}
BREAKS = frozenset("\r\n\0")


class HttpSession:
    """Sends requests; `headers` go with each of them, and a request's own ones win."""

    def __init__(
        self,
        *,
        headers: Mapping[str, str] | None = None,
        tls: bool | ssl.SSLContext = True,
        proxy: str = "",
        local_address: str = "",
        keep_alive_seconds: float = 30.0,
    ) -> None:
        self.closed = False
        self._loop = asyncio.get_running_loop()
        self._headers = dict(headers or {})
        self._names = frozenset(name.lower() for name in (*STANDARD, *self._headers, "Host"))  # that are written anyway
        self._connecting = Connecting(tls=tls, proxy=proxy, local_address=local_address)
        self._proxy = proxy
        self._keep_alive_seconds = keep_alive_seconds
        self._origins: dict[URL, str] = {}
        self._idle: dict[str, list[Line]] = {}
        self._lines: dict[Line, str] = {}  # all that are open, each with where it goes
        self._heads: dict[tuple[str, URL], bytes] = {}
        self._sweep: asyncio.TimerHandle | None = None

    async def request(
        self,
        method: str,
        url: URL,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
        follows: bool = False,
    ) -> Answer:
        """The answer to a request, once its head is here; `follows` goes where a redirect points."""
        limits = limits or Limits()
        for _ in range(MOST_REDIRECTS):
            answer = await self._answer(method, url, body, headers, limits)
            if not follows or answer.status not in REDIRECTS or "Location" not in answer.headers:
                return answer
            answer.close()
            try:
                url = url.join(URL(answer.headers["Location"]))
            except ValueError:
                raise BadRequestError from None
        return answer

    async def _answer(
        self, method: str, url: URL, body: bytes, headers: Mapping[str, str] | None, limits: Limits
    ) -> Answer:
        head = self._head(method, url, headers)
        if body or method == "POST":
            head += b"Content-Length: %d\r\n" % len(body)
        line = self._kept(url) or await self._opened(url, limits)
        try:
            await line.exchange(head + b"\r\n", body, limits)
            return Answer(line, release=self._release)
        except BaseException:
            line.close()
            raise

    # -- connections ----------------------------------------------------------------------------------------------

    def _kept(self, url: URL) -> Line | None:
        idle = self._idle.get(self._origin(url))
        oldest = self._loop.time() - self._keep_alive_seconds
        while idle:
            line = idle.pop()
            if line.idle_since > oldest and line.can_go_on:
                return line
            line.close()
        return None

    async def _opened(self, url: URL, limits: Limits) -> Line:
        line = await self._connecting.open(url, on_end=self._forget, limits=limits)
        self._lines[line] = self._origin(url)
        if self.closed:  # meanwhile
            line.close()
        return line

    def _release(self, line: Line) -> None:
        if not line.can_go_on or self.closed:
            line.close()
            return
        line.idle_since = self._loop.time()
        self._idle.setdefault(self._lines[line], []).append(line)
        if self._sweep is None:
            self._sweep = self._loop.call_later(self._keep_alive_seconds, self._close_old)

    def _forget(self, line: Line) -> None:
        origin = self._lines.pop(line, "")
        idle = self._idle.get(origin)
        if idle and line in idle:
            idle.remove(line)

    def _close_old(self) -> None:
        """Hang up what nobody needed for a while; servers do the same, and would rather be told."""
        self._sweep = None
        oldest = self._loop.time() - self._keep_alive_seconds
        for line in [line for idle in self._idle.values() for line in idle if line.idle_since <= oldest]:
            line.close()
        if any(self._idle.values()):
            self._sweep = self._loop.call_later(self._keep_alive_seconds, self._close_old)

    def _origin(self, url: URL) -> str:
        origin = self._origins.get(url)
        if origin is None:
            if len(self._origins) >= MOST_HEADS:
                self._origins.clear()
            # All that is not encrypted goes over the same connections to a proxy.
            is_shared = self._connecting.is_through_proxy and url.scheme == "http"
            origin = self._origins[url] = "" if is_shared else f"{url.scheme}://{url.raw_host}:{url.port}"
        return origin

    async def close(self) -> None:
        """Close every connection; whoever reads an answer is told that it broke."""
        self.closed = True
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for line in list(self._lines):
            line.close()

    # -- heads ----------------------------------------------------------------------------------------------------

    def _head(self, method: str, url: URL, headers: Mapping[str, str] | None) -> bytes:
        """The head of a request, but for its last lines; what is the same for all is written once."""
        if headers and (url.user is not None or any(name.lower() in self._names for name in headers)):
            return self._written(method, url, headers)
        head = self._heads.get((method, url))
        if head is None:
            if len(self._heads) >= MOST_HEADS:  # addresses that are signed differ each time
                self._heads.clear()
            head = self._heads[method, url] = self._written(method, url, {})
        return head + _header_lines(headers) if headers else head

    def _written(self, method: str, url: URL, own: Mapping[str, str]) -> bytes:
        named: CIMultiDict[str] = CIMultiDict(STANDARD, Host=url.host_port_subcomponent or "")
        if url.user is not None:
            named["Authorization"] = basic(url)
        named.update(self._headers)
        named.update(own)
        target = url.raw_path_qs
        login = ""
        if self._connecting.is_through_proxy and url.scheme == "http":
            target = str(url.with_user(None).with_fragment(None))
            login = proxy_login(self._proxy)
        return f"{method} {target} HTTP/1.1\r\n{login}".encode() + _header_lines(named)


def _header_lines(headers: Mapping[str, str]) -> bytes:
    lines = [f"{name}: {value}" for name, value in headers.items()]
    if any(BREAKS.intersection(line) for line in lines):
        raise BadRequestError
    try:
        return "".join([f"{line}\r\n" for line in lines]).encode()
    except UnicodeEncodeError:
        raise BadRequestError from None
