"""What the gateway says about itself."""

from __future__ import annotations

from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING

from byzer_nb.serve.exchange import Exchange
from byzer_nb.serve.gathering import decoded, rows_of, summed
from byzer_nb.serve.metrics import TEXT

if TYPE_CHECKING:
    from byzer_nb.serve.gateway import Gateway


async def health(exchange: Exchange, gateway: Gateway) -> None:
    """200 and nothing else, for whoever watches whether it lives."""
    await exchange.answer(b"")


async def version(exchange: Exchange, gateway: Gateway) -> None:
    """Which byzer_nb this is."""
    await exchange.answer_json({"version": installed_version("byzer_nb")})


async def metrics(exchange: Exchange, gateway: Gateway) -> None:
    """Counters for Prometheus, over all processes of the gateway."""
    texts = [gateway.metrics.text(), *await gateway.siblings.ask("metrics")]
    await exchange.answer(summed(texts), media_type=TEXT)


async def requests(exchange: Exchange, gateway: Gateway) -> None:
    """The requests under way and the last ones; whose they are and how fast they go, and nothing of what they say.

    Where there are keys, everybody sees his own.
    """
    rows = rows_of([gateway.requests.as_json(), *map(decoded, await gateway.siblings.ask("requests"))])
    if exchange.guest is not None:
        rows = [row for row in rows if row["who"] == exchange.guest.name]
    await exchange.answer_json({"object": "list", "data": rows})
