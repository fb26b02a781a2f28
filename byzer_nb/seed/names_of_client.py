"""The names that `byzerllm.utils.client` offers."""

from byzer_nb.seed.events import EventCallback, EventCallbackResult, EventName
from byzer_nb.seed.llm import ByzerLLM, SimpleByzerLLM
from byzer_nb.seed.responses import (
    LLMClassResponse,
    LLMFunctionCallResponse,
    LLMHistoryItem,
    LLMRequest,
    LLMResponse,
    Role,
    SingleOutputMeta,
)
from byzer_nb.seed.setup import InferBackend
from byzer_nb.seed.templates import Template, Templates
from byzer_nb.seed.tokens import LLMMetadata

__all__ = [
    "ByzerLLM",
    "EventCallback",
    "EventCallbackResult",
    "EventName",
    "InferBackend",
    "LLMClassResponse",
    "LLMFunctionCallResponse",
    "LLMHistoryItem",
    "LLMMetadata",
    "LLMRequest",
    "LLMResponse",
    "Role",
    "SimpleByzerLLM",
    "SingleOutputMeta",
    "Template",
    "Templates",
]
