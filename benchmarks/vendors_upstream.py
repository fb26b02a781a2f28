"""Four vendors that do not think: 20 tokens in the words of OpenAI, Anthropic, Google and Amazon.

Prints its port and runs until killed; the path says whose words are wanted.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that the file runs by its path

from benchmarks.upstream import TOKENS, Answer, openai_answer, serve, streamed, wants_stream, whole
from tests.standins.aws_frames import chunk

WORDS = "".join(TOKENS)
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "bench",
    "content": [{"type": "text", "text": WORDS}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 8, "output_tokens": len(TOKENS)},
}


def message_events() -> list[dict[str, Any]]:
    """Anthropic's message, event by event."""
    begun = {**MESSAGE, "content": [], "stop_reason": None, "usage": {"input_tokens": 8, "output_tokens": 1}}
    words = [{"type": "text_delta", "text": token} for token in TOKENS]
    return [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in words),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": len(TOKENS)},
        },
        {"type": "message_stop"},
    ]


def generated(text: str, reason: str | None, written: int) -> dict[str, Any]:
    """Google's answer, or one chunk of it: they look the same."""
    candidate: dict[str, Any] = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
    return {
        "candidates": [candidate | ({"finishReason": reason} if reason else {})],
        "usageMetadata": {
            "promptTokenCount": 8,
            "candidatesTokenCount": written,
            "totalTokenCount": 8 + written,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 8}],
        },
        "modelVersion": "bench",
        "responseId": "r1",
    }


def sse(event: dict[str, Any], *, line_end: bytes = b"\n") -> bytes:
    """A server-sent event; Anthropic names each after its type."""
    name = b"event: %s%s" % (event["type"].encode(), line_end) if "type" in event else b""
    return name + b"data: " + json.dumps(event).encode() + line_end * 2


COUNT = len(TOKENS)
CHUNKS = [generated(token, "STOP" if number == COUNT else None, number) for number, token in enumerate(TOKENS, 1)]

CLAUDE_WHOLE = whole(MESSAGE)
CLAUDE_STREAMED = streamed([sse(event) for event in message_events()])
GEMINI_WHOLE = whole(generated(WORDS, "STOP", COUNT))
GEMINI_STREAMED = streamed([sse(each, line_end=b"\r\n") for each in CHUNKS])
BEDROCK_STREAMED = streamed([chunk(event) for event in message_events()], b"application/vnd.amazon.eventstream")


def answer(request_line: bytes, body: bytes) -> Answer:
    """The answer of whoever has that path."""
    if b"/chat/completions" in request_line:
        return openai_answer(request_line, body)
    if b":streamGenerateContent" in request_line:
        return GEMINI_STREAMED
    if b":generateContent" in request_line:
        return GEMINI_WHOLE
    if b"/invoke-with-response-stream" in request_line:
        return BEDROCK_STREAMED
    return CLAUDE_STREAMED if wants_stream(body) else CLAUDE_WHOLE  # what Bedrock answers whole, too


if __name__ == "__main__":
    asyncio.run(serve(answer))
