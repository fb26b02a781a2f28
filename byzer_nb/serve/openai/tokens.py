"""`/tokenize` and `/detokenize`: the tokens of a model that runs here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from byzer_nb.serve.exchange import Exchange
from byzer_nb.serve.openai.fields import refuse_fields, refused
from byzer_nb.serve.openai.messages import Json, Tool, Turn, as_messages

if TYPE_CHECKING:
    from byzer_nb.serve.gateway import Gateway


class TokenizeBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A text, or turns that the model's template writes down first. No token is added to either."""

    model: str
    prompt: str | None = None
    messages: list[Turn] | None = None
    add_special_tokens: bool = False
    add_generation_prompt: bool = True
    continue_final_message: bool = False
    return_token_strs: bool | None = None
    chat_template: str | None = None
    chat_template_kwargs: Json | None = None
    mm_processor_kwargs: Json | None = None
    tools: list[Tool] | None = None


class DetokenizeBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Token ids."""

    model: str
    tokens: list[int]


_read_tokenize = msgspec.json.Decoder(TokenizeBody)
_read_detokenize = msgspec.json.Decoder(DetokenizeBody)


async def tokenize(exchange: Exchange, gateway: Gateway) -> None:
    """The ids of a text, and how many the model takes."""
    body = await exchange.read(_read_tokenize)
    async with exchange.attended():
        model, card = await gateway.card(body.model)
        if (body.prompt is None) == (body.messages is None):
            raise refused("prompt", "Send either a prompt or messages.")
        refuse_fields(
            {
                "add_special_tokens": body.add_special_tokens or None,
                "add_generation_prompt": None if body.add_generation_prompt else False,
                "continue_final_message": body.continue_final_message or None,
                "return_token_strs": body.return_token_strs or None,
                "chat_template": body.chat_template,
                "chat_template_kwargs": body.chat_template_kwargs,
                "mm_processor_kwargs": body.mm_processor_kwargs,
                "tools": body.tools or None,
            }
        )
        exchange.entry.asking(model)
        text = body.prompt
        if text is None:
            text = await gateway.client.apply_template(as_messages(body.messages or []), model=model)
        ids = await gateway.client.tokenize(text, model=model)
        exchange.entry.heard()
    answer = {"tokens": ids, "count": len(ids), "max_model_len": card.context_length or None}
    await exchange.answer_json(answer)


async def detokenize(exchange: Exchange, gateway: Gateway) -> None:
    """The text of some ids."""
    body = await exchange.read(_read_detokenize)
    async with exchange.attended():
        model, _ = await gateway.card(body.model)
        exchange.entry.asking(model)
        text = await gateway.client.detokenize(body.tokens, model=model)
        exchange.entry.heard()
    await exchange.answer_json({"prompt": text})
