"""Pages of the web in a browser on this machine: a gateway without keys answers only those that are from here too.

A page may send requests to any address, also to one on loop-back, and by a name of its own that it lets point there it
may even read the answers.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from byzer_nb.serve.exchange import Exchange
from byzer_nb.serve.refusals import RefusalError
from byzer_nb.serve.settings import ServeSettings, is_loop_back


def refuse_strangers(exchange: Exchange, settings: ServeSettings) -> None:
    """Raise when a request came by a name that is not this machine's, or from a page that is not allowed."""
    host = exchange.header(b"host")
    if host and not _is_this_machine(host):
        raise _refusal(f"This gateway is not called {host!r}.", "Ask it at 127.0.0.1, or start it with a key.")
    origin = exchange.header(b"origin")
    if not origin or _is_of_here(_name_in(origin)):
        return
    cors = settings.cors
    if cors is None or not {"*", origin}.intersection(cors.origins):
        raise _refusal(
            f"A page of {origin!r} may not call.", f"Start the gateway with --allowed_origins '[\"{origin}\"]'."
        )


@lru_cache(256)
def _is_this_machine(host: str) -> bool:
    return is_loop_back(_name_in(f"//{host}"))


def _is_of_here(name: str) -> bool:
    # Browsers look names below localhost up nowhere else; apps that are pages in a window of their own have such names.
    return is_loop_back(name) or name.endswith(".localhost")


def _name_in(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:  # a bracket without its other half
        return ""


def _refusal(message: str, hint: str) -> RefusalError:
    return RefusalError(message, status=403, code="stranger", hint=hint)
