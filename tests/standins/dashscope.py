"""DashScope, played in process: text and multimodal generation, and embeddings, as its public reference describes them.

with DashScopeStandIn() as dashscope:
    dashscope.habit = "wholes"        # streams the whole text each time, whatever it is asked for
    ...  base_url=dashscope.url, api_key=dashscope.key

`CompatibleDashScopeStandIn` is its second address, which speaks OpenAI's protocol.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any, Literal

from aiohttp import web

from tests.standins.openai import OpenAIStandIn, embedding
from tests.standins.openai_tools import offered, pieces_of_calls, whole_calls, wrong_tools
from tests.standins.vendor import KEY, Act, Body, Called, Frames, VendorStandIn, called, counted, spoken, within

# How a stream comes: as it was asked for; in one way whatever was asked for; or whole texts are refused.
Habit = Literal["obeys", "wholes", "pieces", "refuses wholes"]

CODES = {400: "InvalidParameter", 401: "InvalidApiKey", 403: "AccessDenied", 404: "ModelNotFound", 429: "Throttling"}
KINDS = {"text", "image", "video", "audio"}
BESIDE_A_PICTURE = {"min_pixels", "max_pixels", "detail"}
PICTURE_STARTS = ("http://", "https://", "oss://")
PICTURE_TYPES = ("jpeg", "png", "webp", "bmp", "tiff", "heic", "gif")
RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0, 1.9999),
    "top_p": (1e-9, 1),
    "top_k": (0, 10**9),
    "max_tokens": (1, 10**9),
    "seed": (0, 2**63 - 1),
    "presence_penalty": (-2, 2),
    "repetition_penalty": (1e-9, 10**9),
}
IMAGE_TOKENS = 100


class DashScopeStandIn(VendorStandIn):
    """DashScope's own protocol."""

    version = "/api/v1"

    def __init__(self, *, key: str = KEY) -> None:
        super().__init__(key=key)
        self.habit: Habit = "obeys"

    def add_routes(self, router: web.UrlDispatcher) -> None:
        services = f"{self.version}/services"
        router.add_post(f"{services}/aigc/text-generation/generation", self.answering(self.text))
        router.add_post(f"{services}/aigc/multimodal-generation/generation", self.answering(self.multimodal))
        router.add_post(f"{services}/embeddings/text-embedding/text-embedding", self.answering(self.embed))

    def unauthorised(self, request: web.Request, body: Body) -> web.Response | None:
        if request.headers.get("Authorization") == f"Bearer {self.key}":
            return None
        return self.failure(Act(status=401, message="Invalid API-key provided."))

    def failure(self, act: Act) -> web.Response:
        return self.json(act.error or self.complaint(act.message, status=act.status), act)

    def complaint(self, message: str, *, status: int = 500) -> Body:
        """An error document."""
        return {"code": CODES.get(status, "InternalError"), "message": message, "request_id": self.request_id}

    @property
    def request_id(self) -> str:
        """That of the call at hand."""
        return f"dashscope-{self.count}"

    async def text(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        """Text generation; its contents are strings."""
        return await self.generate(request, body, act, sees=False)

    async def multimodal(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        """Multimodal generation; its contents are lists."""
        return await self.generate(request, body, act, sees=True)

    async def generate(self, request: web.Request, body: Body, act: Act, *, sees: bool) -> web.StreamResponse:
        """An answer in either protocol."""
        streams = request.headers.get("X-DashScope-SSE") == "enable"
        if fault := self.fault(body, sees=sees, streams=streams):
            return self.failure(Act(status=400, message=fault))
        if act.error is not None and not streams:
            return self.failure(act)
        given = body.get("parameters", {})
        stops = [stop for stop in given.get("stop", ()) if isinstance(stop, str)]
        pieces, reason = within(
            spoken(act, body, echo=last_words(body)), act.finish_reason, stop=stops, most=given.get("max_tokens")
        )
        calls = called(act, offered(given), number=self.count)
        if not given.get("parallel_tool_calls"):
            calls = calls[:1]
        act = replace(act, finish_reason="tool_calls" if calls and reason == "stop" else reason)
        answer = Answer(body, self.request_id, sees=sees, as_message=sees or given.get("result_format") == "message")
        if not streams:
            await self.thinking(act, pieces)
            whole = answer.document("".join(pieces), "".join(act.reasoning), act.finish_reason, written=len(pieces))
            if calls:
                whole["output"]["choices"][0]["message"]["tool_calls"] = whole_calls(calls)
            return self.json(whole if act.usage else {**whole, "usage": None}, act)
        in_pieces = {"wholes": False, "pieces": True}.get(self.habit, bool(given.get("incremental_output")))
        return await self.play(request, act, self.frames(act, pieces, calls, answer, in_pieces=in_pieces))

    def frames(
        self, act: Act, pieces: Sequence[str], calls: Sequence[Called], answer: Answer, *, in_pieces: bool
    ) -> Frames:
        """The answer as events; each counts all tokens so far, and the last one repeats the text that is whole."""
        texts = pieces if in_pieces else list(accumulate(pieces))
        thoughts = act.reasoning if in_pieces else list(accumulate(act.reasoning))
        thought = "" if in_pieces else "".join(act.reasoning)
        end = "" if in_pieces else "".join(pieces)
        documents = [
            *(answer.document("", each, "null", written=0) for each in thoughts),
            *(answer.document(each, thought, "null", written=place + 1) for place, each in enumerate(texts)),
            answer.document(end, thought, act.finish_reason, written=len(pieces)),
        ]
        first, last = len(act.reasoning), len(documents) - 1
        of_calls = [answer.document(end, thought, "null", written=len(pieces)) for _ in events_of(calls, in_pieces)]
        for document, delta in zip(of_calls, events_of(calls, in_pieces), strict=True):
            document["output"]["choices"][0]["message"]["tool_calls"] = delta
        if calls and not in_pieces:
            documents[-1]["output"]["choices"][0]["message"]["tool_calls"] = whole_calls(calls)
        events = [event(place + 1, document) for place, document in enumerate([*documents[:last], *of_calls])]
        events.append(event(len(events) + 1, documents[-1]))
        return Frames(
            head=events[:first],
            pieces=events[first:last],
            end=events[last:],  # with the calls
            error=event(99, act.error or self.complaint(act.message), name="error", status=500),
            malformed=b'id:9\nevent:result\n:HTTP_STATUS/200\ndata:{"output":{"choi\n\n',
        )

    def fault(self, body: Body, *, sees: bool, streams: bool) -> str:
        """What the protocol forbids in a body, in the vendor's words; empty for a good one."""
        if not isinstance(body.get("model"), str) or set(body) - {"model", "input", "parameters"}:
            return "Required parameter(s) missing or invalid, please check the request parameters."
        messages = body.get("input", {}).get("messages")
        if not messages:
            return 'Either "prompt" or "messages" must exist and cannot both be none'
        for message in messages:
            if message["role"] not in ("system", "user", "assistant", "tool"):
                return f"{message['role']} is not one of ['system', 'assistant', 'user', 'tool', 'function']"
            if fault := fault_of_items(message["content"]) if sees else fault_of_words(message["content"]):
                return fault
        if wrong := wrong_tools({"messages": [_in_words(each) for each in messages], **tools_of(body)}):
            return wrong
        if messages[-1]["role"] == "assistant" and messages[-1].get("partial") is not True:
            return "list index out of range"
        return self.fault_of_parameters(body.get("parameters", {}), streams=streams)

    def fault_of_parameters(self, given: Body, *, streams: bool) -> str:
        """What is wrong with the parameters."""
        for name, (least, most) in RANGES.items():
            if name in given and (isinstance(given[name], bool) or not least <= given[name] <= most):
                return f"Range of {name} should be [{least}, {most}]"
        if len({type(stop) for stop in given.get("stop", ())}) > 1:
            return "parameters.stop must be of one type"
        if "incremental_output" in given and not streams:
            return "parameter incremental_output only support stream call"
        if self.habit == "refuses wholes" and streams and given.get("incremental_output") is not True:
            return "The incremental_output parameter of this model cannot be set to False."
        return ""

    async def embed(self, request: web.Request, body: Body, act: Act) -> web.Response:
        """A vector for each text."""
        texts = body["input"]["texts"]
        most = 25 if body["model"] in ("text-embedding-v1", "text-embedding-v2") else 10
        if not texts or len(texts) > most or set(body) - {"model", "input", "parameters"}:
            message = f"batch size is invalid, it should not be larger than {most}.: input.contents"
            return self.failure(Act(status=400, message=message))
        given = body.get("parameters", {})
        if given.get("text_type", "document") not in ("document", "query"):
            return self.failure(Act(status=400, message="text_type must be query or document"))
        vectors = [
            {"text_index": place, "embedding": embedding(text, given.get("dimension", 8))}
            for place, text in enumerate(texts)
        ]
        # The place is written beside each vector, so the order is not promised.
        output = {"embeddings": vectors[::-1]}
        return self.json(
            {"output": output, "usage": {"total_tokens": counted(*texts)}, "request_id": self.request_id}, act
        )


def events_of(calls: Sequence[Called], in_pieces: bool) -> list[list[Body]]:
    """What the events of a stream say of calls: the next piece, or each time all that is known of all of them."""
    deltas = [delta["tool_calls"] for delta in pieces_of_calls(calls)]
    if in_pieces:
        return [[{"id": "", "type": "function", **call} for call in delta] for delta in deltas]
    known: dict[int, Body] = {}
    events = []
    for (delta,) in deltas:
        before = known.get(delta["index"], {"function": {"name": "", "arguments": ""}})
        function = {name: before["function"][name] + delta["function"].get(name, "") for name in ("name", "arguments")}
        known[delta["index"]] = {**before, **delta, "function": function}
        events.append([dict(each) for each in known.values()])
    return events


def tools_of(body: Body) -> Body:
    """The tools in the parameters of a body."""
    return {name: value for name, value in body.get("parameters", {}).items() if name in ("tools", "tool_choice")}


def _in_words(message: Body) -> Body:
    content = message["content"]
    words = "".join(item.get("text", "") for item in content) if isinstance(content, list) else content
    return {**message, "content": words}


class Answer:
    """Writes documents of one answer: the whole, or any event of it."""

    def __init__(self, body: Body, request_id: str, *, sees: bool, as_message: bool) -> None:
        self.sees = sees
        self.as_message = as_message
        self.request_id = request_id
        contents = [message["content"] for message in body["input"]["messages"]]
        items = [item for content in contents if isinstance(content, list) for item in content]
        self.pictures = sum("image" in item for item in items)
        self.read = counted(*(content for content in contents if isinstance(content, str)))
        self.read += counted(*(item["text"] for item in items if "text" in item)) + IMAGE_TOKENS * self.pictures

    def document(self, text: str, reasoning: str, reason: str | None, *, written: int) -> Body:
        """A document with that text."""
        usage = {"input_tokens": self.read, "output_tokens": written, "total_tokens": self.read + written}
        if self.pictures:
            usage["image_tokens"] = IMAGE_TOKENS * self.pictures
        if not self.as_message:
            output: Body = {"text": text, "finish_reason": reason}
        else:
            content: Any = ([{"text": text}] if text else []) if self.sees else text
            message = {"role": "assistant", "content": content}
            if reasoning:
                message["reasoning_content"] = reasoning
            output = {"choices": [{"finish_reason": reason, "message": message}]}
        return {"output": output, "usage": usage, "request_id": self.request_id}


def event(number: int, document: Body | str, *, name: str = "result", status: int = 200) -> bytes:
    """An event as this vendor writes it: without spaces, and with the status in a comment."""
    data = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return f"id:{number}\nevent:{name}\n:HTTP_STATUS/{status}\ndata:{data}\n\n".encode()


def fault_of_words(content: object) -> str:
    """What is wrong with a content of words."""
    return "" if isinstance(content, str) else "input content must be a string."


def fault_of_items(content: object) -> str:
    """What is wrong with a content of parts."""
    if not isinstance(content, list):
        return "Input should be a valid list"
    for item in content:
        kinds = set(item) - BESIDE_A_PICTURE
        if len(kinds) != 1 or not kinds <= KINDS or (set(item) != kinds and "image" not in item):
            return "The item of content should be a message of a certain modal."
        picture = item.get("image", "https://")
        starts = (*PICTURE_STARTS, *(f"data:image/{kind};base64," for kind in PICTURE_TYPES))
        if not picture.startswith(starts):
            return "The provided URL does not appear to be valid. Ensure it is correctly formatted."
    return ""


def last_words(body: Body) -> str:
    """The text of the last message."""
    content = body["input"]["messages"][-1]["content"]
    return content if isinstance(content, str) else "".join(item.get("text", "") for item in content)


class CompatibleDashScopeStandIn(OpenAIStandIn):
    """DashScope's address for those who speak OpenAI's protocol; its errors carry the number of the request."""

    version = "/compatible-mode/v1"

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post(f"{self.version}/chat/completions", self.answering(self.chat))
        router.add_post(f"{self.version}/embeddings", self.answering(self.embed))

    def unauthorised(self, request: web.Request, body: Body) -> web.Response | None:
        if request.headers.get("Authorization") == f"Bearer {self.key}":
            return None
        return self.refused("Incorrect API key provided. ", "invalid_request_error", "invalid_api_key", Act(status=401))

    def failure(self, act: Act) -> web.Response:
        if act.error is not None:
            return super().failure(act)
        return self.refused(act.message, CODES.get(act.status, "internal_error"), None, act)

    def refused(self, message: str, kind: str, code: str | None, act: Act) -> web.Response:
        """The vendor's error, in the other protocol's form."""
        error = {"message": message, "type": kind, "param": None, "code": code}
        return self.json({"error": error, "request_id": f"dashscope-{self.count}"}, act)

    async def embed(self, request: web.Request, body: Body, act: Act) -> web.Response:
        """A vector for each text, of at most ten."""
        if len(body["input"]) > 10:
            message = "batch size is invalid, it should not be larger than 10.: input.contents"
            return self.refused(message, "invalid_request_error", "InvalidParameter", Act(status=400))
        return await super().embed(request, body, act)
