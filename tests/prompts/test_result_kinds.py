"""What the annotation of a prompt function may be."""

from __future__ import annotations

import collections.abc
import typing
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Optional

import pytest
from pydantic import BaseModel

from byzer_nb import prompt
from byzer_nb.errors import PromptError
from byzer_nb.prompts.result_kind import ResultKind, result_kind
from tests.prompts.conftest import Fixed

if TYPE_CHECKING:
    from somewhere import Nothing  # type: ignore[import-not-found]


class Story(BaseModel):
    title: str


def annotated(annotation: Any) -> Callable[..., object]:
    def ask(q: str) -> object:
        """Say {{ q }}"""

    ask.__annotations__["return"] = annotation
    return ask


@pytest.mark.contract("PROMPT-09")
@pytest.mark.parametrize("annotation", [str, "str", None, "None"])
def test_text(annotation: Any) -> None:
    assert result_kind(annotated(annotation), name="ask") == ResultKind()


@pytest.mark.contract("PROMPT-09")
def test_no_annotation_counts_as_text() -> None:
    def ask(q):  # type: ignore[no-untyped-def]
        """Say {{ q }}"""

    assert result_kind(ask, name="ask") == ResultKind()


@pytest.mark.contract("PROMPT-09")
@pytest.mark.parametrize(
    "annotation",
    [Story, "Story", Optional[Story], Story | None, "Story | None", "Optional['Story']"],  # noqa: UP045
)
def test_a_class(annotation: Any) -> None:
    assert result_kind(annotated(annotation), name="ask") == ResultKind(model=Story)


@pytest.mark.contract("PROMPT-09", "PROMPT-10")
@pytest.mark.parametrize(
    "annotation",
    [
        Generator[str, None, None],
        typing.Generator[str, None, None],
        "Generator[str, None, None]",
        "typing.Generator[str, None, None]",
        Generator["str", None, None],
        Iterator[str],
        Iterable[str],
        collections.abc.Generator,
    ],
)
def test_a_stream(annotation: Any) -> None:
    assert result_kind(annotated(annotation), name="ask") == ResultKind(streams=True)


@pytest.mark.parametrize("annotation", [AsyncGenerator[str, None], AsyncIterator[str], "AsyncIterator[str]"])
def test_an_async_stream(annotation: Any) -> None:
    assert result_kind(annotated(annotation), name="ask") == ResultKind(streams=True, is_async_stream=True)


@pytest.mark.contract("PROMPT-09")
@pytest.mark.parametrize(
    "annotation",
    [
        int,
        "int",
        list[str],
        list[Story],
        dict,
        Any,
        Generator[int, None, None],
        Story | str,
        Story | int | None,
        5,
        bytes,
    ],
)
def test_anything_else_is_an_error_that_names_the_function(annotation: Any, fixed: Fixed) -> None:
    ask = prompt()(annotated(annotation))
    assert ask("x") == "Say x"  # without a model it does not matter
    with pytest.raises(PromptError, match="prompt function ask should return a pydantic model or string"):
        ask.with_llm(fixed("x"))("x")


@pytest.mark.contract("PROMPT-09")
@pytest.mark.parametrize("annotation", ["Stroy", "typing.Nothing", "Story[", "1 +"])
def test_an_annotation_that_means_nothing_is_an_error_that_names_the_function(annotation: str, fixed: Fixed) -> None:
    ask = prompt()(annotated(annotation))
    with pytest.raises(PromptError, match="of prompt function ask cannot be understood"):
        ask.with_llm(fixed("x"))("x")


@pytest.mark.contract("PROMPT-09")
def test_a_class_that_is_local_to_a_function_is_found(fixed: Fixed) -> None:
    class Poem(BaseModel):
        lines: int

    @prompt(llm=fixed('{"lines": 4}'))
    def ask() -> Poem:
        """Write."""

    assert ask() == Poem(lines=4)


@pytest.mark.contract("PROMPT-09")
def test_a_local_class_is_found_from_anywhere_else(fixed: Fixed) -> None:
    def made() -> tuple[Any, Any]:
        class Poem(BaseModel):
            lines: int

        @prompt(llm=fixed('{"lines": 4}'))
        def ask() -> Poem:
            """Write."""

        return ask, Poem

    ask, poem = made()
    assert isinstance(ask(), poem)


@pytest.mark.contract("PROMPT-09")
def test_a_class_of_the_class_around_a_method_is_found(fixed: Fixed) -> None:
    class Book:
        class Page(BaseModel):
            number: int

        @prompt(llm=fixed('{"number": 4}'))
        def turn(self) -> Page:
            """Turn."""

        @prompt(llm=fixed('{"number": 4}'))
        def back(self) -> Book.Page:
            """Turn."""

    assert Book().turn() == Book.Page(number=4)
    assert Book().back() == Book.Page(number=4)  # Book was not there when the method was made


@pytest.mark.contract("PROMPT-09")
def test_a_class_that_comes_later_is_found_at_the_call(fixed: Fixed) -> None:
    @prompt(llm=fixed('{"lines": 4}'))
    def ask() -> Later:
        """Write."""

    class Later(BaseModel):
        lines: int

    assert ask() == Later(lines=4)


def test_annotations_of_parameters_may_be_for_type_checkers_only(fixed: Fixed) -> None:
    @prompt(llm=fixed("fine"))
    def ask(q: Nothing) -> str:
        """Say {{ q }}"""

    assert ask("x") == "fine"


def test_an_annotation_is_understood_in_a_method_that_calls_super(fixed: Fixed) -> None:
    class Base:
        def words(self) -> dict[str, str]:
            return {"q": "base"}

    class Child(Base):
        @prompt()
        def ask(self) -> str:
            """Say {{ q }}"""
            return super().words()  # type: ignore[return-value]

    assert Child().ask() == "Say base"
    assert Child().ask.with_llm(fixed("fine"))() == "fine"
