"""The type that an answer should have, as words for the model and as a check of what it wrote."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from byzer_nb.errors import AnswerError, WrongTypeError
from byzer_nb.prompts.answer_text import NO_JSON, fenced_blocks, shortened, without_thoughts
from byzer_nb.prompts.checker import Checker, one_of, to_model
from byzer_nb.prompts.formats import response_class_format

__all__ = ["Checker", "Shape", "one_of", "to_model"]

T = TypeVar("T")


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
        if not self.is_wrapped:
            return json.dumps(inner, ensure_ascii=False)
        inner = dict(inner)
        definitions = inner.pop("$defs", None)
        outer = {"properties": {"value": inner}, "required": ["value"], "type": "object"}
        return json.dumps({**({"$defs": definitions} if definitions else {}), **outer}, ensure_ascii=False)

    def value(self, answer: str, *, was_cut: bool = False) -> T:
        """The answer as a value of this type; `AnswerError` says what is wrong with it.

        `was_cut` says that the answer is known to end too early, as with the finish reason `length`: then a string or
        a number at its very end is not taken for whole.
        """
        if self.is_text:
            return answer  # type: ignore[return-value]  # T is str here
        try:
            value: T = self._checker.read_with(self._taken, answer, was_cut=was_cut)
        except AnswerError as wrong:
            if not wrong.message.startswith(NO_JSON):
                raise
            return self._bare(answer, wrong)
        return value

    def _taken(self, value: Any, answer: str) -> Any:
        if self.is_wrapped and isinstance(value, dict) and set(value) == {"value"}:
            value = value["value"]
        if self.is_frame:
            return self._frame(value, answer)
        if isinstance(value, list) and len(value) == 1 and not self._checker.takes_lists:
            value = value[0]
        return self._checker.check(value, answer, name=self._name)

    def _frame(self, value: Any, answer: str) -> T:
        if isinstance(value, dict) and value and all(isinstance(column, list) for column in value.values()):
            columns = list(value.values())
            if len(columns) == 1 and all(isinstance(item, dict) for item in columns[0]):
                value = columns[0]  # rows under a name of the model's own
            elif len(set(map(len, columns))) > 1:
                raise AnswerError(
                    f"The columns of the answer are not equally long: {shortened(answer)!r}",
                    answer=answer,
                    problems=("its columns are not equally long",),
                )
            else:
                value = [dict(zip(value, row, strict=True)) for row in zip(*columns, strict=True)]
        rows = self._checker.check(value, answer, name=self._name)
        return self.wanted(rows)  # type: ignore[call-arg]  # a frame takes its rows

    def _bare(self, answer: str, none: AnswerError) -> T:
        """A word or a number without any JSON around it, as small models write it."""
        if not self.is_wrapped or self.is_frame or self._checker.takes_lists:
            raise none
        text = without_thoughts(answer)
        blocks = fenced_blocks(text) if text.startswith(("```", "~~~")) else []
        word = (blocks[0][1] if len(blocks) == 1 else text).strip("\"'`*. \n。“”")
        try:
            checked: T = self._checker.check(word, answer)
        except AnswerError:
            raise none from None
        return checked

    @cached_property
    def is_wrapped(self) -> bool:
        """Whether it is asked for under the key `value`, being no object itself."""
        is_model = isinstance(self.wanted, type) and issubclass(self.wanted, BaseModel)
        return self.is_frame or (not is_model and self._checker.schema.get("type") != "object")
