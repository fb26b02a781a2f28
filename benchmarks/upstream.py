"""An OpenAI-shaped server that does not think: 20 tokens for whoever asks. It prints its port and runs until killed."""

from __future__ import annotations

import asyncio
import json

TOKENS = [f"token{number} " for number in range(20)]
USAGE = {"prompt_tokens": 8, "completion_tokens": len(TOKENS), "total_tokens": 8 + len(TOKENS)}
COMMON = {"id": "chatcmpl-1", "created": 1700000000, "model": "bench"}


def answer() -> bytes:
    """A whole answer, headers and all."""
    message = {"role": "assistant", "content": "".join(TOKENS)}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = json.dumps({**COMMON, "object": "chat.completion", "choices": [choice], "usage": USAGE}).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


def events() -> list[bytes]:
    """A streamed answer: headers, then one HTTP chunk for each event."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    deltas = [{"index": 0, "delta": {"content": token}, "finish_reason": None} for token in TOKENS]
    last = {"index": 0, "delta": {}, "finish_reason": "stop"}
    told = [{**COMMON, "object": "chat.completion.chunk", "choices": [delta]} for delta in [*deltas, last]]
    lines = [b"data: %s\n\n" % json.dumps(event).encode() for event in told] + [b"data: [DONE]\n\n"]
    return [head, *(b"%x\r\n%s\r\n" % (len(line), line) for line in lines), b"0\r\n\r\n"]


ANSWER = answer()
EVENTS = events()


class Upstream(asyncio.Protocol):
    """One kept-alive connection; requests on it come one after the other."""

    def __init__(self) -> None:
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
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        self._received = b""
        if b'"stream":true' in body.replace(b" ", b""):
            for event in EVENTS:
                self._transport.write(event)
        else:
            self._transport.write(ANSWER)


async def main() -> None:
    """Serve on a free port of loop-back."""
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
