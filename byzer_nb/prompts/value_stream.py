"""Values while a model writes them: the items of a list one by one, or an object that fills in."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from typing import Any, get_args, get_origin

from byzer_nb._sync import iterate
from byzer_nb.client import AsyncClient
from byzer_nb.prompts.ask import Question, read_options
from byzer_nb.prompts.items import BrokenItem, ItemReader
from byzer_nb.prompts.ladder import shaped_deltas
from byzer_nb.prompts.partial import PartialReader
from byzer_nb.prompts.shape import Shape
from byzer_nb.prompts.template import Template
from byzer_nb.types import ChatRequest, Delta


def stream_values(
    template: str,
    *,
    as_type: Any,
    model: str = "",
    variables: Mapping[str, Any] | None = None,
    system: str = "",
    **options: Any,
) -> ValueStream:
    """What `ask` gives, while it is written, for `for` and for `async for`.

    Of `as_type=list[Person]` each `Person` comes as soon as it is whole. Of any other type the same value comes again
    and again, each time with more in it, and at last the whole one: of `as_type=Person` first objects that may lack
    anything, which are no `Person` yet, and then the `Person`; of `str` the text so far.

    The model is asked once: what was shown cannot be taken back. An object that does not fit in the end is an
    `AnswerError`, and so is a list of which nothing came; broken items of a list are left out and stand in `broken`.
    Leaving the loop early stops the model.

    Args:
        template: Jinja text; its names are looked up in `variables`, whose values are never rendered again.
        as_type: whatever `ask` takes.
        model: the name of a running model, else the default one.
        system: what the model is told before the prompt; a template over the same variables.
        options: generation options, such as `temperature` and `max_tokens`; unknown ones go to the provider.
    """
    return ValueStream(
        Question(
            template=Template(template, owner="the prompt"),
            variables=variables or {},
            model=model,
            shape=Shape(as_type),
            system=Template(system, owner="the system text") if system else None,
            options=read_options(options),
        )
    )


class ValueStream:
    """The values of one question; each loop over it asks anew."""

    def __init__(self, question: Question, *, client: AsyncClient | None = None) -> None:
        self.broken: tuple[BrokenItem, ...] = ()  # of the last loop
        self._question = question
        self._client = client

    def __iter__(self) -> Iterator[Any]:
        return iterate(self._values())

    def __aiter__(self) -> AsyncGenerator[Any, None]:
        return self._values()

    async def _values(self) -> AsyncGenerator[Any, None]:
        wanted = self._question.shape.wanted
        if get_origin(wanted) is list and get_args(wanted):
            values = self._items(get_args(wanted)[0])
        else:
            values = self._growing()
        async with aclosing(values):
            async for value in values:
                yield value

    async def _items(self, item: Any) -> AsyncGenerator[Any, None]:
        reader: ItemReader[Any] = ItemReader(item)
        self.broken = ()
        was_cut = False
        async with aclosing(self._deltas()) as deltas:
            async for delta in deltas:
                was_cut = was_cut or delta.finish_reason == "length"
                for each in reader.feed(delta.text):
                    yield each
                self.broken = tuple(reader.broken)
        for each in reader.end(was_cut=was_cut):
            yield each
        self.broken = tuple(reader.broken)

    async def _growing(self) -> AsyncGenerator[Any, None]:
        reader: PartialReader[Any] = PartialReader(self._question.shape)
        was_cut = False
        last: Any = None
        async with aclosing(self._deltas()) as deltas:
            async for delta in deltas:
                was_cut = was_cut or delta.finish_reason == "length"
                reader.feed(delta.text)
                if delta.text and (value := reader.value) is not None and value != last:
                    last = value
                    yield value
        whole = reader.end(was_cut=was_cut)
        if type(whole) is not type(last) or whole != last:
            yield whole

    def _deltas(self) -> AsyncGenerator[Delta, None]:
        asked, client = self._question, self._client or AsyncClient()
        if asked.shape.is_text:
            return client.stream(ChatRequest(messages=asked.turns()), model=asked.model, options=asked.options)
        return shaped_deltas(client, asked.turns(), asked.shape, model=asked.model, options=asked.options)
