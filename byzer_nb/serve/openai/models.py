"""`/v1/models`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from byzer_nb.serve.exchange import Exchange
from byzer_nb.serve.openai.messages import Json

if TYPE_CHECKING:
    from byzer_nb.serve.gateway import Gateway

OWNER = "byzerllm"
_started = int(time.time())


async def list_models(exchange: Exchange, gateway: Gateway) -> None:
    """Everything that can be asked."""
    await exchange.answer_json({"object": "list", "data": [_card(name) for name in await gateway.models()]})


async def one_model(exchange: Exchange, gateway: Gateway) -> None:
    """One of them."""
    name = exchange.part_of_path("name")
    await gateway.card(name)
    await exchange.answer_json(_card(name))


def _card(name: str) -> Json:
    return {"id": name, "object": "model", "created": _started, "owned_by": OWNER}
