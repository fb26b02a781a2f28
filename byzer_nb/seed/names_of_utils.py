"""The names that `byzerllm.utils` offers."""

from byzer_nb.prompts.formats import response_class_format, response_class_format_after_chat
from byzer_nb.prompts.function_formats import function_calling_format, function_impl_format
from byzer_nb.prompts.function_json import serialize_function_to_json
from byzer_nb.prompts.shape import to_model

__all__ = [
    "function_calling_format",
    "function_impl_format",
    "response_class_format",
    "response_class_format_after_chat",
    "serialize_function_to_json",
    "to_model",
]
