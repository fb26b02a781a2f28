"""The type that an answer should have, as words for the model and as a check of what it wrote."""

from __future__ import annotations

import inspect
import json
from functools import cached_property, lru_cache
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from byzer_nb.errors import AnswerError, WrongTypeError
from byzer_nb.prompts.answer_text import json_in, shortened, without_thoughts
from byzer_nb.prompts.formats import response_class_format, without_titles
from byzer_nb.prompts.typed_dict import readable

T = TypeVar("T")


def to_model(answer: str, cls: type[T]) -> T | list[T]:
    """An instance of a class from an answer, or a list of them when the JSON is a list."""
    found: T | list[T] = one_of(cls).read_one_or_many(answer)
    return found


def one_of(cls: Any) -> Checker:  # Any: a type in any of Python's forms
    """The checker of a type; making one is slow, so it is kept."""
    try:
        return _kept_checker(cls)
    except TypeError:  # an annotation with a part that cannot be hashed
        return Checker(cls)


class Checker:
    """Makes values of one type out of answers; `AnswerError` says what is wrong with one."""

    def __init__(self, wanted: Any) -> None:
        self.name = wanted.__name__ if isinstance(wanted, type) and not _has_arguments(wanted) else _shown(wanted)
        if inspect.isroutine(wanted):  # pydantic would check the arguments of a call
            raise _unusable(wanted)
        try:
            self._adapter: TypeAdapter[Any] = TypeAdapter(readable(wanted))
        except PydanticUserError as unknown:
            raise _unusable(wanted) from unknown

    @cached_property
    def schema(self) -> dict[str, Any]:  # Any: a JSON value
        """The JSON schema of the type."""
        try:
            schema: dict[str, Any] = without_titles(self._adapter.json_schema())
        except PydanticUserError as unknown:
            raise WrongTypeError(
                f"{self.name} has parts that no JSON can hold.", hint=f"{unknown.message.splitlines()[0]}"
            ) from unknown
        return schema

    def read(self, answer: str) -> Any:
        """One value; a list of one counts as its only item."""
        value = json_in(answer)
        if isinstance(value, list) and len(value) == 1 and not self._takes_lists:
            value = value[0]
        return self.check(value, answer)

    def read_one_or_many(self, answer: str) -> Any:
        """One value, or a list of them when the JSON is a list and the type is none."""
        value = json_in(answer)
        if isinstance(value, list) and not self._takes_lists:
            return [self.check(item, answer) for item in value]
        return self.check(value, answer)

    def check(self, value: Any, answer: str, *, name: str = "") -> Any:
        """The JSON value as one of this type, which errors call by its name."""
        try:
            return self._adapter.validate_python(value)
        except ValidationError as wrong:
            try:  # a strict model takes dates, tuples and the like from JSON alone
                return self._adapter.validate_json(json.dumps(value))
            except ValidationError:
                what = f"The answer is JSON but no {name or self.name}: {_reasons(wrong)}."
                raise AnswerError(
                    f"{what} The model wrote: {shortened(answer)!r}",
                    answer=answer,
                    hint="Describe the fields in the prompt, or give those that may be missing a default.",
                ) from wrong

    @cached_property
    def _takes_lists(self) -> bool:
        options = self.schema.get("anyOf", [self.schema])
        return any(option.get("type") == "array" or not option for option in options)


class Shape(Generic[T]):
    """A wanted type: any that pydantic can check, and data frames. `str` is text as it is.

    `name` is what its user calls it.
    """

    def __init__(self, wanted: type[T], *, name: str = "") -> None:
        self.wanted = wanted
        self._name = name
        self.is_text = wanted is str
        try:
            self._checker = one_of(wanted)
            self.is_frame = False
        except WrongTypeError:
            if getattr(wanted, "__name__", "") != "DataFrame":
                raise
            self._name = name or "DataFrame"
            self._checker = one_of(list[dict[str, Any]])
            self.is_frame = True

    def request(self, prompt: str) -> str:
        """The prompt, with a request to answer in this shape."""
        if self.is_text:
            return prompt
        return response_class_format(prompt, self.schema())

    def schema(self) -> str:
        """The JSON schema on one line; what is no object stands under the key `value`, which small models keep to."""
        inner = self._checker.schema
        if not self._is_wrapped:
            return json.dumps(inner, ensure_ascii=False)
        inner = dict(inner)
        definitions = inner.pop("$defs", None)
        outer = {"properties": {"value": inner}, "required": ["value"], "type": "object"}
        return json.dumps({**({"$defs": definitions} if definitions else {}), **outer}, ensure_ascii=False)

    def value(self, answer: str) -> T:
        """The answer as a value of this type; `AnswerError` says what is wrong with it."""
        if self.is_text:
            return answer  # type: ignore[return-value]  # T is str here
        try:
            value = json_in(answer)
        except AnswerError as none:
            return self._bare(answer, none)
        if self._is_wrapped and isinstance(value, dict) and set(value) == {"value"}:
            value = value["value"]
        if not self.is_frame:
            checked: T = self._checker.check(value, answer, name=self._name)
            return checked
        if isinstance(value, dict) and value and all(isinstance(column, list) for column in value.values()):
            value = [dict(zip(value, row, strict=True)) for row in zip(*value.values(), strict=False)]
        return self._frame(self._checker.check(value, answer, name=self._name))

    def _frame(self, rows: list[dict[str, Any]]) -> T:
        return self.wanted(rows)  # type: ignore[call-arg]  # a frame takes its rows

    def _bare(self, answer: str, none: AnswerError) -> T:
        """A word or a number without any JSON around it, as small models write it."""
        if not self._is_wrapped or self.is_frame:
            raise none
        try:
            checked: T = self._checker.check(without_thoughts(answer).strip("\"'`*. \n"), answer)
        except AnswerError:
            raise none from None
        return checked

    @cached_property
    def _is_wrapped(self) -> bool:
        is_model = isinstance(self.wanted, type) and issubclass(self.wanted, BaseModel)
        return self.is_frame or (not is_model and self._checker.schema.get("type") != "object")


@lru_cache(maxsize=256)
def _kept_checker(cls: Any) -> Checker:
    return Checker(cls)


def _unusable(wanted: Any) -> WrongTypeError:
    return WrongTypeError(
        f"An answer cannot be checked against {wanted!r}.",
        hint="Use a pydantic model, a dataclass, a TypedDict, or Python's own types.",
    )


def _has_arguments(wanted: Any) -> bool:
    return bool(getattr(wanted, "__args__", ()))


def _shown(wanted: Any) -> str:
    return repr(wanted).replace("typing.", "").replace("__main__.", "")


def _reasons(wrong: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, error['loc'])) or 'value'}: {error['msg']}" for error in wrong.errors(include_url=False)
    )
