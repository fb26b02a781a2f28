"""iFlytek's signature: three parameters of an address that prove who opens it, for the next five minutes."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from email.utils import formatdate

from yarl import URL

from byzer_nb.providers.wire.call import Signature
from byzer_nb.types import Secret


class SparkSigner:
    """Signs addresses with the two keys of an application."""

    def __init__(self, api_key: Secret, api_secret: Secret) -> None:
        self._api_key = api_key
        self._api_secret = api_secret

    def __call__(self, url: URL, *, date: str = "", method: str = "GET") -> Signature:
        """The parameters for that address at that date, which is now unless given."""
        host = url.host_port_subcomponent or ""  # as it stands in the header Host
        date = date or formatdate(usegmt=True)
        signed = f"host: {host}\ndate: {date}\n{method} {url.raw_path} HTTP/1.1"
        digest = hmac.new(self._api_secret.reveal().encode(), signed.encode(), hashlib.sha256).digest()
        signature = b64encode(digest).decode()
        authorization = (
            f'api_key="{self._api_key.reveal()}", algorithm="hmac-sha256", '
            f'headers="host date request-line", signature="{signature}"'
        )
        return Signature(
            query={
                "authorization": Secret(b64encode(authorization.encode()).decode()),
                "date": Secret(date),
                "host": Secret(host),
            }
        )
