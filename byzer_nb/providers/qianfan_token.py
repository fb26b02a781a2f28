"""The access token of an application at Baidu: asked for with its two keys, kept, and asked for anew when refused."""

from __future__ import annotations

import asyncio
import time
from weakref import WeakKeyDictionary

import msgspec
from yarl import URL

from byzer_nb.errors import ModelCallError
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.call import Call, Signature
from byzer_nb.providers.wire.failures import Called, Complaint
from byzer_nb.providers.wire.http import Wire
from byzer_nb.providers.wire.retry import Backoff
from byzer_nb.types import Secret

USED_SHARE = 0.9  # of its time to live; a token that runs out on its way helps nobody


class Granted(msgspec.Struct, gc=False):
    """What the token service answers."""

    access_token: str = ""
    expires_in: float = 0.0
    error: str = ""
    error_description: str = ""


_decode = msgspec.json.Decoder(Granted).decode


class GivenToken:
    """A token that the user brought along: nobody here can get another."""

    def __init__(self, token: Secret) -> None:
        self.current: Secret | None = token

    async def sign(self, wire: Wire, call: Call, url: URL) -> Signature:
        """The token as the protocol wants it: among the parameters of the address."""
        assert self.current is not None
        return Signature(query={"access_token": self.current})

    def renews(self, refused: Secret | None) -> bool:
        """Whether there will be another token; never."""
        return False


class FetchedToken:
    """A token that is asked for at `path` on the first call."""

    def __init__(self, path: str, api_key: Secret, secret_key: Secret) -> None:
        self.current: Secret | None = None
        self._path = path
        self._api_key = api_key
        self._secret_key = secret_key
        self._good_until = 0.0
        # Many first calls want one token; a lock belongs to a loop, and calls come from several.
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()

    async def sign(self, wire: Wire, call: Call, url: URL) -> Signature:
        """The token as the protocol wants it: among the parameters of the address."""
        async with self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            token = self.current
            if token is None or time.monotonic() > self._good_until:
                token = await self._fetched(wire)
        return Signature(query={"access_token": token})

    def renews(self, refused: Secret | None) -> bool:
        """Forget a token that was refused, unless another call did already; there will be another."""
        if refused is None or refused == self.current:
            self.current = None
        return True

    async def _fetched(self, wire: Wire) -> Secret:
        query = {
            "grant_type": "client_credentials",
            "client_id": self._api_key.reveal(),
            "client_secret": self._secret_key.reveal(),
        }
        # Tried once: the call that needs the token is tried again as a whole.
        call = Call(path=self._path, query=query, is_signed=False, backoff=Backoff(retries=0))
        del query  # an error shows the frames that it comes from
        granted = await wire.ask(call, read=lambda body, _: _granted(body))
        if granted is None or not granted.access_token:
            raise _without_token(granted, wire.called)
        self._good_until = time.monotonic() + granted.expires_in * USED_SHARE
        self.current = Secret(granted.access_token)
        return self.current


Token = GivenToken | FetchedToken


def _granted(body: bytes) -> Granted | None:
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None  # not quoted in an error: it may hold half a token


def _without_token(granted: Granted | None, called: Called) -> ModelCallError:
    if granted is None or not granted.error:
        return failures.unreadable(b"", called)
    complaint = Complaint(message=granted.error_description, code=granted.error)
    meant = 401 if "client" in granted.error else 500
    return failures.classified(complaint, meant=meant, headers={}, called=called)
