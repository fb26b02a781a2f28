"""What a model is told about an answer that cannot be used, so that the next one can."""

from __future__ import annotations

from byzer_nb.errors import AnswerError

LONGEST = 600  # characters; a model needs the places, and not its own answer again


def reason_to_give(wrong: AnswerError) -> str:
    """What was wrong with an answer, where, and what is wanted, as a message to the model that wrote it."""
    problems = "; ".join(wrong.problems) or wrong.message.partition(" The model wrote: ")[0].rstrip(".")
    short = problems if len(problems) <= LONGEST else problems[:LONGEST] + "…"
    return (
        f"That answer cannot be used: {short}. "
        "Put this right and answer again, with nothing but the whole JSON in the shape that was asked for."
    )
