"""A conversation that is too long for a model, without its oldest turns."""

from __future__ import annotations

from collections.abc import Sequence

from byzer_nb.client.client import AsyncClient
from byzer_nb.serve.asking import Question
from byzer_nb.types import Message, ModelCard

LEAST_ANSWER = 16  # tokens that are left for it where nobody says how many


async def fitted(
    client: AsyncClient, question: Question, card: ModelCard
) -> tuple[tuple[Message, ...], tuple[str, ...]]:
    """The messages that the model has room for, and a sentence about those that were left out.

    What the system says and the last turn stay. A model whose tokenizer is not at hand is asked with all of them.
    """
    able = card.capabilities
    if not (able.tokenizer and able.chat_template and card.context_length):
        return question.messages, ("truncation has no effect here.",)
    room = max(card.context_length - (question.options.max_tokens or LEAST_ANSWER), card.context_length // 2)
    groups = _groups(question.messages)

    async def fits(left_out: int) -> bool:
        text = await client.apply_template(_without(question.messages, groups[:left_out]), model=question.model)
        return len(await client.tokenize(text, model=question.model)) <= room

    if await fits(0):
        return question.messages, ()
    low, high = 1, len(groups)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if await fits(middle) else (middle + 1, high)
    messages = _without(question.messages, groups[:low])
    count = len(question.messages) - len(messages)
    told = f"The oldest {count} messages were left out, because the model has no room for them."
    return messages, (told,) if count else ()


def _groups(messages: Sequence[Message]) -> list[list[int]]:
    """The places of what can be left out together: a turn of the user with all that came of it, but for the last."""
    groups: list[list[int]] = []
    for place, message in enumerate(messages):
        if message.role == "system":
            continue
        if message.role == "user" or not groups:
            groups.append([])
        groups[-1].append(place)
    return groups[:-1]


def _without(messages: Sequence[Message], groups: Sequence[Sequence[int]]) -> tuple[Message, ...]:
    left_out = {place for group in groups for place in group}
    return tuple(message for place, message in enumerate(messages) if place not in left_out)
