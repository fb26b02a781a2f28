"""OpenAI, played in process as its public reference describes it: chat (whole and streamed), embeddings, media, models.

with OpenAIStandIn() as openai:
    openai.always = Act(reply="hello")                 # every call, until told otherwise
    openai.next(Act(status=429, headers={"Retry-After": "1"}), Act(reply="now it works"))
    ...  base_url=openai.url, api_key=openai.key
    assert openai.requests[-1].body["messages"][-1]["content"] == "hi"
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from aiohttp import web

from tests.standins.openai_media import MediaStandIn
from tests.standins.openai_tools import offered, pieces_of_calls, whole_calls, wrong_tools
from tests.standins.vendor import KEY, Act, Body, Called, Frames, called, counted, spoken, sse, within


class OpenAIStandIn(MediaStandIn):
    """OpenAI's server, and that of whoever speaks like it: a vendor of that kind changes what differs."""

    def __init__(self, *, key: str = KEY, models: Sequence[str] = ("gpt-4o", "text-embedding-3-small")) -> None:
        super().__init__(key=key)
        self.models = list(models)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """OpenAI's routes, under any prefix that ends a base URL."""
        router.add_post("/{base:.*}chat/completions", self.answering(self.chat))
        router.add_post("/{base:.*}embeddings", self.answering(self.embed))
        self.add_media_routes(router)
        router.add_get("/{base:.*}models", self.list_models)

    def unauthorised(self, request: web.Request, body: Body) -> web.Response | None:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if given == self.key:
            return None
        shown = f"{given[:8]}{'*' * max(0, len(given) - 12)}{given[-4:]}"
        message = f"Incorrect API key provided: {shown}. You can find your API key in your account settings."
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": "invalid_api_key"}
        return self.json({"error": error}, Act(status=401))

    def failure(self, act: Act) -> web.Response:
        return self.json({"error": act.error or error_of(act.message)}, act)

    async def list_models(self, request: web.Request) -> web.StreamResponse:
        """The models, as objects."""
        if refusal := self.unauthorised(request, {}):
            return refusal
        data = [{"id": name, "object": "model", "created": 1, "owned_by": "stand-in"} for name in self.models]
        return web.json_response({"object": "list", "data": data})

    async def embed(self, request: web.Request, body: Body, act: Act) -> web.Response:
        """A vector for each text."""
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        data = [
            {"object": "embedding", "index": index, "embedding": embedding(text, body.get("dimensions", 8))}
            for index, text in enumerate(texts)
        ]
        spent = counted(*texts)
        # The reference promises an index, not an order.
        return self.json(
            {
                "object": "list",
                "data": data[::-1],
                "model": body["model"],
                "usage": {"prompt_tokens": spent, "total_tokens": spent},
            },
            act,
        )

    async def chat(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        """A chat completion."""
        if wrong := wrong_tools(body):
            error = error_of(wrong, "invalid_request_error")
            return self.failure(replace(act, status=400, message=wrong, error=error, error_at=None))
        pieces, finish_reason = within(
            spoken(act, body, echo=last_words(body)),
            act.finish_reason,
            stop=body.get("stop"),
            most=body.get("max_completion_tokens") or body.get("max_tokens"),
        )
        calls = self.calls(act, body)
        act = replace(act, finish_reason="tool_calls" if calls and finish_reason == "stop" else finish_reason)
        head = {"id": f"chatcmpl-{self.count}", "created": 1_700_000_000, "model": body["model"]}
        written = counted(*(turn.get("content") for turn in body["messages"]))
        usage = {"prompt_tokens": written, "completion_tokens": len(pieces), "total_tokens": written + len(pieces)}
        if body.get("stream"):
            return await self.play(request, act, self.frames(body, act, pieces, head, usage))
        await self.thinking(act, pieces)
        answer = self.whole(act, pieces, head, usage)
        if calls:
            answer["choices"][0]["message"] |= {"content": "".join(pieces) or None, "tool_calls": whole_calls(calls)}
        return self.json(answer, act)

    def calls(self, act: Act, body: Body) -> list[Called]:
        """The tools that are called."""
        return called(act, offered(body), number=self.count)

    def whole(self, act: Act, pieces: Sequence[str], head: Body, usage: Body) -> Body:
        """The answer in one document."""
        message: Body = {"role": "assistant", "content": "".join(pieces)}
        if act.reasoning:
            message["reasoning_content"] = "".join(act.reasoning)
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": act.finish_reason}
        answer = {**head, "object": "chat.completion", "choices": [choice]}
        return answer | ({"usage": usage} if act.usage else {})

    def frames(self, body: Body, act: Act, pieces: Sequence[str], head: Body, usage: Body) -> Frames:
        """The answer in chunks."""
        wants_usage = act.usage and (body.get("stream_options") or {}).get("include_usage")
        chunk = {**head, "object": "chat.completion.chunk", **({"usage": None} if wants_usage else {})}

        def of(delta: Body, reason: str | None = None) -> bytes:
            return sse({**chunk, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]})

        return Frames(
            head=[
                of({"role": "assistant", "content": ""}),
                *(of({"reasoning_content": thought}) for thought in act.reasoning),
            ],
            pieces=[of({"content": piece}) for piece in pieces],
            end=[*(of(delta) for delta in pieces_of_calls(self.calls(act, body))), of({}, act.finish_reason)],
            tail=[
                *([sse({**chunk, "choices": [], "usage": usage})] if wants_usage else []),
                *([sse("[DONE]")] if act.has_done else []),
            ],
            error=sse({"error": act.error or error_of(act.message)}),
        )


def last_words(body: Body) -> str:
    """The text of the last message."""
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def embedding(text: str, dimensions: int) -> list[float]:
    """A vector that depends on the text alone."""
    digest = hashlib.sha256(text.encode()).digest()
    return [digest[place % 32] / 255 for place in range(dimensions)]


def error_of(message: str, kind: str = "server_error") -> Body:
    """An error object in OpenAI's form."""
    return {"message": message, "type": kind, "param": None, "code": None}
