"""Questions whose turns are written down by a template with a name, and not by the model's own."""

from __future__ import annotations

from dataclasses import replace

from byzer_nb._registry import nearest
from byzer_nb.prompts.markup import MARKUPS
from byzer_nb.serve.asking import Question
from byzer_nb.types import Message, ModelCard

AUTO = "auto"


def as_template_says(question: Question, card: ModelCard, name: str) -> tuple[Question, tuple[str, ...]]:
    """The question as that template writes it down, or as it was and a sentence that says why.

    `auto` leaves it to the model's own template, or to the provider behind it.
    """
    if name in ("", AUTO):
        return question, ()
    markup = MARKUPS.get(name)
    if markup is None:
        known = ", ".join((*MARKUPS, AUTO))
        hint = nearest(name, list(MARKUPS))
        return question, (f"There is no prompt template {name!r}: the model's own is used. {hint}Known: {known}.",)
    if reason := _obstacle(question, card):
        return question, (f"The prompt template {name!r} is not used: {reason}.",)
    options = question.options
    options = replace(
        options,
        stop=(*options.stop, *markup.stops),
        stop_token_ids=(*options.stop_token_ids, *markup.stop_token_ids),
        repetition_penalty=options.repetition_penalty or markup.repetition_penalty,
        continue_last=False,  # the text of a talk that the assistant has the last word in goes on there by itself
    )
    text = markup.text_of(question.messages)
    return replace(question, messages=(Message(role="user", content=text),), options=options, is_raw=True), ()


def _obstacle(question: Question, card: ModelCard) -> str:
    if not card.capabilities.completes:
        return f"the model {question.model!r} takes turns, and no raw text"
    if question.tools or any(turn.tool_calls or turn.role == "tool" for turn in question.messages):
        return "only the model's own shows it tools"
    if question.is_json or (question.schema is not None and not card.capabilities.schema):
        return "the model is held to JSON in words"
    if any(not isinstance(turn.content, str) for turn in question.messages):
        return "it has no place for pictures and sound"
    return ""
