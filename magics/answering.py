"""A question asked, and its answer shown while it comes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from typing import Any

from byzer_nb._sync import iterate
from byzer_nb.client import Client, reachable_models
from byzer_nb.client.local import BUNDLED
from byzer_nb.errors import AnswerError
from byzer_nb.prompts.ask import Question
from byzer_nb.prompts.ladder import Shaped, ShapeError
from byzer_nb.prompts.progress import Asked, Decision, Progress, Step
from byzer_nb.prompts.tool_loop import Made
from byzer_nb.types import Message, Reply, ToolCall

from .footer import Ending, footer
from .painter import Painter

Approval = Callable[[ToolCall], "bool | Awaitable[bool]"]


class Answering:
    """One question on its way, in the `turns` that it makes.

    `so_far` is the text that has come, also after it was stopped; before `has_asked` there can be none.
    """

    def __init__(
        self,
        question: Question,
        painter: Painter,
        *,
        turns: tuple[Message, ...],
        tools: Sequence[Any] = (),  # Any: functions, and what brings some
        approve: Approval | None = None,
    ) -> None:
        self._question = question
        self._painter = painter
        self._approve = approve
        self._client = Client()
        self._model = question.model or self._client.default_model()
        self._is_bundled_by_default = not question.model and self._model == BUNDLED and not reachable_models().chosen
        self._progress = Progress(question, turns=turns, tools=tools, needs_word=approve is not None)
        self.has_asked = False

    @property
    def so_far(self) -> str:
        """The text that has come."""
        return self._progress.reply().text

    def value(self) -> object:
        """Ask, show the answer as it comes, and give it in the wanted type."""
        self._client.describe(model=self._model)  # an unknown name is said before anything is shown
        self.has_asked = True
        try:
            with closing(iterate(self._progress.steps(every=self._painter.pace))) as steps:
                for step in steps:
                    self._show(step)
        except ShapeError as wrong:
            self._painter.paint(wrong.reply)
            self._finish("done", how=wrong)
            raise
        except AnswerError:
            self._finish("done")
            raise
        except BaseException as ended:  # an engine of somebody else may raise anything
            self._painter.paint(self._progress.reply())
            self._finish("stopped" if isinstance(ended, KeyboardInterrupt) else "broken")
            raise
        shaped = self._progress.shaped
        assert shaped is not None
        value: object = shaped.value
        if not self._question.shape.is_text:
            self._painter.value(value)
        self._finish("done", how=shaped)
        return value

    def _show(self, step: Step) -> None:
        match step:
            case Asked():
                self._painter.turn(self._model)
            case Reply():
                self._painter.paint(step)
            case AnswerError():
                self._painter.again(step)
            case ToolCall():
                self._painter.call(step)
            case Decision():
                assert self._approve is not None
                step.decide(self._approve(step.call))
            case Made():
                self._painter.made(step)

    def _finish(self, ending: Ending, *, how: Shaped[Any] | ShapeError | None = None) -> None:
        is_shaped = how is not None and not self._question.shape.is_text
        line = footer(
            self._progress.reply(),
            ending=ending,
            is_bundled_by_default=self._is_bundled_by_default,
            rung=how.rung if how is not None and is_shaped else None,
            tries=how.tries if how is not None else 1,
        )
        self._painter.finish(line)
