"""Two lines for a mistake of the user: what failed, and what to type next."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from byzer_nb._lang import say
from byzer_nb.errors import ByzerError, PromptError

IN_TEMPLATE = "In the template of "  # how the note begins that a template adds to an error

Magic = TypeVar("Magic", bound=Callable[..., Any])

DEBUG = "--debug"
RED, PLAIN = "\x1b[31m", "\x1b[39m"


def short_errors(magic: Magic) -> Magic:
    """A magic whose errors are short, unless its line says `--debug`.

    The error is still raised, so that "Run all" stops at the cell; it only brings its own words to IPython.
    """

    @functools.wraps(magic)
    def guarded(self: Any, line: str, *cell: str | None) -> Any:  # Any: IPython has no types
        try:
            return magic(self, line, *cell)
        except ByzerError as error:
            if DEBUG not in line.split():
                _show_as(error, _two_lines(error, is_red=self.shell.colors.lower() != "nocolor"))
            raise
        except KeyboardInterrupt as stop:
            _show_as(stop, [say(en="Stopped.", zh="已停止。")])
            raise

    return guarded  # type: ignore[return-value]  # it takes and gives what the magic does


@contextmanager
def told_as_of_the_prompt() -> Iterator[None]:
    """Whatever goes wrong while a prompt is filled in is an error of the prompt, and says where in it."""
    try:
        yield
    except ByzerError:
        raise
    except Exception as failed:  # of a value or an expression in the template: any at all
        what = f"{type(failed).__name__}: {failed}" if str(failed) else type(failed).__name__
        raise PromptError(
            f"The prompt cannot be filled in: {what}{_place(failed)}",
            hint="Change that expression or the value it uses; --debug shows the whole traceback.",
        ) from failed


def _place(failed: Exception) -> str:
    notes = [note for note in getattr(failed, "__notes__", ()) if note.startswith(IN_TEMPLATE)]
    return f", {notes[-1][:1].lower()}{notes[-1][1:]}" if notes else ""


def _two_lines(error: ByzerError, *, is_red: bool) -> list[str]:
    kind = type(error).__name__
    what = _one_line(error.message)
    # Errors without a hint are the library's, whose words are English; one message is not in two languages.
    then = _one_line(error.hint) or "Add --debug to see where it happened."
    return [f"{RED}{kind}{PLAIN}: {what}" if is_red else f"{kind}: {what}", then]


def _one_line(text: str) -> str:
    return " ".join(text.split("\n"))


def _show_as(error: BaseException, lines: list[str]) -> None:
    # IPython asks an error for this first; a partial, because errors are pickled now and then.
    error._render_traceback_ = functools.partial(list, lines)  # type: ignore[attr-defined]
