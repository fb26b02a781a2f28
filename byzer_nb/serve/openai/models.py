"""`/v1/models`, which OpenAI's clients and Anthropic's have in common; the latter send a version of their protocol."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from byzer_nb.serve.exchange import Exchange
from byzer_nb.serve.openai.messages import Json

if TYPE_CHECKING:
    from byzer_nb.serve.gateway import Gateway

OWNER = "byzerllm"
_started = int(time.time())


async def list_models(exchange: Exchange, gateway: Gateway) -> None:
    """Everything that can be asked."""
    names = await gateway.models()
    if _is_anthropic(exchange):
        ends = {"first_id": names[0], "last_id": names[-1], "has_more": False}
        await exchange.answer_json({"data": [_anthropic_card(name) for name in names], **ends})
        return
    await exchange.answer_json({"object": "list", "data": [_card(name) for name in names]})


async def one_model(exchange: Exchange, gateway: Gateway) -> None:
    """One of them."""
    name = exchange.part_of_path("name")
    _, card = await gateway.card(name)
    if _is_anthropic(exchange):
        await exchange.answer_json(_anthropic_card(name) | {"max_input_tokens": card.context_length or None})
        return
    await exchange.answer_json(_card(name))


def _is_anthropic(exchange: Exchange) -> bool:
    return bool(exchange.header(b"anthropic-version"))


def _card(name: str) -> Json:
    return {"id": name, "object": "model", "created": _started, "owned_by": OWNER}


def _anthropic_card(name: str) -> Json:
    began = datetime.fromtimestamp(_started, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": "model", "id": name, "display_name": name, "created_at": began, "lifecycle": "active"}
