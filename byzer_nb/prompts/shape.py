"""The type that an answer should have, as words for the model and as a check of what it wrote."""

from __future__ import annotations

import json
from typing import Any, Generic, TypeVar, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError

from byzer_nb.errors import AnswerError, WrongTypeError
from byzer_nb.prompts.answer_text import json_in, shortened
from byzer_nb.prompts.formats import response_class_format, without_titles

T = TypeVar("T")


def to_model(answer: str, cls: type[T]) -> T | list[T]:
    """An instance of a class from an answer, or a list of them when the JSON is a list."""
    value = json_in(answer)
    if isinstance(value, list) and not _is_list(cls):
        return [_checked(TypeAdapter(cls), item, answer, cls) for item in value]
    return _checked(TypeAdapter(cls), value, answer, cls)


class Shape(Generic[T]):
    """A wanted type: any that pydantic can check, and data frames. `str` is text as it is."""

    def __init__(self, wanted: type[T]) -> None:
        self.wanted = wanted
        self.is_text = wanted is str
        self.is_frame = getattr(wanted, "__name__", "") == "DataFrame"
        try:
            self._adapter: TypeAdapter[Any] = TypeAdapter(list[dict[str, Any]] if self.is_frame else wanted)
        except PydanticSchemaGenerationError as unknown:
            raise WrongTypeError(
                f"An answer cannot be checked against {wanted!r}.",
                hint="Use a pydantic model, a dataclass, a TypedDict, or Python's own types.",
            ) from unknown

    def request(self, prompt: str) -> str:
        """The prompt, with a request to answer in this shape."""
        if self.is_text:
            return prompt
        return response_class_format(prompt, self.schema())

    def schema(self) -> str:
        """The JSON schema on one line; what is no object stands under the key `value`, which small models keep to."""
        inner = without_titles(self._adapter.json_schema())
        if not self._is_wrapped:
            return json.dumps(inner, ensure_ascii=False)
        definitions = inner.pop("$defs", None)
        outer = {"properties": {"value": inner}, "required": ["value"], "type": "object"}
        return json.dumps({**({"$defs": definitions} if definitions else {}), **outer}, ensure_ascii=False)

    def value(self, answer: str) -> T:
        """The answer as a value of this type; `AnswerError` says what is wrong with it."""
        if self.is_text:
            return answer  # type: ignore[return-value]  # T is str here
        value = json_in(answer)
        if self._is_wrapped and isinstance(value, dict) and set(value) == {"value"}:
            value = value["value"]
        checked = _checked(self._adapter, value, answer, self.wanted)
        return self.wanted(checked) if self.is_frame else checked  # type: ignore[call-arg]  # a frame takes its rows

    @property
    def _is_wrapped(self) -> bool:
        return not (isinstance(self.wanted, type) and issubclass(self.wanted, BaseModel)) and (
            self.is_frame or self._adapter.json_schema().get("type") != "object"
        )


def _is_list(cls: Any) -> bool:
    return cls is list or get_origin(cls) is list


def _checked(adapter: TypeAdapter[Any], value: Any, answer: str, wanted: Any) -> Any:
    try:
        return adapter.validate_python(value)
    except ValidationError as wrong:
        name = getattr(wanted, "__name__", repr(wanted))
        reasons = "; ".join(
            f"{'.'.join(map(str, error['loc'])) or 'value'}: {error['msg']}"
            for error in wrong.errors(include_url=False)
        )
        raise AnswerError(
            f"The answer is JSON but no {name}: {reasons}. The model wrote: {shortened(answer)!r}",
            answer=answer,
            hint="Describe the fields in the prompt, or give those that may be missing a default.",
        ) from wrong
