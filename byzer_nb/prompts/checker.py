"""A check of what a model wrote against a type, with repairs where it can have meant one thing only."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError
from pydantic_core.core_schema import DecimalSchema

from byzer_nb.errors import AnswerError, WrongTypeError
from byzer_nb.prompts.answer_text import shortened
from byzer_nb.prompts.fitting import Fit, Fitter
from byzer_nb.prompts.formats import without_titles
from byzer_nb.prompts.json_values import plain
from byzer_nb.prompts.readings import in_a_row, readings
from byzer_nb.prompts.typed_dict import readable

T = TypeVar("T")
MOST = 6  # problems that one error names
HOPELESS = 100  # errors of a value that does not look right either; to try it in other ways would take long
LONGEST_INPUT = 60  # characters of a wrong value that an error quotes


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

    def read(self, answer: str, *, was_cut: bool = False) -> Any:
        """One value; a list of one counts as its only item.

        `was_cut` says that the answer is known to end too early, as with the finish reason `length`.
        """
        return self.read_with(self._one, answer, was_cut=was_cut)

    def read_one_or_many(self, answer: str, *, was_cut: bool = False) -> Any:
        """One value, or a list of them when the JSON is a list and the type is none."""
        return self.read_with(self._one_or_many, answer, was_cut=was_cut)

    def read_with(self, take: Callable[[Any, str], Any], answer: str, *, was_cut: bool = False) -> Any:
        """What `take` makes of the likeliest JSON in an answer.

        Only what cannot have been meant as the answer, such as the schema said again, makes way for the next one.
        """
        if not isinstance(answer, str):
            raise AnswerError(f"An answer is text, not {type(answer).__name__}.", answer=repr(answer))
        failure: AnswerError | None = None
        for value in self._candidates(answer, was_cut=was_cut):
            try:
                return take(value, answer)
            except AnswerError as wrong:
                if self._names.knows(value):
                    raise
                failure = failure or wrong
        raise failure or AnswerError(
            f"The answer repeats the schema of {self.name} instead of filling it: {shortened(answer)!r}",
            answer=answer,
            problems=("it repeats the schema instead of filling it with values",),
        )

    def check(self, value: Any, answer: str, *, name: str = "") -> Any:
        """The JSON value as one of this type, which errors call by its name.

        Keys in another case are always put right, for else their values would be lost in silence; values are only
        converted where they do not fit as they are.
        """
        name = name or self.name
        named = self._names.fit(value)
        failure: ValidationError | None = None
        if not named.unclear:
            try:
                return self._validated(named)
            except ValidationError as wrong:
                failure = wrong
        fit = Fitter(self._known_schema, converts=True).fit(value)
        if fit.unclear:
            reasons = [f"{where}: {why}" if where else why for where, why in fit.unclear[:MOST]]
            raise self._failure(name, reasons, reasons, answer)
        for each in (fit, Fit(plain(value), is_right=False)):
            if failure is not None and not each.is_right and failure.error_count() > HOPELESS:
                break
            try:
                return self._validated(each)
            except ValidationError as wrong:
                failure = failure or wrong
        assert failure is not None
        problems = failure.errors(include_url=False, include_context=False)[:MOST]
        raise self._failure(name, map(_reason, problems), map(_problem, problems), answer) from failure

    def names_field(self, key: str) -> bool:
        """Whether it is the name of a field of the type, in whatever way it is written."""
        return self._names.names_fields({key: None})

    @property
    def has_fields(self) -> bool:
        """Whether the type is a class whose fields are known."""
        return self._names.has_fields

    def _failure(self, name: str, reasons: Iterable[str], problems: Iterable[str], answer: str) -> AnswerError:
        return AnswerError(
            f"The answer is JSON but no {name}: {'; '.join(reasons)}. The model wrote: {shortened(answer)!r}",
            answer=answer,
            hint="Describe the fields in the prompt, or give those that may be missing a default.",
            problems=tuple(problems),
        )

    def _validated(self, fit: Fit) -> Any:
        value = fit.value
        try:
            found = self._adapter.validate_python(value)
        except ValidationError as wrong:
            if not fit.is_right and wrong.error_count() > HOPELESS:
                raise
            try:  # a strict model takes dates, tuples and the like from JSON alone
                found = self._adapter.validate_json(json.dumps(value))
            except ValidationError:
                raise wrong from None
        if isinstance(found, BaseModel) and isinstance(value, dict) and value and _took_nothing(found):
            raise ValidationError.from_exception_data(self.name, [_none_of(found, value)])
        return found

    def _one(self, value: Any, answer: str) -> Any:
        if isinstance(value, list) and len(value) == 1 and not self.takes_lists:
            value = value[0]
        return self.check(value, answer)

    def _one_or_many(self, value: Any, answer: str) -> Any:
        if isinstance(value, list) and not self.takes_lists:
            return [self.check(item, answer) for item in value]
        return self.check(value, answer)

    def _candidates(self, answer: str, *, was_cut: bool) -> Iterator[Any]:
        row = [each for each in in_a_row(answer) if not self._is_schema(each) and self._names.knows(each)]
        different = {json.dumps(each, sort_keys=True) for each in row}
        if self.takes_lists and len(row) > 1 and not any(isinstance(each, list) for each in row[0].values()):
            yield row
        elif len(different) > 1:
            yield row  # several answers where one is wanted: the caller takes them all, or none
        elif row:
            yield row[0]
        else:
            yield from (each for each in readings(answer, was_cut=was_cut) if not self._is_schema(each))

    def _is_schema(self, value: Any) -> bool:
        """Whether it is the schema said again, or one that the model made up."""
        if not isinstance(value, dict) or not isinstance(value.get("properties"), dict) or not value["properties"]:
            return False
        fields = value["properties"].values()
        is_one = all(isinstance(each, dict) and each.keys() & {"type", "$ref", "anyOf", "enum"} for each in fields)
        return is_one and "properties" not in self._known_schema.get("properties", {})

    @property
    def _names(self) -> Fitter:
        return Fitter(self._known_schema, converts=False)

    @cached_property
    def _known_schema(self) -> dict[str, Any]:
        try:
            return self._adapter.json_schema(schema_generator=_WithDecimals)
        except PydanticUserError:  # some part of it has no schema, and is still checked
            return {}

    @cached_property
    def takes_lists(self) -> bool:
        """Whether a list can be a value of the type."""
        options = self.schema.get("anyOf", [self.schema])
        return any(option.get("type") == "array" or not option for option in options)


class _WithDecimals(GenerateJsonSchema):
    """Says where a `Decimal` is wanted, which pydantic's own schema calls a number or a text."""

    def decimal_schema(self, schema: DecimalSchema) -> dict[str, Any]:
        return {"type": "decimal"}


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


def _took_nothing(found: BaseModel) -> bool:
    """Whether a model consists of its defaults alone."""
    return bool(type(found).model_fields) and not found.model_fields_set and not found.model_extra


def _none_of(found: BaseModel, value: dict[str, Any]) -> InitErrorDetails:
    names = ", ".join(type(found).model_fields)
    kind = PydanticCustomError("no_fields", "None of the fields {names} is there", {"names": names})
    return InitErrorDetails(type=kind, loc=(), input=value)


def _reason(error: ErrorDetails) -> str:
    return f"{'.'.join(map(str, error['loc'])) or 'value'}: {error['msg']}"


def _problem(error: ErrorDetails) -> str:
    """The reason with the value that was written, for those who cannot see the answer any more."""
    if error["type"] == "missing":
        return _reason(error)
    written = json.dumps(plain(error["input"]), ensure_ascii=False, default=str)
    short = written if len(written) <= LONGEST_INPUT else written[:LONGEST_INPUT] + "…"
    return f"{_reason(error)}, and it is {short}"
