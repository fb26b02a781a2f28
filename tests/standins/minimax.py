"""MiniMax, played in process: `chatcompletion_pro` for a group, and `chatcompletion_v2` in OpenAI's shapes.

Both answer errors of their own with HTTP 200 and a code in `base_resp`. Written from the vendor's API pages, and where
those show no frames of a stream, from what public clients read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from tests.standins.openai import OpenAIStandIn
from tests.standins.openai_tools import pieces_of_calls, whole_calls
from tests.standins.vendor import KEY, Act, Body, Frames, VendorStandIn, counted, spoken, sse, within

GROUP = "1782658868262748467"
INPUT_WRONG, NOT_AUTHORISED, INTERNAL = 2013, 1004, 1013
CODE_OF_STATUS = {401: NOT_AUTHORISED, 403: NOT_AUTHORISED, 429: 1002, 500: INTERNAL, 503: INTERNAL}

OLD_FIELDS = {
    "model",
    "messages",
    "stream",
    "use_standard_sse",
    "beam_width",
    "tokens_to_generate",
    "temperature",
    "top_p",
    "mask_sensitive_info",
    "bot_setting",
    "reply_constraints",
    "sample_messages",
    "functions",
    "function_call",
    "knowledge_base_param",
    "plugins",
}
CURRENT_FIELDS = {
    "model",
    "messages",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "tools",
    "tool_choice",
    "response_format",
    "mask_sensitive_info",
}


def verdict(code: int = 0, words: str = "") -> Body:
    """How the call went."""
    return {"base_resp": {"status_code": code, "status_msg": words}}


def wrong_sampling(body: Body) -> str:
    """What is wrong with temperature or top_p: both lie above 0, and at most at 1."""
    for name in ("temperature", "top_p"):
        if name in body and not 0 < body[name] <= 1:
            return f"invalid params, {name} must be in (0,1]"
    return ""


class MiniMaxStandIn(VendorStandIn):
    """`chatcompletion_pro`: a call belongs to a group, and everybody who speaks has a type and a name."""

    def __init__(self, *, key: str = KEY, group: str = GROUP) -> None:
        super().__init__(key=key)
        self.group = group

    @property
    def api_url(self) -> str:
        """The address of the call."""
        return f"{self.url}/text/chatcompletion_pro"

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/v1/text/chatcompletion_pro", self.answering(self.pro))

    def unauthorised(self, request: web.Request, body: Body) -> web.Response | None:
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            words = "login fail: Please carry the API secret key in the 'Authorization' field of the request header"
        elif request.query.get("GroupId") != self.group:
            words = "token not match group"
        else:
            return None
        return self.json(verdict(NOT_AUTHORISED, words), Act())

    def failure(self, act: Act) -> web.Response:
        return self.json(act.error or verdict(CODE_OF_STATUS.get(act.status, INPUT_WRONG), act.message), act)

    async def pro(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        """A reply of the bot that `reply_constraints` names."""
        if wrong := self.wrong(body):
            return self.json(verdict(INPUT_WRONG, wrong), act)
        pieces, reason = within(
            spoken(act, body, echo=body["messages"][-1]["text"]),
            act.finish_reason,
            most=body.get("tokens_to_generate"),
        )
        act = replace(act, finish_reason=reason)
        bot = body["reply_constraints"]["sender_name"]
        read = counted(*(turn["text"] for turn in body["messages"]), *(each["content"] for each in body["bot_setting"]))
        whole = self.whole(act, pieces, bot=bot, model=body["model"], spent=read + len(pieces))
        if not body.get("stream"):
            await self.thinking(act, pieces)
            return self.json(whole, act)
        frames = self.frames(act, pieces, whole, bot=bot)
        return await self.play(request, act, frames if body.get("use_standard_sse") else _with_single_line_ends(frames))

    def wrong(self, body: Body) -> str:
        """What is wrong with a body; nothing for a right one."""
        if strange := body.keys() - OLD_FIELDS:
            return f"invalid params, unknown field {', '.join(sorted(strange))}"
        if not all(body.get(name) for name in ("model", "messages", "bot_setting", "reply_constraints")):
            return "invalid params, a required field is missing"
        bots = {each["bot_name"] for each in body["bot_setting"] if each.get("content")}
        if body["reply_constraints"].get("sender_type") != "BOT":
            return "invalid params, reply_constraints.sender_type"
        if body["reply_constraints"].get("sender_name") not in bots:
            return "invalid params, reply_constraints.sender_name is in no bot_setting"
        for turn in body["messages"]:
            if turn.keys() != {"sender_type", "sender_name", "text"} or not isinstance(turn["text"], str):
                return "invalid params, messages"
            if turn["sender_type"] not in ("USER", "BOT", "FUNCTION") or not turn["sender_name"]:
                return "invalid params, sender of a message"
            if turn["sender_type"] == "BOT" and turn["sender_name"] not in bots:
                return "invalid params, a message of a bot that is in no bot_setting"
        if "tokens_to_generate" in body and not 0 < body["tokens_to_generate"] <= 16384:
            return "invalid params, tokens_to_generate"
        return wrong_sampling(body)

    def whole(self, act: Act, pieces: Sequence[str], *, bot: str, model: str, spent: int) -> Body:
        """The answer in one document, as the vendor's examples show it."""
        text = "".join(pieces)
        said = {"sender_type": "BOT", "sender_name": bot, "text": text}
        return {
            "created": 1_689_738_159,
            "model": model,
            "reply": text,
            "choices": [{"finish_reason": act.finish_reason, "messages": [said]}],
            "usage": {"total_tokens": spent},
            "input_sensitive": False,
            "output_sensitive": False,
            "id": f"{self.count:032x}",
            **verdict(),
        }

    def frames(self, act: Act, pieces: Sequence[str], whole: Body, *, bot: str) -> Frames:
        """A frame a piece, without usage; and then the whole answer once more, with it."""

        def of(piece: str) -> bytes:
            said = {"sender_type": "BOT", "sender_name": bot, "text": piece}
            head = {"request_id": whole["id"], "created": whole["created"], "model": whole["model"], "reply": ""}
            return sse({**head, "choices": [{"messages": [said]}]})

        return Frames(
            pieces=[of(piece) for piece in pieces],
            end=[sse(whole)],
            error=sse(act.error or {**verdict(INTERNAL, act.message), "choices": None}),
        )


