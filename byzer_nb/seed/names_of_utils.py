"""The names that `byzerllm.utils` offers."""

from byzer_nb.prompts.formats import response_class_format, response_class_format_after_chat

__all__ = ["response_class_format", "response_class_format_after_chat"]
