"""The names that `byzerllm.utils.client` offers."""

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

__all__ = [
    "ByzerLLM",
    "InferBackend",
    "LLMClassResponse",
    "LLMFunctionCallResponse",
    "LLMHistoryItem",
    "LLMRequest",
    "LLMResponse",
    "Role",
    "SimpleByzerLLM",
    "SingleOutputMeta",
    "Template",
    "Templates",
]
