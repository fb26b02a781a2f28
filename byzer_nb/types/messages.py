"""A conversation as it goes to a model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from byzer_nb.types.options import SILENT, ChatOptions
from byzer_nb.types.tools import AnswerSchema, ToolCall, ToolSpec

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TextPart:
    """A piece of text."""

    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ImagePart:
    """A picture: a data URL or the address of one; `extra` is what a caller put beside it, such as `detail`."""

    url: str = field(repr=False)
    extra: dict[str, Any] = field(default_factory=dict)  # Any: values of a provider's own body


@dataclass(frozen=True, kw_only=True, slots=True)
class AudioPart:
    """Sound as a data URL."""

    url: str = field(repr=False)


Part: TypeAlias = TextPart | ImagePart | AudioPart


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One turn: who speaks, and what.

    The assistant's turn may ask for calls of tools; each is answered by a turn of the role `tool` with the id of its
    call.
    """

    role: Role
    content: str | tuple[Part, ...]
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""

    @property
    def text(self) -> str:
        """The words alone; pictures and sound are left out."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, TextPart))


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatRequest:
    """What is asked of an engine: the turns so far and how to go on.

    `stream` says whether the caller wants pieces as they come; an engine for which one whole answer is cheaper may
    then give a single delta when it is false. `tools` may be called, as `tool_choice` says: "" leaves it to the model,
    `required` wants at least one call, and a name wants that one. `schema` holds the whole answer to a shape. `is_raw`
    says that the one message is no turn of a talk but a text, which the model is to go on with as it stands. Only
    engines whose card says so are given tools, a schema or a raw text.
    """

    messages: tuple[Message, ...]
    options: ChatOptions = SILENT
    stream: bool = True
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: str = ""
    schema: AnswerSchema | None = None
    is_raw: bool = False