def _with_single_line_ends(frames: Frames) -> Frames:
    def of(events: Sequence[bytes]) -> list[bytes]:
        return [event.removesuffix(b"\n") for event in events]

    return replace(frames, head=of(frames.head), pieces=of(frames.pieces), end=of(frames.end), tail=of(frames.tail))


class MiniMaxCurrentStandIn(OpenAIStandIn):
    """`chatcompletion_v2`: OpenAI's shapes, with a verdict."""

    @property
    def api_url(self) -> str:
        """The address of the call."""
        return f"{self.url}/text/chatcompletion_v2"

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/v1/text/chatcompletion_v2", self.answering(self.chat))

    def unauthorised(self, request: web.Request, body: Body) -> web.Response | None:
        if request.headers.get("Authorization") == f"Bearer {self.key}":
            return None
        return self.json(verdict(NOT_AUTHORISED, "login fail: Please carry the API secret key"), Act())

    def failure(self, act: Act) -> web.Response:
        return self.json(act.error or verdict(CODE_OF_STATUS.get(act.status, INPUT_WRONG), act.message), act)

    async def chat(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        """A chat completion."""
        wrong = wrong_sampling(body)
        if strange := body.keys() - CURRENT_FIELDS:
            wrong = f"invalid params, unknown field {', '.join(sorted(strange))}"
        elif not body.get("model") or not body.get("messages"):
            wrong = "invalid params, a required field is missing"
        elif any(turn["role"] not in ("system", "user", "assistant", "tool") for turn in body["messages"]):
            wrong = "invalid params, role"
        elif any(part["type"] not in ("text", "image_url") for turn in body["messages"] for part in _parts(turn)):
            wrong = "invalid params, type of content"
        if wrong:
            return self.json(verdict(INPUT_WRONG, wrong), act)
        return await super().chat(request, body, act)

    def whole(self, act: Act, pieces: Sequence[str], head: Body, usage: Body) -> Body:
        """The answer in one document."""
        answer = super().whole(act, pieces, head, {"total_characters": 0, **usage})
        answer["choices"][0].pop("logprobs")
        answer["choices"][0]["message"] |= {"name": "MiniMax AI", "audio_content": ""}
        return {**answer, "input_sensitive": False, "output_sensitive": False, **verdict()}

    def frames(self, body: Body, act: Act, pieces: Sequence[str], head: Body, usage: Body) -> Frames:
        """Chunks that count nothing yet, and the whole answer at the end: there is no [DONE]."""
        is_counted = (body.get("stream_options") or {}).get("include_usage")
        chunk = {**head, "object": "chat.completion.chunk", "usage": {"total_tokens": 0, "total_characters": 0}}

        def of(*, reason: str | None = None, **delta: Any) -> bytes:
            said = {"content": "", "role": "assistant", "name": "MiniMax AI", "audio_content": "", **delta}
            choice: Body = {"index": 0, "delta": said, **({"finish_reason": reason} if reason else {})}
            return sse({**chunk, "choices": [choice]})

        whole = self.whole(act, pieces, head, usage if is_counted else {"total_tokens": usage["total_tokens"]})
        if calls := self.calls(act, body):
            whole["choices"][0]["message"]["tool_calls"] = whole_calls(calls)
        return Frames(
            head=[of(reasoning_content=thought) for thought in act.reasoning],
            pieces=[of(content=piece) for piece in pieces],
            end=[*(of(**delta) for delta in pieces_of_calls(calls)), of(reason=act.finish_reason)],
            tail=[sse(whole)],
            error=sse(act.error or {**verdict(INTERNAL, act.message), "choices": None}),
        )


def _parts(turn: Body) -> list[Any]:
    content = turn.get("content")
    return content if isinstance(content, list) else []
