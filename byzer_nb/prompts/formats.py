"""The words with which a prompt asks a model for an answer of a given shape."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from byzer_nb.errors import WrongTypeError

_SUBSCHEMAS = ("properties", "$defs")  # their keys are names of the user's, also one called "title"
_DATA = ("default", "const", "enum", "examples")  # and these hold no schemas at all


def schema_text(shape: type[BaseModel] | str) -> str:
    """The JSON schema of a class on one line, without the titles that say nothing new."""
    if isinstance(shape, str):
        return shape
    if not (isinstance(shape, type) and issubclass(shape, BaseModel)):
        raise WrongTypeError(
            f"A response class is a pydantic model or a JSON schema string, not {shape!r}.",
            hint="Write: class Story(pydantic.BaseModel): ...",
        )
    return _schema_of(shape)


@lru_cache(maxsize=256)
def _schema_of(cls: type[BaseModel]) -> str:
    return json.dumps(without_titles(cls.model_json_schema()), ensure_ascii=False)


def without_titles(schema: Any) -> Any:  # Any: a JSON value of any depth
    """A JSON schema less the `title` entries that pydantic derives from the names."""
    if isinstance(schema, list):
        return [without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {}
    for key, value in schema.items():
        if key == "title" and isinstance(value, str):
            continue
        if key in _SUBSCHEMAS and isinstance(value, dict):
            kept[key] = {name: without_titles(field) for name, field in value.items()}
        else:
            kept[key] = value if key in _DATA else without_titles(value)
    return kept


def response_class_format(prompt: str, cls: type[BaseModel] | str) -> str:
    """The prompt with a request to answer as JSON of that class."""
    return f"{prompt}\n\n{response_class_request(cls)}"


def response_class_request(cls: type[BaseModel] | str) -> str:
    """The request alone, for a system message or a second turn."""
    return f"Answer with JSON only, matching this schema:\n{schema_text(cls)}"


def response_class_format_after_chat(cls: type[BaseModel] | str) -> str:
    """The second turn of a conversation: say the last answer again as JSON of that class."""
    return f"Say your last answer again. {response_class_request(cls)}"
