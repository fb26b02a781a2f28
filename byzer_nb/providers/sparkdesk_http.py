"""iFlytek's other protocol: OpenAI's over HTTP, with numbers of its own for requests and errors."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import msgspec

from byzer_nb.providers import sparkdesk_wire
from byzer_nb.providers.openai_answers import DONE, ChatStream, whole_answer
from byzer_nb.providers.openai_dialect import OpenAIDialect
from byzer_nb.providers.openai_hosts import EVERY, Host
from byzer_nb.providers.openai_wire import Speaker
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.decoding import decoded
from byzer_nb.providers.wire.engine import WireEngine
from byzer_nb.providers.wire.failures import Called, Complaint
from byzer_nb.providers.wire.ports import Reading
from byzer_nb.providers.wire.sse import Event
from byzer_nb.types import ChatRequest, Delta

OPTIONS = sparkdesk_wire.OPTIONS | {"presence_penalty", "frequency_penalty"}


def spark_speaker(model: str) -> Speaker:
    """A model that counts tokens in the last chunk of every stream, and knows no wish for that."""
    return Speaker(model=model, host=Host(options=OPTIONS, no_tools=EVERY), quirks=frozenset({"stream_options"}))


class Head(msgspec.Struct, gc=False):
    """What stands beside OpenAI's fields: the code of an error, and the number of the request."""

    code: int = 0
    message: str = ""
    sid: str = ""
    error: dict[str, Any] | None = None  # Any: JSON


_decode = msgspec.json.Decoder(Head).decode


class SparkDeskOverHttp(WireEngine):
    """A Spark model behind HTTP."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """The answer: one delta for each piece that arrives, or a single one when nobody watches."""
        async with aclosing(super().chat(request)) as deltas:
            async for delta in deltas:
                if delta.finish_reason == "stop":
                    reason = sparkdesk_wire.reason_of(delta.usage, request.options.max_tokens)
                    delta = replace(delta, finish_reason=reason)
                yield delta


class SparkHttpDialect(OpenAIDialect):
    """OpenAI's protocol as iFlytek speaks it."""

    def body(self, request: ChatRequest) -> dict[str, Any]:  # Any: JSON
        """The body of a chat completion."""
        body = super().body(request)
        if "temperature" in body:
            body["temperature"] = max(body["temperature"], sparkdesk_wire.LEAST_TEMPERATURE)
        return body

    def whole(self, body: bytes, headers: Mapping[str, str]) -> Delta:
        """An answer that came in one piece."""
        head = _head(body, headers, self.called)
        answer = whole_answer(body, self.called, headers)
        return replace(answer, request_id=answer.request_id or head.sid)

    def reading(self, headers: Mapping[str, str]) -> Reading:
        """A reader for one streamed answer."""
        return SparkChunks(self.called, headers)


class SparkChunks(ChatStream):
    """What is known of a streamed answer so far."""

    __slots__ = ()

    def read(self, event: Event) -> Delta | None:
        """What the event adds, if anything that can be read."""
        if event.data != DONE:
            _head(event.data, self._headers, self._called)
        return super().read(event)


def _head(data: bytes, headers: Mapping[str, str], called: Called) -> Head:
    """What stands beside the answer; an error in its place is raised."""
    head = decoded(_decode, data, called)
    if head.error:
        raise sparkdesk_wire.complained(failures.complaint_of(head.error), headers, called)
    if head.code:
        complaint = Complaint(message=head.message, code=str(head.code), request_id=head.sid)
        raise sparkdesk_wire.complained(complaint, headers, called)
    return head
