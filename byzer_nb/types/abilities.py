"""What an engine can do beside talking, or the error that says that it cannot."""

from __future__ import annotations

from typing import Any, Literal

from byzer_nb.errors import BadInputError, UnsupportedError
from byzer_nb.types.engine import Draws, Embeds, Engine, ModelCard, Speaks, Tokenizes, Transcribes
from byzer_nb.types.messages import ChatRequest

Ability = Literal["embed", "speak", "transcribe", "draw", "tokenize"]

PROTOCOLS: dict[Ability, Any] = {  # Any: mypy has no type for protocols
    "embed": Embeds,
    "speak": Speaks,
    "transcribe": Transcribes,
    "draw": Draws,
    "tokenize": Tokenizes,
}
SERVICES: dict[Ability, tuple[str, str]] = {
    "embed": ("has no embedding service", "Deploy an embedding model and name it."),
    "speak": ("does not speak", "Deploy a speech model, such as tts-1, and name it."),
    "transcribe": ("does not write down sound", "Deploy a model that listens, such as whisper-1, and name it."),
    "draw": ("makes no pictures", "Deploy a picture model, such as dall-e-3, and name it."),
    "tokenize": ("does not support tokenizer service", ""),
}


def able(engine: Engine, ability: Ability, *, name: str) -> Any:  # Any: the protocol of that ability
    """The engine, which has this ability; otherwise an error that says so."""
    is_said = ability == "tokenize" or getattr(engine.describe().capabilities, ability)
    if not (is_said and isinstance(engine, PROTOCOLS[ability])):
        lacks, hint = SERVICES[ability]
        raise UnsupportedError(f"The model {name!r} {lacks}.", hint=hint)
    return engine


def check_request(request: ChatRequest, card: ModelCard) -> None:
    """Raise when the model does not take tools, a schema or a raw text: no engine leaves them out in silence."""
    able = card.capabilities
    if request.is_raw:
        _check_raw(request, card)
    if not able.tools and (request.tools or any(turn.tool_calls for turn in request.messages)):
        raise UnsupportedError(
            f"The model {card.model!r} takes no tools.", hint="Describe them in the prompt, or ask a model that does."
        )
    if request.schema is not None and not able.schema:
        raise UnsupportedError(
            f"The model {card.model!r} cannot be held to a schema.", hint="Ask for JSON in the prompt instead."
        )
    names = [tool.name for tool in request.tools]
    if request.tool_choice not in ("", "required", *names) or (request.tool_choice and not names):
        raise BadInputError(
            f"tool_choice is {request.tool_choice!r}, and the request has no such tool.",
            hint=f"Name one of its tools ({', '.join(names) or 'there are none'}), or say 'required' for any of them.",
        )


def _check_raw(request: ChatRequest, card: ModelCard) -> None:
    if not card.capabilities.completes:
        raise UnsupportedError(
            f"The model {card.model!r} cannot go on with a raw text.", hint="Send the text as a turn of the user."
        )
    if request.tools or len(request.messages) != 1 or not isinstance(request.messages[0].content, str):
        raise BadInputError("A raw text is one message with words alone, and offers no tools.")
