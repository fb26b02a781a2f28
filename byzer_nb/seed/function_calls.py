"""Calls of functions as a model writes them down, and what prompts ask models to be able to do."""

from __future__ import annotations

from enum import Enum
from typing import Any, Literal

from pydantic import BaseModel, Field

__all__ = ["BaseAbility", "FunctionCall", "FunctionCallList", "FunctionCallWrapper"]


class FunctionCall(BaseModel):
    """The name of a function, and the arguments to call it with."""

    name: str = Field(description="name of the function")
    arguments: dict[str, Any] = Field(default_factory=dict, description="its arguments by name")


class FunctionCallWrapper(BaseModel):
    """One call."""

    function: FunctionCall = Field(description="the call")


class FunctionCallList(BaseModel):
    """The calls of one answer, in their order."""

    tool_calls: list[FunctionCallWrapper] = Field(description="the calls")
    id: str = Field(default="", description="an id of the answer, which need not be given")
    type: Literal["function"] = Field(default="function", description="always: function")


class BaseAbility(Enum):
    """What a prompt may need of a model beyond plain text."""

    RESPONSE_WITH_CLASS = "RESPONSE_WITH_CLASS"
    FUNCTION_CALLING = "FUNCTION_CALLING"
    FUNCTION_IMPL = "FUNCTION_IMPL"
    OTHERS = "OTHERS"
