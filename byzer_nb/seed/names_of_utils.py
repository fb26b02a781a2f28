"""The names that `byzerllm.utils` offers."""

from byzer_nb.prompts.formats import response_class_format, response_class_format_after_chat
from byzer_nb.prompts.shape import to_model
from byzer_nb.seed.function_json import serialize_function_to_json

__all__ = ["response_class_format", "response_class_format_after_chat", "serialize_function_to_json", "to_model"]
