"""Anthropic's Claude, played in process: messages, whole and streamed, as its public reference describes them.

It is strict about what the reference forbids: a header without version, a parameter that nobody knows, a text with
nothing in it, a beginning that ends in a blank. The newer of its two versions takes no sampling parameters at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from tests.standins.claude_tools import UnfitError, check_tools, offered, tool_frames
from tests.standins.vendor import Act, Body, Called, Frames, VendorStandIn, called, counted, spoken, sse, within

VERSIONS = ("2023-01-01", "2023-06-01", "2026-10-21")
NAMES: dict[str, type | tuple[type, ...]] = {
    "model": str,
    "max_tokens": int,
    "messages": list,
    "system": (str, list),
    "temperature": (int, float),
    "top_p": (int, float),
    "top_k": int,
    "stop_sequences": list,
    "stream": bool,
    "metadata": dict,
    "thinking": dict,
    "tools": list,
    "tool_choice": dict,
    "output_config": dict,
    "service_tier": str,
}
SAMPLING = ("temperature", "top_p", "top_k")
PICTURES = ("image/jpeg", "image/png", "image/gif", "image/webp")
ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}


class ClaudeStandIn(VendorStandIn):
    """Anthropic's server. `takes_both` is false for a model that refuses temperature together with top_p."""

    def __init__(self) -> None:
        super().__init__()
        self.takes_both = True
        self.prefills = True  # newer models refuse an answer that was begun

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/v1/messages", self.answering(self.messages))

    def unauthorised(self, request: web.Request, body: Body) -> web.Response | None:
        given = request.headers.get("x-api-key") or request.headers.get("Authorization", "").removeprefix("Bearer ")
        return None if given == self.key else self.refuse(401, "invalid x-api-key")

    def failure(self, act: Act) -> web.Response:
        error = act.error or error_of(act.status, act.message)
        return self.named({"type": "error", "error": error, "request_id": f"req_{self.count}"}, act)

    def refuse(self, status: int, message: str) -> web.Response:
        """An error of the server's own."""
        return self.failure(Act(status=status, message=message))

    def named(self, body: Body, act: Act) -> web.Response:
        """A JSON document under Anthropic's name for the id of a request."""
        return self.json(body, replace(act, headers={"request-id": f"req_{self.count}", **act.headers}))

    async def messages(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        """The next message."""
        try:
            check(body, request.headers.get("anthropic-version", ""))
            self._check_habits(body)
        except UnfitError as unfit:
            return self.refuse(400, str(unfit))
        said = spoken(act, body, echo=_words(body["messages"][-1]["content"]))
        pieces, reason = within(said, act.finish_reason, stop=body.get("stop_sequences"), most=body["max_tokens"])
        reason = {"stop": "end_turn", "length": "max_tokens"}.get(reason, reason) if reason else None
        if reason == "end_turn" and "".join(pieces) != "".join(said):
            reason = "stop_sequence"
        calls = called(act, offered(body), number=self.count)
        act = replace(act, finish_reason="tool_use" if calls and reason == "end_turn" else reason)
        read = counted(*(_words(turn["content"]) for turn in body["messages"])) or 1
        message = {
            "id": f"msg_{self.count}",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": [],
            "stop_reason": None,
            "stop_sequence": _met(body.get("stop_sequences", ()), "".join(said)),
            "usage": {
                "input_tokens": read,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "output_tokens": 1,
            },
        }
        if body.get("stream"):
            return await self.play(request, act, _frames(act, pieces, calls, message))
        await self.thinking(act, pieces)
        return self.named(_whole(act, pieces, calls, message), act)

    def _check_habits(self, body: Body) -> None:
        if not self.takes_both and {"temperature", "top_p"} <= set(body):
            raise UnfitError("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")
        if not self.prefills and body["messages"][-1]["role"] == "assistant":
            raise UnfitError(
                "This model does not support assistant message prefill. The conversation must end with a user message."
            )


def check(body: Body, version: str) -> None:
    """Raise what is wrong with a request."""
    if not version:
        raise UnfitError("anthropic-version: header is required")
    if version not in VERSIONS:
        raise UnfitError(f'anthropic-version: "{version}" is not a valid version')
    for name in ("model", "max_tokens", "messages"):
        if name not in body:
            raise UnfitError(f"{name}: Field required")
    for name, value in body.items():
        if name not in NAMES or (version > "2026" and name in SAMPLING):
            raise UnfitError(f"{name}: Extra inputs are not permitted")
        if not isinstance(value, NAMES[name]):
            raise UnfitError(f"{name}: Input should be a valid {NAMES[name]}")
    if body["max_tokens"] < 1:
        raise UnfitError("max_tokens: must be greater than or equal to 1")
    if not 0 <= body.get("temperature", 0) <= 1:
        raise UnfitError("temperature: range: 0..1")
    if any(not each.strip() for each in body.get("stop_sequences", ())):
        raise UnfitError("stop_sequences: each stop sequence must contain non-whitespace")
    if not body["messages"]:
        raise UnfitError("messages: at least one message is required")
    check_tools(body)
    for turn in body["messages"]:
        _check_turn(turn)
    last = body["messages"][-1]
    if last["role"] == "assistant" and _words(last["content"]) != _words(last["content"]).rstrip():
        raise UnfitError("messages: final assistant content cannot end with trailing whitespace")


def _check_turn(turn: Body) -> None:
    if turn["role"] == "system":
        raise UnfitError(
            'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not "system" '
            "as an input message role."
        )
    if turn["role"] not in ("user", "assistant"):
        raise UnfitError("messages.0.role: Input should be 'user' or 'assistant'")
    for block in _blocks(turn["content"]):
        match block["type"]:
            case "text":
                if not block["text"]:
                    raise UnfitError("messages: text content blocks must be non-empty")
                if not block["text"].strip():
                    raise UnfitError("messages: text content blocks must contain non-whitespace text")
            case "image":
                _check_source(block["source"])
            case "tool_use" | "tool_result" | "thinking" | "redacted_thinking":
                pass  # looked at with the tools
            case other:
                raise UnfitError(f"messages.0.content.0.type: Input tag '{other}' is not known")


def _check_source(source: Body) -> None:
    if source["type"] == "url":
        fits = set(source) == {"type", "url"} and source["url"].startswith("http")
    else:
        fits = set(source) == {"type", "media_type", "data"} and source["media_type"] in PICTURES
    if not fits:
        raise UnfitError("messages.0.content.0.image.source: Input should be a picture")


def error_of(status: int, message: str) -> Body:
    """An error object in Anthropic's form."""
    return {"type": ERROR_TYPES.get(status, "api_error"), "message": message}


def _blocks(content: str | list[Body]) -> list[Body]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _met(stops: Sequence[str], text: str) -> str | None:
    """The stop sequence that comes first in a text."""
    return min((stop for stop in stops if stop in text), key=text.find, default=None)


def _words(content: str | list[Body]) -> str:
    return "".join(block.get("text", "") for block in _blocks(content))


def _whole(act: Act, pieces: Sequence[str], calls: Sequence[Called], message: Body) -> Body:
    content: list[Body] = []
    if act.reasoning:
        content.append({"type": "thinking", "thinking": "".join(act.reasoning), "signature": "c2lnbmVk"})
    if pieces:
        content.append({"type": "text", "text": "".join(pieces)})
    content += [{"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments} for call in calls]
    usage = {**message["usage"], "output_tokens": len(pieces)}
    return {**message, "content": content, "stop_reason": act.finish_reason, "usage": usage}


def _frames(act: Act, pieces: Sequence[str], calls: Sequence[Called], message: Body) -> Frames:
    def of(kind: str, **fields: Any) -> bytes:
        return sse({"type": kind, **fields}, name=kind)

    head = [of("message_start", message=message | {"stop_sequence": None})]
    place = 0
    if act.reasoning:
        thinking = {"type": "thinking", "thinking": "", "signature": ""}
        head.append(of("content_block_start", index=0, content_block=thinking))
        thoughts = [{"type": "thinking_delta", "thinking": thought} for thought in act.reasoning]
        signed = {"type": "signature_delta", "signature": "c2lnbmVk"}
        head += [of("content_block_delta", index=0, delta=delta) for delta in [*thoughts, signed]]
        head.append(of("content_block_stop", index=0))
        place = 1
    head.append(of("content_block_start", index=place, content_block={"type": "text", "text": ""}))
    head.append(of("ping"))
    return Frames(
        head=head,
        pieces=[of("content_block_delta", index=place, delta={"type": "text_delta", "text": p}) for p in pieces],
        end=[
            of("content_block_stop", index=place),
            *tool_frames(calls, first=place + 1),
            of(
                "message_delta",
                delta={"stop_reason": act.finish_reason, "stop_sequence": message["stop_sequence"]},
                usage={"output_tokens": len(pieces)},
            ),
        ],
        tail=[of("message_stop")] if act.has_done else [],
        error=of("error", error=act.error or error_of(529, act.message)),
        malformed=b'event: content_block_delta\ndata: {"type": "content_\n\n',
    )
