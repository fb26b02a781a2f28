"""A question asked, and its answer shown while it comes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from byzer_nb._sync import iterate
from byzer_nb.client import Client, reachable_models
from byzer_nb.client.gather import Gathering
from byzer_nb.client.local import BUNDLED
from byzer_nb.client.snapshots import snapshots
from byzer_nb.prompts.ask import Question
from byzer_nb.types import Message, Reply

from .footer import Ending, footer
from .painter import Painter


class Answering:
    """One question on its way, in the `messages` that it makes.

    `so_far` is the text that has come, also after it was stopped; before `has_asked` there can be none.
    """

    def __init__(self, question: Question, painter: Painter, *, messages: Sequence[Message]) -> None:
        self._question = question
        self._painter = painter
        self._client = Client()
        self._model = question.model or self._client.default_model()
        self._is_bundled_by_default = not question.model and self._model == BUNDLED and not reachable_models().chosen
        self._messages = messages
        self._gathering = Gathering(model=self._model)
        self.has_asked = False

    @property
    def so_far(self) -> str:
        """The text that has come."""
        return self._gathering.reply().text

    def value(self) -> object:
        """Ask, show the answer as it comes, and give it in the wanted type."""
        reply = self._reply()
        shape = self._question.shape
        try:
            value: object = shape.value(reply.text)
            if not shape.is_text:
                self._painter.value(value)
            return value
        finally:
            self._finish(reply, "done")

    def _reply(self) -> Reply:
        self._client.describe(model=self._model)  # an unknown name is said before anything is shown
        self.has_asked = True
        self._painter.wait(self._model)
        self._gathering = Gathering(model=self._model)
        deltas = self._client.aio.stream(self._messages, model=self._model, options=self._question.options)
        try:
            with closing(iterate(snapshots(deltas, self._gathering, every=self._painter.pace))) as seen:
                for reply in seen:
                    self._painter.paint(reply)
        except BaseException as ended:  # an engine of somebody else may raise anything
            self._painter.paint(self._gathering.reply())
            self._finish(self._gathering.reply(), "stopped" if isinstance(ended, KeyboardInterrupt) else "broken")
            raise
        return self._gathering.reply()

    def _finish(self, reply: Reply, ending: Ending) -> None:
        self._painter.finish(footer(reply, ending=ending, is_bundled_by_default=self._is_bundled_by_default))
