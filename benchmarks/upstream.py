"""A server that does not think: 20 tokens for whoever asks, in OpenAI's words. Prints its port, runs until killed.

What it is made of serves other protocols too: a function from the request line and the body to the bytes of an answer.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any

TOKENS = [f"token{number} " for number in range(20)]
USAGE = {"prompt_tokens": 8, "completion_tokens": len(TOKENS), "total_tokens": 8 + len(TOKENS)}
COMMON = {"id": "chatcmpl-1", "created": 1700000000, "model": "bench"}

Answer = list[bytes]  # headers and all, in the pieces in which it is written


def whole(body: Any) -> Answer:
    """An answer in one JSON document."""
    written = json.dumps(body).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(written)
    return [head + written]


def streamed(events: Iterable[bytes], kind: bytes = b"text/event-stream") -> Answer:
    """A streamed answer: headers, then one HTTP chunk for each event."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ntransfer-encoding: chunked\r\n\r\n" % kind
    return [head, *(b"%x\r\n%s\r\n" % (len(event), event) for event in events), b"0\r\n\r\n"]


def openai_whole() -> Answer:
    """A chat completion."""
    message = {"role": "assistant", "content": "".join(TOKENS)}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return whole({**COMMON, "object": "chat.completion", "choices": [choice], "usage": USAGE})


def openai_streamed() -> Answer:
    """The same in chunks."""
    deltas = [{"index": 0, "delta": {"content": token}, "finish_reason": None} for token in TOKENS]
    last = {"index": 0, "delta": {}, "finish_reason": "stop"}
    told = [{**COMMON, "object": "chat.completion.chunk", "choices": [delta]} for delta in [*deltas, last]]
    return streamed([b"data: %s\n\n" % json.dumps(event).encode() for event in told] + [b"data: [DONE]\n\n"])


WHOLE = openai_whole()
STREAMED = openai_streamed()


def openai_answer(request_line: bytes, body: bytes) -> Answer:
    """Whole or streamed, as the body wants."""
    return STREAMED if wants_stream(body) else WHOLE


def wants_stream(body: bytes) -> bool:
    """Whether the body says so in the way that OpenAI and Anthropic share."""
    return b'"stream":true' in body.replace(b" ", b"")


class Upstream(asyncio.Protocol):
    """One kept-alive connection; requests on it come one after the other."""

    def __init__(self, answer: Callable[[bytes, bytes], Answer]) -> None:
        self._answer = answer
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or self._transport is None:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if len(body) < length:
            return
        self._received = b""
        for piece in self._answer(head.partition(b"\r\n")[0], body):
            self._transport.write(piece)


async def serve(answer: Callable[[bytes, bytes], Answer]) -> None:
    """Serve on a free port of loop-back."""
    server = await asyncio.get_running_loop().create_server(lambda: Upstream(answer), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(openai_answer))
