"""Texts as requests bring them: one, several, or written as token ids."""

from __future__ import annotations

from byzer_nb.client.client import AsyncClient
from byzer_nb.serve.openai.fields import refused
from byzer_nb.types import ModelCard

Input = str | list[str | int | list[int]]


async def texts_of(
    given: Input, client: AsyncClient, *, model: str, card: ModelCard, field: str, most: int
) -> list[str]:
    """The texts; token ids are turned back into them where the model has its tokenizer here."""
    if isinstance(given, str):
        return [given]
    if not given:
        raise refused(field, f"{field} is an empty list.")
    items = [given] if all(isinstance(each, int) for each in given) else given
    if len(items) > most:
        raise refused(field, f"{field} has {len(items)} texts; at most {most} are taken at once.")
    if len({type(each) for each in items}) > 1:
        raise refused(field, f"{field} mixes texts and token ids.", hint="Send texts alone, or lists of ids alone.")
    return [each if isinstance(each, str) else await _read(each, client, model, card, field) for each in items]


async def _read(ids: object, client: AsyncClient, model: str, card: ModelCard, field: str) -> str:
    assert isinstance(ids, list)
    if not ids:
        raise refused(field, f"{field} has an empty list of token ids.")
    if not card.capabilities.tokenizer:
        raise refused(
            field, f"The model {model!r} has no tokenizer here that reads token ids.", hint="Send the text itself."
        )
    return await client.detokenize(ids, model=model)
