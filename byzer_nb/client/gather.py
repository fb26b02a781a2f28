"""From deltas to a reply."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from byzer_nb.types import Delta, FinishReason, Reply, ToolCall, Usage


async def gather(deltas: AsyncIterator[Delta], *, model: str) -> Reply:
    """Wait for the whole answer; `seconds` are counted from this call."""
    gathering = Gathering(model=model)
    async for delta in deltas:
        gathering.add(delta)
    return gathering.reply()


class Gathering:
    """An answer that grows; at any moment it can say what there is so far."""

    def __init__(self, *, model: str) -> None:
        self._model = model
        self._started = time.perf_counter()
        self._first: float | None = None
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._finish_reason: FinishReason | None = None
        self._usage = Usage()
        self._request_id = ""
        self._worker: int | None = None
        self._tool_calls: tuple[ToolCall, ...] = ()
        self._stopped_by = ""

    def add(self, delta: Delta) -> None:
        """Take the next piece in."""
        if self._first is None and (delta.text or delta.reasoning):
            self._first = time.perf_counter() - self._started
        if delta.text:
            self._text.append(delta.text)
        if delta.reasoning:
            self._reasoning.append(delta.reasoning)
        self._finish_reason = delta.finish_reason or self._finish_reason
        self._usage = delta.usage or self._usage
        self._request_id = delta.request_id or self._request_id
        self._model = delta.model or self._model
        self._tool_calls += delta.tool_calls
        self._stopped_by = delta.stopped_by or self._stopped_by
        self._worker = delta.worker if delta.worker is not None else self._worker

    def reply(self) -> Reply:
        """What came so far; without a finish reason it counts as cancelled."""
        return Reply(
            text="".join(self._text),
            reasoning="".join(self._reasoning),
            finish_reason=self._finish_reason or "cancelled",
            usage=self._usage,
            model=self._model,
            request_id=self._request_id,
            worker=self._worker,
            tool_calls=self._tool_calls,
            stopped_by=self._stopped_by,
            seconds=time.perf_counter() - self._started,
            first_token_seconds=self._first or 0.0,
        )
