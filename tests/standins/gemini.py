"""Google's Gemini API for developers, played in process: generateContent, its streamed twin, and embeddings.

Its JSON is that of protocol buffers: a name may be written in camelCase or in snake_case, one that nobody knows is an
error, and so is a turn out of place. A key is looked at before anything else; a wrong one is a bad request.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from aiohttp import web

from tests.standins.gemini_tools import UnfitError, call_parts, check_tools, offered
from tests.standins.vendor import Act, Body, Frames, VendorStandIn, called, counted, spoken, sse, within

STATUS_WORDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
REQUEST_NAMES = {
    "contents",
    "systemInstruction",
    "generationConfig",
    "safetySettings",
    "tools",
    "toolConfig",
    "cachedContent",
    "model",
    "serviceTier",
    "store",
}
CONFIG_NAMES: dict[str, type | tuple[type, ...]] = {
    "temperature": (int, float),
    "topP": (int, float),
    "topK": (int, float),
    "candidateCount": int,
    "maxOutputTokens": int,
    "stopSequences": list,
    "seed": int,
    "presencePenalty": (int, float),
    "frequencyPenalty": (int, float),
    "responseMimeType": str,
    "responseSchema": dict,
    "responseJsonSchema": dict,
    "responseModalities": list,
    "responseLogprobs": bool,
    "logprobs": int,
    "thinkingConfig": dict,
    "mediaResolution": str,
    "speechConfig": dict,
}
PART_NAMES = {"text", "inlineData", "fileData", "thought", "thoughtSignature", "functionCall", "functionResponse"}
MOST_EMBEDDED = 100
FREE = {"parametersJsonSchema", "responseJsonSchema", "args", "response"}


class GeminiStandIn(VendorStandIn):
    """Google's server. `blocked` is the reason for which it refuses every prompt; `knows_sse` is false for a gateway
    that does not know `alt=sse`, and then a stream is one JSON list."""

    version = "/v1beta"

    def __init__(self) -> None:
        super().__init__()
        self.blocked = ""
        self.gives_ids = False  # of calls, as newer models do
        self.knows_sse = True

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post(
            r"/{version:v1|v1beta}/{model:(models|tunedModels)/[^:/]+}:{method:generateContent|streamGenerateContent}",
            self.answering(self.generate),
        )
        router.add_post(r"/{version:v1|v1beta}/{model:models/[^:/]+}:batchEmbedContents", self.answering(self.embed))

    def unauthorised(self, request: web.Request, body: Body) -> web.Response | None:
        given = request.headers.get("x-goog-api-key") or request.query.get("key")
        if given == self.key:
            return None
        if not given:
            message = (
                "Method doesn't allow unregistered callers (callers without established identity). Please use API Key "
                "or other form of API consumer identity to call this API."
            )
            return self.refuse(403, message)
        reason = {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "API_KEY_INVALID",
            "domain": "googleapis.com",
            "metadata": {"service": "generativelanguage.googleapis.com"},
        }
        message = "API key not valid. Please pass a valid API key."
        localised = {
            "@type": "type.googleapis.com/google.rpc.LocalizedMessage",
            "locale": "en-US",
            "message": message,
        }
        return self.refuse(400, message, details=[reason, localised])

    def failure(self, act: Act) -> web.Response:
        return self.json({"error": act.error or error_of(act.status, act.message)}, act)

    def refuse(self, status: int, message: str, *, details: Sequence[Body] = ()) -> web.Response:
        """An error of the server's own."""
        error = error_of(status, message) | ({"details": list(details)} if details else {})
        return self.json({"error": error}, Act(), status=status)

    # -- chat -----------------------------------------------------------------------------------------------------

    async def generate(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        """An answer, whole or in chunks."""
        try:
            asked = read_chat(body)
            check_tools(asked, model=request.match_info["model"])
        except UnfitError as unfit:
            return self.refuse(400, str(unfit))
        head = {"modelVersion": request.match_info["model"].split("/")[1], "responseId": f"response-{self.count}"}
        config = asked.get("generationConfig", {})
        echo = "".join(part.get("text", "") for part in asked["contents"][-1]["parts"])
        pieces, reason = within(
            spoken(act, asked, echo=echo),
            act.finish_reason,
            stop=config.get("stopSequences"),
            most=config.get("maxOutputTokens"),
        )
        usage = _usage(asked, act, pieces)
        act = replace(act, finish_reason=reason)
        if self.blocked:
            answer = {"promptFeedback": {"blockReason": self.blocked}, "usageMetadata": {"promptTokenCount": 3}, **head}
            return await self._sent(request, act, Frames(head=[sse(answer)]), [answer])
        calls = call_parts(called(act, offered(asked), number=self.count), with_ids=self.gives_ids)
        chunks = [_chunk([{"text": thought, "thought": True}]) for thought in act.reasoning]
        chunks += [_chunk([{"text": piece}]) for piece in pieces]
        end = _chunk([{"text": ""}], reason=_words_of(reason))
        full = {**head, **({"usageMetadata": usage} if act.usage else {})}
        dressed = [sse({**chunk, **head, "usageMetadata": {"promptTokenCount": 1}}) for chunk in chunks]
        thoughts = len(act.reasoning)
        frames = Frames(
            head=dressed[:thoughts],
            pieces=dressed[thoughts:],
            end=[*(sse({**_chunk([call]), **head}) for call in calls), sse({**end, **full})],
            error=sse({"error": act.error or error_of(503, act.message)}),
            malformed=b'data: {"candidates": [\n\n',
        )
        if request.match_info["method"] == "streamGenerateContent":
            return await self._sent(
                request,
                act,
                frames,
                [*({**chunk, **head} for chunk in [*chunks, *(_chunk([each]) for each in calls)]), {**end, **full}],
            )
        await self.thinking(act, pieces)
        parts: list[Body] = []
        if act.reasoning:
            parts.append({"text": "".join(act.reasoning), "thought": True})
        parts += [{"text": "".join(pieces)}, *calls]
        return self.json({**_chunk(parts, reason=_words_of(reason)), **full}, act)

    async def _sent(self, request: web.Request, act: Act, frames: Frames, answers: list[Body]) -> web.StreamResponse:
        if request.match_info["method"] == "generateContent":
            return self.json(answers[0], act)
        if request.query.get("alt") != "sse" or not self.knows_sse:
            return self.json(answers, act)
        return await self.play(request, replace(act, line_end="\r\n"), frames)  # as Google writes its lines

    # -- embeddings -----------------------------------------------------------------------------------------------

    async def embed(self, request: web.Request, body: Body, act: Act) -> web.Response:
        """A vector for each text, in their order."""
        requests = camel(body).get("requests")
        if not requests:
            return self.refuse(400, "* BatchEmbedContentsRequest.requests: non-empty array required")
        if len(requests) > MOST_EMBEDDED:
            return self.refuse(
                400, f"* BatchEmbedContentsRequest.requests: at most {MOST_EMBEDDED} requests can be in one batch"
            )
        embeddings = []
        for each in requests:
            if each.get("model") != request.match_info["model"]:
                return self.refuse(400, "* BatchEmbedContentsRequest.model: must match the model of each request")
            text = "".join(part["text"] for part in each["content"]["parts"])
            embeddings.append({"values": vector(text, each.get("outputDimensionality", 8))})
        spent = counted(*(each["content"]["parts"] for each in requests))
        return self.json({"embeddings": embeddings, "usageMetadata": {"promptTokenCount": spent}}, act)


def read_chat(body: Body) -> Body:
    """The request in one spelling, if it is one."""
    asked: Body = camel(body)
    for name in asked:
        if name not in REQUEST_NAMES:
            raise UnfitError(f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.')
    for name, value in asked.get("generationConfig", {}).items():
        if name not in CONFIG_NAMES:
            raise UnfitError(
                f"Invalid JSON payload received. Unknown name \"{name}\" at 'generation_config': Cannot find field."
            )
        if not isinstance(value, CONFIG_NAMES[name]):
            raise UnfitError(f"Invalid value at 'generation_config.{name}'")
    if not asked.get("contents"):
        raise UnfitError("* GenerateContentRequest.contents: contents is not specified")
    roles = [turn.get("role", "user") for turn in asked["contents"]]
    if not set(roles) <= {"user", "model"}:
        raise UnfitError("Please use a valid role: user, model.")
    if roles[-1] != "user":
        raise UnfitError("Please ensure that multiturn requests ends with a user role or a function response.")
    if any(one == other for one, other in pairwise(roles)):
        raise UnfitError("Please ensure that multiturn requests alternate between user and model.")
    for turn in asked["contents"]:
        for part in turn["parts"]:
            _check_part(part)
    for part in asked.get("systemInstruction", {}).get("parts", []):
        if set(part) != {"text"}:
            raise UnfitError("System instruction supports only text.")
    return asked


def _check_part(part: Body) -> None:
    if unknown := set(part) - PART_NAMES:
        raise UnfitError(f"Invalid JSON payload received. Unknown name \"{unknown.pop()}\" at 'contents[0].parts[0]'")
    if len(set(part) & {"text", "inlineData", "fileData", "functionCall", "functionResponse"}) != 1:
        raise UnfitError("* contents.parts: contents.parts must not be empty.")
    if part.get("text") == "":
        raise UnfitError("Unable to submit request because it has an empty text parameter.")
    if blob := part.get("inlineData"):
        if set(blob) != {"mimeType", "data"}:
            raise UnfitError("Invalid JSON payload received at 'contents[0].parts[0].inline_data'")
        if not re.fullmatch(r"(image/(png|jpeg|webp|heic|heif)|audio/(wav|mp3|aiff|aac|ogg|flac))", blob["mimeType"]):
            raise UnfitError(f"Unsupported MIME type: {blob['mimeType']}")
    if (address := part.get("fileData")) and not address.get("fileUri"):
        raise UnfitError("* contents.parts.file_data: file_uri must be set.")


def camel(value: Any) -> Any:  # Any: JSON
    """The same with every name of the protocol in camelCase; what a schema or a tool says has names of its own."""
    if isinstance(value, dict):
        named = {re.sub(r"_([a-z])", lambda found: found[1].upper(), name): each for name, each in value.items()}
        return {name: each if name in FREE else camel(each) for name, each in named.items()}
    return [camel(each) for each in value] if isinstance(value, list) else value


def error_of(status: int, message: str) -> Body:
    """An error object in Google's form."""
    return {"code": status, "message": message, "status": STATUS_WORDS.get(status, "UNKNOWN")}


def vector(text: str, size: int) -> list[float]:
    """A vector that depends on the text alone."""
    digest = hashlib.sha256(text.encode()).digest()
    return [digest[place % 32] / 255 for place in range(size)]


def _chunk(parts: list[Body], *, reason: str | None = None) -> Body:
    candidate: Body = {"content": {"parts": parts, "role": "model"}, "index": 0}
    return {"candidates": [candidate | ({"finishReason": reason} if reason else {})]}


def _words_of(reason: str | None) -> str | None:
    return {"stop": "STOP", "length": "MAX_TOKENS"}.get(reason, reason) if reason else None


def _usage(asked: Body, act: Act, pieces: Sequence[str]) -> Body:
    read = counted(*(part.get("text", "") for turn in asked["contents"] for part in turn["parts"])) or 1
    thoughts = {"thoughtsTokenCount": len(act.reasoning)} if act.reasoning else {}
    return {
        "promptTokenCount": read,
        "candidatesTokenCount": len(pieces),
        **thoughts,
        "totalTokenCount": read + len(pieces) + len(act.reasoning),
    }
