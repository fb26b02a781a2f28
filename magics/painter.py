"""Showing an answer while it comes: in a notebook's cell, or in a terminal.

A painter is told the whole of what there is, again and again, and knows itself what of it is new.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Any, Protocol

from IPython.display import display

from byzer_nb._lang import say
from byzer_nb.errors import AnswerError
from byzer_nb.prompts.answer_text import shortened
from byzer_nb.prompts.marked import Part
from byzer_nb.prompts.tool_loop import Made
from byzer_nb.types import Reply, ToolCall

from .calls import call_bundle, call_line, made_bundle, made_line
from .footer import small
from .safe_markdown import code_block, harmless

Turn = tuple[str, Sequence[Part]]  # who speaks, and what
Bundle = dict[str, str]

PROMPT = "white-space:pre-wrap;margin:.2em 0 1em;font-family:var(--jp-code-font-family,monospace)"
INSERTED = "color:inherit;background:rgba(255,190,0,.35)"  # readable on a light and on a dark page
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # a terminal obeys some of these


class Painter(Protocol):
    """Where an answer is shown; `pace` is the least time between two paints in seconds."""

    pace: float

    def turn(self, model: str) -> None:
        """What the model says from now on is another turn; say who was asked, until there is something to read."""
        ...

    def paint(self, reply: Reply) -> None:
        """Show what there is of the turn."""
        ...

    def again(self, wrong: AnswerError) -> None:
        """The answer did not fit, and there will be another."""
        ...

    def call(self, call: ToolCall) -> None:
        """A tool is being called."""
        ...

    def made(self, made: Made) -> None:
        """What came of a call."""
        ...

    def finish(self, line: str) -> None:
        """Say below the answer how it went; also when there is no answer."""
        ...

    def value(self, value: object) -> None:
        """Show what the answer was turned into."""
        ...

    def note(self, line: str) -> None:
        """One quiet line."""
        ...

    def prompt(self, turns: Sequence[Turn]) -> None:
        """Show what would be sent, with what was inserted marked."""
        ...


def painter_for(shell: Any, *, is_json: bool = False) -> Painter:
    """The painter that suits where the shell runs."""
    if getattr(shell, "kernel", None) is None:
        return TerminalPainter()
    return NotebookPainter(is_json=is_json)


class NotebookPainter:
    """Repaints outputs of the cell in place, so that the saved notebook holds each text once."""

    pace = 0.1  # more often costs the browser more than it shows the reader

    def __init__(self, *, is_json: bool = False) -> None:
        self._is_json = is_json
        self._waiting: Any = None  # display handles have no types
        self._thoughts: Any = None
        self._answer: Any = None
        self._calls: dict[int, tuple[ToolCall, Any]] = {}  # the outputs of calls that are being made
        self._begin()

    def _begin(self) -> None:
        self._thoughts = self._answer = None
        self._seen = Reply(text="")
        self._painted_thoughts = ("", False, False)
        self._painted_answer = ("", False)

    def turn(self, model: str) -> None:
        self._paint(self._seen, is_whole=True)
        self._begin()
        self._waiting = self._put(self._waiting, _line(say(en=f"asking {model} …", zh=f"正在询问 {model} …")))

    def paint(self, reply: Reply) -> None:
        self._paint(reply, is_whole=reply.finish_reason != "cancelled")

    def again(self, wrong: AnswerError) -> None:
        self._put(self._answer, _unfit(wrong))
        self._begin()

    def call(self, call: ToolCall) -> None:
        self._paint(self._seen, is_whole=True)
        self._calls[id(call)] = (call, self._put(None, call_bundle(call)))

    def made(self, made: Made) -> None:
        _, handle = self._calls.pop(id(made.call), (None, None))
        self._put(handle, made_bundle(made))

    def finish(self, line: str) -> None:
        self._paint(self._seen, is_whole=True)
        self._put(None, _line(line))

    def value(self, value: object) -> None:
        display(value)

    def note(self, line: str) -> None:
        self._put(None, _line(line))

    def prompt(self, turns: Sequence[Turn]) -> None:
        html = "".join(
            f'{small(role)}<div style="{PROMPT}">{"".join(map(_marked, parts))}</div>' for role, parts in turns
        )
        display({"text/html": html, "text/plain": _plain(turns)}, raw=True)

    def _paint(self, reply: Reply, *, is_whole: bool) -> None:
        """Repaint what has changed; only what is whole is sent as plain text too, which is for readers of the file."""
        self._seen = reply
        thoughts = (reply.reasoning, bool(reply.text), is_whole)
        if reply.reasoning and thoughts != self._painted_thoughts:
            self._painted_thoughts = thoughts
            bundle = _folded(reply.reasoning, is_open=not reply.text)
            self._thoughts = self._put(self._thoughts, bundle if is_whole else _without_plain(bundle))
        answer = (reply.text, is_whole)
        if reply.text and answer != self._painted_answer:
            self._painted_answer = answer
            bundle = self._markdown(reply.text)
            self._answer = self._put(self._answer, bundle if is_whole else _without_plain(bundle))

    def _markdown(self, text: str) -> Bundle:
        is_json = self._is_json and text.lstrip().startswith(("{", "[")) and "```" not in text
        shown = code_block(text, "json") if is_json else text
        return {"text/markdown": harmless(shown), "text/plain": text}

    def _put(self, handle: Any, bundle: Bundle) -> Any:
        """Repaint an output, or make one; the first one made takes the place of the waiting line."""
        if handle is None:
            handle, self._waiting = self._waiting, None
        if handle is None:
            return display(bundle, raw=True, display_id=True)
        handle.update(bundle, raw=True)
        return handle


class TerminalPainter:
    """Prints what is new; nothing that was printed changes any more."""

    pace = 0.03

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(highlight=False, force_jupyter=False)
        self._thoughts = 0  # characters that have been printed
        self._answer = 0
        self._is_in_line = False

    def turn(self, model: str) -> None:
        self._end_line()
        self._thoughts = self._answer = 0

    def paint(self, reply: Reply) -> None:
        self._print(reply.reasoning[self._thoughts :], style="dim italic")
        self._thoughts = len(reply.reasoning)
        if reply.text and self._thoughts and not self._answer:
            self._print("\n\n")
        self._print(reply.text[self._answer :])
        self._answer = len(reply.text)

    def again(self, wrong: AnswerError) -> None:
        self._end_line()
        self.note(_why(wrong))

    def call(self, call: ToolCall) -> None:
        self._end_line()
        self.note(call_line(call))

    def made(self, made: Made) -> None:
        self._end_line()
        self.note(made_line(made))

    def finish(self, line: str) -> None:
        self._end_line()
        self.note(line)

    def value(self, value: object) -> None:
        self._end_line()
        display(value)

    def note(self, line: str) -> None:
        self._print(line + "\n", style="dim")

    def prompt(self, turns: Sequence[Turn]) -> None:
        for role, parts in turns:
            self.note(role)
            for part in parts:
                self._print(part.text, style="reverse" if part.is_inserted else "")
            self._print("\n")

    def _end_line(self) -> None:
        if self._is_in_line:
            self._print("\n")

    def _print(self, text: str, *, style: str = "") -> None:
        text = _CONTROL.sub("", text)
        if not text:
            return
        self._is_in_line = not text.endswith("\n")
        if style:
            self._console.out(text, style=style, end="")
        else:
            self._console.file.write(text)  # as it is: rich would turn tabs into spaces
            self._console.file.flush()


def _without_plain(bundle: Bundle) -> Bundle:
    return {mime: body for mime, body in bundle.items() if mime != "text/plain"}


def _line(text: str) -> Bundle:
    return {"text/html": small(text), "text/plain": text}


def _why(wrong: AnswerError) -> str:
    reasons = "; ".join(wrong.problems) or wrong.message
    shown = " ".join(shortened(reasons).split())
    return say(en=f"asked again, for this does not fit: {shown}", zh=f"不符合要求，重新询问：{shown}")


def _unfit(wrong: AnswerError) -> Bundle:
    """An answer that did not fit, folded under the reason."""
    why, text = _why(wrong), wrong.answer
    html = f"<details><summary>{small(why)}</summary><pre>{escape(text)}</pre></details>"
    return {"text/html": html, "text/plain": f"{text}\n{why}"}


def _folded(reasoning: str, *, is_open: bool) -> Bundle:
    """A model's thoughts: to be read while there is nothing else, folded as soon as it speaks."""
    title = say(en="thinking", zh="思考")
    html = (
        f"<details{' open' if is_open else ''}><summary>{small(title)}</summary>"
        f'<div style="white-space:pre-wrap;opacity:.75">{escape(reasoning)}</div></details>'
    )
    return {"text/html": html, "text/plain": f"{title}: {reasoning}"}


def _marked(part: Part) -> str:
    return f'<mark style="{INSERTED}">{escape(part.text)}</mark>' if part.is_inserted else escape(part.text)


def _plain(turns: Sequence[Turn]) -> str:
    texts = {role: "".join(part.text for part in parts) for role, parts in turns}
    if len(texts) == 1:
        return next(iter(texts.values()))
    return "\n\n".join(f"{role}:\n{text}" for role, text in texts.items())
