"""Functions that a model may call, and shapes that its answer shall have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolSpec:
    """A function as a model sees it: `parameters` is the JSON schema of an object."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)  # Any: JSON


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolCall:
    """A call that a model wants made. `raw` is what it wrote where that is no JSON object.

    `proof` is what the provider wants to see again with the call, such as the thoughts that led to it; nobody else
    reads it.
    """

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)  # Any: JSON
    id: str = ""
    raw: str = ""
    proof: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerSchema:
    """The JSON schema that the whole answer shall fit."""

    schema: dict[str, Any]  # Any: JSON
    name: str = "answer"
