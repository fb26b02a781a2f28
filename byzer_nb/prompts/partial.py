"""Typed values that fill in while a model writes them.

reader = PartialReader(Story)
for piece in pieces:
    reader.feed(piece)
    show(reader.value)        # PartialStory(title='The L', pages=[PartialPage(text='Once', number=None)])
story = reader.end()          # a Story, checked like any other answer
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin, get_type_hints, is_typeddict

from pydantic import BaseModel, ConfigDict, RootModel, create_model

from byzer_nb.errors import AnswerError
from byzer_nb.prompts.checker import one_of
from byzer_nb.prompts.growing_json import ANY_VALUE, GrowingJson
from byzer_nb.prompts.json_values import plain_name
from byzer_nb.prompts.shape import Shape

T = TypeVar("T")
Type = Any  # a type in any of Python's forms


class PartialReader(Generic[T]):
    """Reads an answer of a type while it streams; `value` is what there is of it so far.

    Of a pydantic class that is a twin, `PartialStory` for `Story`, with the same fields: None stands in those that
    have not come, and `model_fields_set` names those that have. It is no `Story`, for a validator, a property or a
    method of that could not bear half of one. What is whole inside, such as the items of a list, is checked and of its
    own class already. Dataclasses and typed dicts are dicts of what has come. A value that does not fit is None; what
    is wrong with it is said by `end`, which reads the whole text again with all repairs.

    Reading takes time in proportion to the text; a look at the value, to what is still open in it, so look as often as
    you show it and not for every token.
    """

    def __init__(self, wanted: type[T] | Shape[T]) -> None:
        self._shape: Shape[T] = wanted if isinstance(wanted, Shape) else Shape(wanted)
        self._json = GrowingJson(begins="{" if _fields_of(_bare(self._shape.wanted)) is not None else ANY_VALUE)
        self._pieces: list[str] = []
        self._lists: dict[tuple[int, int], tuple[list[Any], Type, list[Any]]] = {}  # lists that still grow
        self._whole: dict[tuple[type, Any, int], tuple[Any, Type, Any]] = {}  # views of what does not change any more

    @property
    def text(self) -> str:
        """All that has been written so far."""
        self._pieces = ["".join(self._pieces)]
        return self._pieces[0]

    def feed(self, piece: str) -> None:
        """Take the next piece of the answer."""
        self._pieces.append(piece)
        if not self._shape.is_text:
            self._json.feed(piece)

    @property
    def value(self) -> Any:  # Any: a partial value of T, or None before it begins
        """What there is so far."""
        if self._shape.is_text:
            return self.text
        wanted = list[dict[str, Any]] if self._shape.is_frame else self._shape.wanted
        spine = self._json.growing
        if not spine:
            whole = self._json.value
            return self._checked(self._inside(whole) if self._is_wrapper(whole, None, wanted) else whole, wanted)
        if self._is_wrapper(*spine[0], wanted):
            outer, _ = spine.pop(0)
            return self._view(spine, wanted) if spine else self._checked(self._inside(outer), wanted)
        return self._view(spine, wanted)

    def _is_wrapper(self, outer: Any, key: str | None, wanted: Type) -> bool:
        """Whether the answer is to be found in this object, as in `{"value": …}`; a list may have any key."""
        if not self._shape.is_wrapped or not isinstance(outer, dict) or _fields_of(_bare(wanted)) is not None:
            return False
        return {*outer, key} <= {"value", None} or _is_list(_bare(wanted))

    def _inside(self, outer: dict[str, Any]) -> Any:
        lists = [each for each in outer.values() if isinstance(each, list)]
        return outer.get("value", lists[0] if len(lists) == 1 else None)

    def end(self, *, was_cut: bool = False) -> T:
        """The whole answer, checked; `AnswerError` says what is wrong with it."""
        if not self._shape.is_text:
            self._json.end()
        return self._shape.value(self.text, was_cut=was_cut)

    def _view(self, spine: list[tuple[Any, str | None]], wanted: Type) -> Any:
        """What is still open, in its type."""
        raw, key = spine[0]
        wanted, inside = _bare(wanted), spine[1:]
        if isinstance(raw, list):
            item = get_args(wanted)[0] if get_args(wanted) else Any
            whole = self._items(raw, item)
            return [*whole, self._view(inside, item)] if inside else whole.copy()
        if not isinstance(raw, dict):
            return raw if wanted in (str, Any) else None  # half a date or a choice means nothing yet
        fields = _fields_of(wanted)
        value_type = get_args(wanted)[1] if len(get_args(wanted)) == 2 else Any
        names = {plain_name(written): name for name, (written, _) in (fields or {}).items()}
        came = {}
        for each in [*raw, key] if inside and key is not None else raw:
            name = each if fields is None else names.get(plain_name(each))
            if name is not None:
                field = value_type if fields is None else fields[name][1]
                is_open = bool(inside) and each == key
                came[name] = self._view(inside, field) if is_open else self._checked(raw[each], field)
        return _twin(wanted).model_construct(**came) if _is_model(wanted) else came

    def _items(self, raw: list[Any], item: Type) -> list[Any]:
        """The views of the items that are whole; only the new ones are looked at."""
        _, _, views = self._lists.setdefault((id(raw), id(item)), (raw, item, []))
        views.extend(self._checked(each, item) for each in raw[len(views) :])
        return views

    def _checked(self, raw: Any, wanted: Type) -> Any:
        """What is whole, checked once and for all; what does not fit is shown as far as it does."""
        is_scalar = not isinstance(raw, dict | list)
        key = (type(raw), raw if is_scalar else id(raw), id(wanted))
        if key not in self._whole:
            view = _fitting(raw, wanted)
            if view is None and not is_scalar:
                view = self._view([(raw, None)], wanted)
            self._whole[key] = (raw, wanted, view)  # both are kept, for else their ids could become another's
        return self._whole[key][2]


def _is_list(wanted: Type) -> bool:
    origin: Type = get_origin(wanted)
    return (wanted if origin is None else origin) in (list, set, frozenset, tuple)


def _fitting(raw: Any, wanted: Type) -> Any:
    try:
        return one_of(wanted).check(raw, "")
    except AnswerError:
        return None


def _bare(wanted: Type) -> Type:
    """The type without `Annotated`, `Optional` and the like, where only one is left."""
    origin: Type = get_origin(wanted)
    if origin in (Annotated, typing.Required, typing.NotRequired):
        return _bare(get_args(wanted)[0])
    if origin in (typing.Union, types.UnionType):
        left = [each for each in get_args(wanted) if each is not types.NoneType]
        return _bare(left[0]) if len(left) == 1 else Any
    return wanted


def _fields_of(wanted: Type) -> Mapping[str, tuple[str, Type]] | None:
    """The fields of a class by name, each with its key in JSON and its type; None if it is no such class."""
    if _is_model(wanted):
        return {name: (field.alias or name, field.annotation) for name, field in wanted.model_fields.items()}
    if dataclasses.is_dataclass(wanted) or is_typeddict(wanted):
        hints = get_type_hints(wanted, include_extras=True)
        return {name: (name, hint) for name, hint in hints.items()}
    return None


def _is_model(wanted: Type) -> bool:
    is_class = isinstance(wanted, type) and get_origin(wanted) is None
    return is_class and issubclass(wanted, BaseModel) and not issubclass(wanted, RootModel)


@lru_cache(maxsize=256)
def _twin(cls: type[BaseModel]) -> type[BaseModel]:
    """A class with the same fields, all of which may be missing."""
    fields: dict[str, Any] = dict.fromkeys(cls.model_fields, (Any, None))
    config = ConfigDict(protected_namespaces=())
    return create_model(f"Partial{cls.__name__}", __config__=config, __doc__=f"A part of {cls.__name__}.", **fields)
