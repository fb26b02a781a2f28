"""The names that `byzerllm.utils` offers."""

from byzer_nb.prompts.formats import response_class_format, response_class_format_after_chat
from byzer_nb.prompts.function_formats import function_calling_format, function_impl_format
from byzer_nb.prompts.function_json import serialize_function_to_json
from byzer_nb.prompts.shape import to_model
from byzer_nb.seed.filled_in import format_prompt, format_prompt_jinja2, format_str_jinja2
from byzer_nb.seed.function_calls import BaseAbility, FunctionCall, FunctionCallList, FunctionCallWrapper
from byzer_nb.seed.small_tools import (
    exec_capture_output,
    generate_file_md5,
    generate_str_md5,
    print_flush,
    random_uuid,
    timeit,
)

__all__ = [
    "BaseAbility",
    "FunctionCall",
    "FunctionCallList",
    "FunctionCallWrapper",
    "exec_capture_output",
    "format_prompt",
    "format_prompt_jinja2",
    "format_str_jinja2",
    "function_calling_format",
    "function_impl_format",
    "generate_file_md5",
    "generate_str_md5",
    "print_flush",
    "random_uuid",
    "response_class_format",
    "response_class_format_after_chat",
    "serialize_function_to_json",
    "timeit",
    "to_model",
]
