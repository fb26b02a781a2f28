"""Responses that can be read again and continued, in memory, each by the key alone that asked for it."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from byzer_nb.serve.refusals import RefusalError
from byzer_nb.serve.responses.run import Run
from byzer_nb.types import Message, TextPart

MOST_RUNNING = 256  # in the background at once


class Kept:
    """One response: what was asked, the conversation up to its end, and the answer as it is sent."""

    __slots__ = ("_body", "born", "caller", "conversation", "id", "items", "run", "size")

    def __init__(
        self,
        name: str,
        *,
        caller: str,
        items: bytes,
        conversation: tuple[Message, ...],
        body: bytes | Callable[[], bytes],
        run: Run | None = None,
    ) -> None:
        self.id = name
        self.caller = caller
        self.items = items  # JSON
        self.conversation = conversation
        self.run = run  # in the background
        self.born = time.monotonic()
        self._body = body
        self.size = self._weight()

    @property
    def body(self) -> bytes:
        """The response as JSON, also while it is being made."""
        return self._body() if callable(self._body) else self._body

    @property
    def is_running(self) -> bool:
        """Whether it is still being made."""
        return self.run is not None and not self.run.is_over

    def finished(self, conversation: tuple[Message, ...]) -> None:
        """Its run is over."""
        self._body = self.body
        self.conversation = conversation
        self.size = self._weight()

    def _weight(self) -> int:
        answer = 0 if callable(self._body) else len(self._body)
        events = 0 if self.run is None else self.run.size
        return len(self.items) + answer + events + sum(map(_weight, self.conversation))


class KeptResponses:
    """The newest responses, up to a number of bytes and an age. A conversation counts in full with each of its turns.

    What still runs in the background stays, whatever its size.
    """

    def __init__(self, largest: int, seconds: float) -> None:
        self._largest = largest
        self._seconds = seconds
        self._kept: dict[str, Kept] = {}  # oldest first
        self._size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, kept: Kept) -> None:
        """Keep one more."""
        if kept.run is not None and sum(each.is_running for each in self._kept.values()) >= MOST_RUNNING:
            raise RefusalError(
                f"{MOST_RUNNING} responses are being made in the background, which is the most.",
                status=429,
                code="rate_limit_exceeded",
                hint="Wait for one of them, or ask in the foreground.",
            )
        self._kept[kept.id] = kept
        self._size += kept.size
        self._make_room()

    def finished(self, kept: Kept, conversation: tuple[Message, ...]) -> None:
        """A response that was being made in the background is whole."""
        before = kept.size
        kept.finished(conversation)
        if kept.id in self._kept:
            self._size += kept.size - before
            self._make_room()

    def find(self, name: str, caller: str) -> Kept | None:
        """The response of that name, if it is kept and this caller's."""
        self._make_room()
        kept = self._kept.get(name)
        return kept if kept is not None and kept.caller == caller else None

    def forget(self, kept: Kept) -> None:
        """Let one go; if it is still being made, that ends."""
        if self._kept.pop(kept.id, None) is not None:
            self._size -= kept.size
        if kept.run is not None:
            kept.run.cancel()

    def _make_room(self) -> None:
        oldest = time.monotonic() - self._seconds
        size = self._size
        gone = []
        for kept in self._kept.values():
            if size <= self._largest and kept.born >= oldest:
                break
            if not kept.is_running:
                gone.append(kept)
                size -= kept.size
        for kept in gone:
            self.forget(kept)


def _weight(message: Message) -> int:
    """About how many bytes a message takes."""
    content = message.content
    if isinstance(content, str):
        size = len(content)
    else:
        size = sum(len(part.text) if isinstance(part, TextPart) else len(part.url) for part in content)
    return size + sum(len(msgspec.json.encode(call)) for call in message.tool_calls)
