"""Sound out of an answer: as it is, in one document, or wrapped in events."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.incoming import Incoming
from byzer_nb.providers.wire.ports import EventNarrator, Narrator

Spoken = tuple[bytes, AsyncGenerator[bytes, None]]


async def begun_sound(incoming: Incoming, narrator: Narrator | EventNarrator, *, called: Called) -> Spoken:
    """The first piece and the rest: all that goes wrong before the first sound can still be tried again."""
    pieces = _pieces(incoming, narrator)
    try:
        first = await anext(pieces, b"")
    except BaseException:
        await pieces.aclose()
        raise
    if not first:
        raise failures.without_sound(called)
    return first, pieces


async def _pieces(incoming: Incoming, narrator: Narrator | EventNarrator) -> AsyncGenerator[bytes, None]:
    if isinstance(narrator, EventNarrator):
        hearing = narrator.hearing(incoming.headers)
        while not hearing.is_done and (events := await incoming.next_events()):
            for event in events:
                if piece := hearing.read(event):
                    yield piece
        hearing.last()
        await incoming.end()
    elif _is_document(incoming.kind):
        if whole := narrator.sound(await incoming.rest(), incoming.headers):
            yield whole
    else:
        while chunk := await incoming.chunk():
            yield chunk


def _is_document(kind: str) -> bool:
    """Whether an answer of that media type is something to read: an error, a web page, or sound in wrapping."""
    return kind.startswith("text/") or kind.endswith(("json", "xml"))
