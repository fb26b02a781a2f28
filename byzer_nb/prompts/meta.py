"""What a call of a prompt function took, for those who want to know."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from byzer_nb.types import Reply


class MetaOutput(BaseModel):
    """Tokens, thoughts and times of one call; of an answer in several rounds they are counted together."""

    input_tokens_count: int = 0
    generated_tokens_count: int = 0
    reasoning_content: str = ""
    finish_reason: str = ""
    first_token_time: float = 0.0


class MetaHolder:
    """Keeps what the last call took; each run of a prompt function that has it writes into it."""

    def __init__(self, meta: MetaOutput | None = None) -> None:
        self._meta = meta

    def get_meta(self) -> dict[str, Any] | None:
        """The facts as a dict; None before any run."""
        return None if self._meta is None else self._meta.model_dump()

    def get_meta_model(self) -> MetaOutput | None:
        """The facts as an object; None before any run."""
        return self._meta

    def take(self, reply: Reply) -> None:
        """Keep what is known about this reply."""
        self._meta = MetaOutput(
            input_tokens_count=reply.usage.input_tokens,
            generated_tokens_count=reply.usage.output_tokens,
            reasoning_content=reply.reasoning,
            finish_reason=reply.finish_reason,
            first_token_time=reply.first_token_seconds,
        )

    def __repr__(self) -> str:
        return f"MetaHolder({'' if self._meta is None else repr(self._meta)})"
