"""One tree of errors: each is also the builtin one expects, shows its hint, and survives a trip to another process."""

from __future__ import annotations

import copy
import inspect
import pickle
import traceback
from collections.abc import Callable

import pytest

from byzer_nb import errors
from byzer_nb.errors import (
    AnswerError,
    ByzerError,
    CallTimeoutError,
    MissingExtraError,
    MissingSettingError,
    ModelCallError,
    RateLimitedError,
    RefusedError,
    SandboxError,
    UndefinedVariableError,
    UnknownModelError,
    UnreachableError,
)

EVERY = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, ByzerError)]

BUILTIN = {
    "BadInputError": ValueError,
    "MissingFileError": FileNotFoundError,
    "MissingModelError": FileNotFoundError,
    "MissingSettingError": ValueError,
    "PromptError": ValueError,
    "PromptTooLongError": ValueError,
    "UndefinedVariableError": NameError,
    "WrongTypeError": TypeError,
    "UnknownNameError": LookupError,
    "UnknownModelError": ValueError,
    "UnsupportedError": NotImplementedError,
    "MissingExtraError": ImportError,
    "NotConnectedError": RuntimeError,
    "LoopError": RuntimeError,
    "AnswerError": ValueError,
    "SandboxError": RuntimeError,
    "McpError": RuntimeError,
    "GatewayError": RuntimeError,
    "ModelCallError": RuntimeError,
    "RefusedError": PermissionError,
    "RateLimitedError": RuntimeError,
    "UnreachableError": ConnectionError,
    "CallTimeoutError": TimeoutError,
    "ByzerError": Exception,
}


def through_pickle(protocol: int) -> Callable[[ByzerError], ByzerError]:
    """The way to another process and back."""

    def travel(error: ByzerError) -> ByzerError:
        arrived = pickle.loads(pickle.dumps(error, protocol))
        assert isinstance(arrived, ByzerError)
        return arrived

    return travel


def full(cls: type[ByzerError]) -> ByzerError:
    """An error of that class with every attribute set."""
    if issubclass(cls, AnswerError):
        return cls("It failed.", answer="the answer", hint="Do this.")
    if issubclass(cls, SandboxError):
        return cls("It failed.", reason="time", output="what it printed", hint="Do this.")
    if issubclass(cls, MissingSettingError):
        return cls("It failed.", setting="api_key", hint="Do this.")
    if issubclass(cls, UndefinedVariableError):
        return cls("It failed.", variable="x", hint="Do this.")
    if not issubclass(cls, ModelCallError):
        return cls("It failed.", hint="Do this.")
    error = cls(
        "It failed.",
        hint="Do this.",
        provider="p",
        model="m",
        status=429,
        code="c",
        request_id="r",
        retryable=True,
    )
    if isinstance(error, RateLimitedError):
        error.retry_after = 1.5
    return error


@pytest.mark.parametrize("cls", EVERY)
def test_it_is_the_builtin_one_would_expect(cls: type[ByzerError]) -> None:
    assert issubclass(cls, BUILTIN[cls.__name__])


def test_the_list_of_names_is_the_tree() -> None:
    assert sorted(errors.__all__) == sorted(cls.__name__ for cls in EVERY)
    assert errors.__doc__ is not None
    assert [cls.__name__ for cls in EVERY if cls.__name__ not in errors.__doc__] == []


@pytest.mark.parametrize("cls", EVERY)
def test_the_text_is_the_message_and_the_hint_is_a_note(cls: type[ByzerError]) -> None:
    error = full(cls)
    assert str(error) == "It failed."
    assert error.hint == "Do this."
    shown = "".join(traceback.format_exception(error)).rstrip().splitlines()
    assert shown[-2:] == [f"byzer_nb.errors.{cls.__name__}: It failed.", "Do this."]


@pytest.mark.parametrize("cls", EVERY)
@pytest.mark.parametrize("travel", [*map(through_pickle, range(6)), copy.copy, copy.deepcopy])
def test_it_arrives_whole_in_another_process(cls: type[ByzerError], travel: Callable[[ByzerError], ByzerError]) -> None:
    error = full(cls)
    arrived = travel(error)
    assert type(arrived) is cls
    assert (str(arrived), arrived.args, arrived.hint) == ("It failed.", ("It failed.",), "Do this.")
    assert vars(arrived) == vars(error)
    assert arrived.__notes__ == ["Do this."]


def test_a_note_on_a_copy_stays_there() -> None:
    error = full(AnswerError)
    copy.deepcopy(error).add_note("only here")
    assert error.__notes__ == ["Do this."]


def test_without_a_hint_there_is_no_note() -> None:
    assert not hasattr(ByzerError("It failed."), "__notes__")


def test_errors_of_others_that_inherit_from_ours_travel_too() -> None:
    arrived = pickle.loads(pickle.dumps(TooSmallError(3)))
    assert (str(arrived), arrived.size) == ("3 is too small.", 3)


class TooSmallError(ByzerError):
    """An error with a constructor of its own."""

    def __init__(self, size: int) -> None:
        super().__init__(f"{size} is too small.")
        self.size = size


def test_python_adds_no_guess_of_its_own_to_an_undefined_name() -> None:
    assert UndefinedVariableError("It failed.", variable="messag").name is None


@pytest.mark.parametrize(
    "cls", [RefusedError, UnreachableError, CallTimeoutError, MissingExtraError, UnknownModelError]
)
def test_the_message_is_not_quoted_or_split_as_its_builtin_would(cls: type[ByzerError]) -> None:
    assert str(cls("No 'x', 5.")) == "No 'x', 5."
    assert "No 'x', 5." in repr(cls("No 'x', 5."))
