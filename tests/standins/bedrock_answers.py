"""What Bedrock answers: Claude and Llama in their own words, and Converse; each whole and in frames."""

from __future__ import annotations

import re
from typing import Any

from tests.standins import bedrock_tools, claude_tools
from tests.standins.aws_frames import chunk, damaged, exception_frame, frame
from tests.standins.vendor import Act, Body, Frames, called, counted, spoken, within

CLAUDE_REASONS = {"stop": "end_turn", "length": "max_tokens"}

Played = tuple[Body, Frames, list[str]]


def claude_answer(body: Body, act: Act, number: str) -> Played:
    """Anthropic's message, and its events in chunks."""
    content = body["messages"][-1]["content"]
    echo = content if isinstance(content, str) else "".join(block.get("text", "") for block in content)
    pieces, reason = within(
        spoken(act, body, echo=echo), act.finish_reason, stop=body.get("stop_sequences"), most=body["max_tokens"]
    )
    calls = called(act, claude_tools.offered(body), number=number)
    stop_reason = "tool_use" if calls and reason == "stop" else CLAUDE_REASONS.get(reason or "", reason)
    used = [{"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments} for call in calls]
    read, written = counted(body.get("system", ""), *(turn["content"] for turn in body["messages"])), len(pieces)
    thoughts = [{"type": "thinking", "thinking": "".join(act.reasoning), "signature": "c2ln"}] if act.reasoning else []
    head = {"id": f"msg_bdrk_{number}", "type": "message", "role": "assistant", "model": "claude-3-5-sonnet-20240620"}
    whole = {
        **head,
        "content": [*thoughts, {"type": "text", "text": "".join(pieces)}, *used],
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": read, "output_tokens": written},
    }
    begun = {**head, "content": [], "stop_reason": None, "usage": {"input_tokens": read, "output_tokens": 1}}

    def delta(index: int, kind: str, name: str, text: str) -> bytes:
        return chunk({"type": "content_block_delta", "index": index, "delta": {"type": kind, name: text}})

    def block(index: int, content_block: Body) -> bytes:
        return chunk({"type": "content_block_start", "index": index, "content_block": content_block})

    index = 1 if thoughts else 0
    thinking = [
        block(0, {"type": "thinking", "thinking": "", "signature": ""}),
        *(delta(0, "thinking_delta", "thinking", thought) for thought in act.reasoning),
        delta(0, "signature_delta", "signature", "c2ln"),
        chunk({"type": "content_block_stop", "index": 0}),
    ]
    frames = Frames(
        head=[
            chunk({"type": "message_start", "message": begun}),
            *(thinking if thoughts else []),
            block(index, {"type": "text", "text": ""}),
        ],
        pieces=[delta(index, "text_delta", "text", piece) for piece in pieces],
        end=[
            chunk({"type": "content_block_stop", "index": index}),
            *(chunk(event) for event in claude_tools.tool_events(calls, first=index + 1)),
            chunk(
                {
                    "type": "message_delta",
                    "delta": {"stop_reason": stop_reason, "stop_sequence": None},
                    "usage": {"output_tokens": written},
                }
            ),
        ],
        tail=[chunk({"type": "message_stop", **metrics(read, written)})],
        error=exception_frame("modelStreamErrorException", act.message),
        malformed=damaged(chunk({"type": "content_block_delta"})),
    )
    return whole, frames, pieces


def llama_answer(body: Body, act: Act, number: str) -> Played:
    """Meta's text, whole and piece by piece."""
    said = re.findall(
        r"(?s)(?:\[INST\] |user<\|(?:end_header_id|header_end)\|>\n\n)(.*?)(?: \[/INST\]|<\|eot)", body["prompt"]
    )
    pieces, reason = within(
        spoken(act, body, echo=said[-1] if said else ""), act.finish_reason, most=body.get("max_gen_len", 512)
    )
    read, written = counted(body["prompt"]), len(pieces)
    whole = {
        "generation": "".join(pieces),
        "prompt_token_count": read,
        "generation_token_count": written,
        "stop_reason": reason,
    }

    def piece(text: str, count: int, *, prompt: int | None = None, reason: str | None = None, **more: Any) -> bytes:
        counts = {"prompt_token_count": prompt, "generation_token_count": count}
        return chunk({"generation": text, **counts, "stop_reason": reason, **more})

    frames = Frames(
        head=[piece("", 0, prompt=read)],
        pieces=[piece(text, place) for place, text in enumerate(pieces, start=1)],
        end=[piece("", written, reason=reason, **metrics(read, written))],
        error=exception_frame("modelStreamErrorException", act.message),
        malformed=damaged(piece("x", 1)),
    )
    return whole, frames, pieces


def converse_answer(body: Body, act: Act, number: str) -> Played:
    """The message of Converse, and its events."""
    config = body.get("inferenceConfig", {})
    echo = "".join(block.get("text", "") for block in body["messages"][-1]["content"])
    pieces, reason = within(
        spoken(act, body, echo=echo),
        act.finish_reason,
        stop=config.get("stopSequences"),
        most=config.get("maxTokens"),
    )
    calls = called(act, bedrock_tools.offered(body), number=number)
    stop_reason = "tool_use" if calls and reason == "stop" else CLAUDE_REASONS.get(reason or "", reason)
    read, written = counted(*(turn["content"] for turn in body["messages"])), len(pieces)
    usage = {"inputTokens": read, "outputTokens": written, "totalTokens": read + written}
    thought = {"reasoningContent": {"reasoningText": {"text": "".join(act.reasoning), "signature": "c2ln"}}}
    whole = {
        "output": {
            "message": {
                "role": "assistant",
                "content": [
                    *([thought] if act.reasoning else []),
                    {"text": "".join(pieces)},
                    *bedrock_tools.whole_calls(calls),
                ],
            }
        },
        "stopReason": stop_reason,
        "usage": usage,
        "metrics": {"latencyMs": 12},
    }

    def delta(index: int, content: Body) -> bytes:
        return frame("contentBlockDelta", {"contentBlockIndex": index, "delta": content})

    index = 1 if act.reasoning else 0
    thinking = [
        *(delta(0, {"reasoningContent": {"text": each}}) for each in act.reasoning),
        delta(0, {"reasoningContent": {"signature": "c2ln"}}),
        frame("contentBlockStop", {"contentBlockIndex": 0}),
    ]
    frames = Frames(
        head=[frame("messageStart", {"role": "assistant"}), *(thinking if act.reasoning else [])],
        pieces=[delta(index, {"text": piece}) for piece in pieces],
        end=[
            frame("contentBlockStop", {"contentBlockIndex": index}),
            *bedrock_tools.tool_frames(calls, first=index + 1),
            frame("messageStop", {"stopReason": stop_reason}),
        ],
        tail=[frame("metadata", {"usage": usage, "metrics": {"latencyMs": 12}})],
        error=exception_frame("modelStreamErrorException", act.message),
        malformed=damaged(delta(index, {"text": "x"})),
    )
    return whole, frames, pieces


def metrics(read: int, written: int) -> Body:
    """What the service adds to the last piece of a stream."""
    counts = {"inputTokenCount": read, "outputTokenCount": written}
    return {"amazon-bedrock-invocationMetrics": {**counts, "invocationLatency": 12, "firstByteLatency": 3}}
