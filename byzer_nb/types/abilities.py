"""What an engine can do beside chatting, or the error that says that it cannot."""

from __future__ import annotations

from typing import Any, Literal

from byzer_nb.errors import UnsupportedError
from byzer_nb.types.engine import Draws, Embeds, Engine, Speaks, Tokenizes, Transcribes

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
