"""Requests and results in the shapes that the documents show."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict

from byzer_nb._display import Displayed
from byzer_nb.errors import WrongTypeError
from byzer_nb.types import Reply

T = TypeVar("T")


class Role:
    """The names of the speakers."""

    User = "user"
    Assistant = "assistant"
    System = "system"


@dataclass
class LLMHistoryItem:
    """An earlier turn."""

    role: str
    content: str


@dataclass
class LLMRequest:
    """One instruction, or several to be answered one by one."""

    instruction: str | list[str]
    embedding: bool = False
    max_length: int = 4096
    top_p: float = 0.95
    temperature: float = 0.1

    def __post_init__(self) -> None:
        texts = self.instruction if isinstance(self.instruction, list) else [self.instruction]
        for text in texts:
            if not isinstance(text, str):
                raise WrongTypeError(
                    f"An instruction is a string or a list of strings, not {self.instruction!r}.",
                    hint='For example: LLMRequest(instruction="hello world")',
                )

    def instructions(self) -> list[str]:
        """The instructions as a list, whichever way they were given."""
        return self.instruction if isinstance(self.instruction, list) else [self.instruction]


@dataclass
class LLMResponse(Displayed):
    """One answer: the text (or the vector), what was sent, and what it took. Sound and pictures show themselves."""

    output: Any  # Any: text, a vector, or nested token ids
    input: Any
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def meta(self) -> dict[str, Any]:
        """The metadata under its short name."""
        return self.metadata

    def _html(self) -> str:
        kind = str(self.metadata.get("media_type", ""))
        if kind:
            return medium_html(self.output, kind)
        return f"<pre style='white-space:pre-wrap'>{escape(str(self.output))}</pre>"


def medium_html(encoded: str, media_type: str) -> str:
    """A player, or a picture, for base64."""
    url = escape(f"data:{media_type};base64,{encoded}")
    if media_type.startswith("audio/"):
        return f'<audio controls src="{url}"></audio>'
    return f'<img style="max-width:100%" src="{url}">'


class LLMFunctionCallResponse(BaseModel):
    """An answer that called functions, and what they returned."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    response: LLMResponse
    values: list[Any]
    metadata: dict[str, Any]


class LLMClassResponse(BaseModel):
    """An answer as an instance of a class, or None with the reason in `metadata`."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    response: LLMResponse
    value: Any | None
    metadata: dict[str, Any]


@dataclass
class SingleOutputMeta:
    """What is known about a stream so far."""

    input_tokens_count: int = 0
    generated_tokens_count: int = 0
    reasoning_content: str = ""
    finish_reason: str = ""
    first_token_time: float = 0.0
    extra_info: dict[str, Any] = field(default_factory=dict)


class StreamItem(tuple[Any, SingleOutputMeta]):
    """A pair of text and meta that can also be added to strings, as older notebooks do."""

    __slots__ = ()

    def __new__(cls, text: str | bytes, meta: SingleOutputMeta) -> StreamItem:
        return super().__new__(cls, (text, meta))

    def __getnewargs__(self) -> tuple[Any, SingleOutputMeta]:
        return self[0], self[1]  # copying and pickling make a new one from these

    def __str__(self) -> str:
        return str(self[0])

    def __add__(self, other: Any) -> Any:
        return self[0] + other if isinstance(other, str | bytes) else tuple(self) + other

    def __radd__(self, other: Any) -> Any:
        return other + self[0]


class Results(Displayed, list[T]):
    """A list of results that also answers for its first one: `v.output` is `v[0].output`."""

    FORWARDED: ClassVar = frozenset({"output", "input", "metadata", "meta", "value", "values", "response"})

    def __getattr__(self, name: str) -> Any:
        if name not in self.FORWARDED:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self[0], name)

    def _html(self) -> str:
        return "".join(each._html() if isinstance(each, Displayed) else escape(repr(each)) for each in self)


def response_of(reply: Reply, sent: Any) -> LLMResponse:
    """A reply with the metadata keys of the documents; times are in seconds."""
    return LLMResponse(
        output=reply.text,
        input=sent,
        metadata={
            "request_id": reply.request_id,
            "input_tokens_count": reply.usage.input_tokens,
            "generated_tokens_count": reply.usage.output_tokens,
            "time_cost": reply.seconds,
            "first_token_time": reply.first_token_seconds,
            "speed": reply.tokens_per_second,
            "finish_reason": reply.finish_reason,
            "reasoning_content": reply.reasoning,
        },
    )
