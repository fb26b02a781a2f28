"""What can be done with a response that was given: read it, follow it, cancel it, forget it, and read its input."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from byzer_nb.serve.exchange import Exchange
from byzer_nb.serve.openai.fields import refused
from byzer_nb.serve.responses.found import Found, found
from byzer_nb.serve.responses.items import page_of
from byzer_nb.serve.responses.telling import Part

if TYPE_CHECKING:
    from byzer_nb.serve.gateway import Gateway

USUAL_PAGE = 20
LARGEST_PAGE = 100


async def read_response(exchange: Exchange, gateway: Gateway) -> None:
    """The response as it is now; as a stream it can be followed if it is made in the background as one."""
    kept = await _named(exchange, gateway)
    query = exchange.query()
    if query.get("stream", "").lower() not in ("true", "1"):
        await exchange.answer(kept.body)
        return
    if not kept.has_events:
        raise refused("stream", f"{kept.id!r} was not made in the background as a stream, so there is none to follow.")
    start = _number(query, "starting_after", usual=-1, least=-1, most=1 << 62) + 1
    await exchange.body()
    async with exchange.attended():
        await exchange.stream(kept.events(start))


async def forget_response(exchange: Exchange, gateway: Gateway) -> None:
    """Let a response go."""
    kept = await _named(exchange, gateway)
    await kept.forget()
    await exchange.answer_json({"id": kept.id, "object": "response", "deleted": True})


async def cancel_response(exchange: Exchange, gateway: Gateway) -> None:
    """Stop a response that is made in the background; one that is whole stays as it is."""
    kept = await _named(exchange, gateway)
    if not kept.is_background:
        raise refused("response_id", f"{kept.id!r} was not made in the background, so it cannot be cancelled.")
    await kept.cancel()
    await exchange.answer(kept.body)


async def read_input_items(exchange: Exchange, gateway: Gateway) -> None:
    """What a response answers, item by item."""
    kept = await _named(exchange, gateway, part="items")
    query = exchange.query()
    order = query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise refused("order", f"order is asc or desc, not {order!r}.")
    limit = _number(query, "limit", usual=USUAL_PAGE, least=1, most=LARGEST_PAGE)
    items = msgspec.json.decode(kept.items)
    page = page_of(items, after=query.get("after", ""), limit=limit, is_ascending=order == "asc")
    await exchange.answer_json(page)


async def _named(exchange: Exchange, gateway: Gateway, *, part: Part = "") -> Found:
    return await found(exchange, gateway, exchange.part_of_path("id"), param="response_id", part=part)


def _number(query: dict[str, str], name: str, *, usual: int, least: int, most: int) -> int:
    given = query.get(name)
    if given is None:
        return usual
    try:
        number = int(given)
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise refused(name, f"{name} is a number from {least} to {most}, not {given!r}.")
    return number
