"""What comes back from a model: pieces while it speaks, a reply when it is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import Literal

from byzer_nb._display import Displayed, key_value_table
from byzer_nb.types.tools import ToolCall

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "cancelled"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Tokens read and written."""

    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens, output_tokens=self.output_tokens + other.output_tokens
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Delta:
    """The next piece of an answer. Text and reasoning are increments; the last delta has finish reason and usage.

    Of an answer that came from the cluster it also has the index of the worker, and where another model stepped in,
    the name of that one. `tool_calls` come whole, at the latest with the last delta. `stopped_by` is the stop string at
    which the answer ended, from engines that say so.
    """

    text: str = ""
    reasoning: str = ""
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    request_id: str = ""
    worker: int | None = None
    model: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    stopped_by: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply(Displayed):
    """A whole answer, with what it took; `cost` is in US dollars where the price of the model is known."""

    text: str
    reasoning: str = ""
    finish_reason: FinishReason = "stop"
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    request_id: str = ""
    worker: int | None = None
    seconds: float = 0.0
    first_token_seconds: float = 0.0
    cost: float | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    stopped_by: str = ""

    @property
    def tokens_per_second(self) -> float:
        """Tokens written for each second of the whole call."""
        return self.usage.output_tokens / self.seconds if self.seconds else 0.0

    def as_delta(self) -> Delta:
        """The whole answer as one piece."""
        return Delta(
            text=self.text,
            reasoning=self.reasoning,
            finish_reason=self.finish_reason,
            usage=self.usage,
            request_id=self.request_id,
            worker=self.worker,
            model=self.model,
            tool_calls=self.tool_calls,
            stopped_by=self.stopped_by,
        )

    def __str__(self) -> str:
        return self.text

    def _html(self) -> str:
        facts: dict[str, object] = {
            "model": self.model,
            "tokens in / out": f"{self.usage.input_tokens} / {self.usage.output_tokens}",
            "first token": f"{self.first_token_seconds * 1000:.0f} ms",
            "speed": f"{self.tokens_per_second:.0f} tokens/s",
            "finish reason": self.finish_reason,
        }
        if self.cost is not None:
            facts["cost"] = f"${self.cost:.6f}"
        return f"<pre style='white-space:pre-wrap'>{escape(self.text)}</pre>{key_value_table(facts)}"
