"""Azure's OpenAI service, played in process: the same bodies, behind deployments, versions and a header of its own."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from aiohttp import web

from tests.standins.openai import OpenAIStandIn
from tests.standins.vendor import KEY, Act, Answer, Body, Frames, sse

BASE = "/{base:openai/deployments/[^/]+/|openai/v1/}"
VERSION = re.compile(r"20\d\d-\d\d-\d\d(-preview)?")
DEPLOYMENTS = {
    "our-chat": "gpt-4o",
    "our vectors": "text-embedding-3-small",
    "our-voice": "tts-1",
    "our-ears": "whisper-1",
    "our-brush": "dall-e-3",
}
UNFILTERED = {"hate": {"filtered": False, "severity": "safe"}}


class AzureOpenAIStandIn(OpenAIStandIn):
    """A resource at Azure with some deployments."""

    version = ""

    def __init__(self, *, key: str = KEY) -> None:
        super().__init__(key=key, models=list(DEPLOYMENTS.values()))

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """The calls of both kinds of endpoints."""
        router.add_post(f"{BASE}chat/completions", self.answering(self.chat))
        router.add_post(f"{BASE}embeddings", self.answering(self.embed))
        self.add_media_routes(router, BASE)

    def answering(
        self, answer: Answer, *, authorise: bool = True
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """The usual handler, for a deployment that exists and a version that may be."""

        async def at_a_deployment(request: web.Request, body: Body, act: Act) -> web.StreamResponse:
            if "base" not in request.match_info:
                return await answer(request, body, act)
            version = request.query.get("api-version", "")
            if self.is_dated(request) and not VERSION.fullmatch(version):
                return self.complain(404, "404", "Resource not found")
            name = request.path.split("/")[3] if self.is_dated(request) else body.get("model", "")
            if name not in DEPLOYMENTS and request.content_type == "application/json":
                message = (
                    "The API deployment for this resource does not exist. If you created the deployment within the "
                    "last 5 minutes, please wait a moment and try again."
                )
                return self.complain(404, "DeploymentNotFound", message)
            model = self.model_of(request, body)
            return await answer(request, {**body, "model": model} if body else body, act)

        return super().answering(at_a_deployment, authorise=authorise)

    def unauthorised(self, request: web.Request, body: Body) -> web.Response | None:
        if request.headers.get("api-key") == self.key:
            return None
        message = (
            "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for "
            "an active subscription and use a correct regional API endpoint for your resource."
        )
        return self.complain(401, "401", message)

    def failure(self, act: Act) -> web.Response:
        return self.json({"error": act.error or {"code": str(act.status), "message": act.message}}, act)

    def complain(self, status: int, code: str, message: str) -> web.Response:
        """An error in Azure's form."""
        return self.json({"error": {"code": code, "message": message}}, Act(status=status))

    def model_of(self, request: web.Request, body: Body) -> str:
        """The model behind the deployment, whatever the body calls it."""
        name = request.path.split("/")[3] if self.is_dated(request) else str(body.get("model", ""))
        return DEPLOYMENTS.get(name, name)

    def is_dated(self, request: web.Request) -> bool:
        """Whether the deployment stands in the path, and the version in the query."""
        return request.path.startswith("/openai/deployments/")

    def whole(self, act: Act, pieces: Sequence[str], head: Body, usage: Body) -> Body:
        answer = super().whole(act, pieces, head, usage)
        answer["choices"][0]["content_filter_results"] = UNFILTERED
        return {**answer, "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": UNFILTERED}]}

    def frames(self, body: Body, act: Act, pieces: Sequence[str], head: Body, usage: Body) -> Frames:
        frames = super().frames(body, act, pieces, head, usage)
        filtered = {
            "id": "",
            "object": "",
            "created": 0,
            "model": "",
            "choices": [],
            "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": UNFILTERED}],
        }
        return replace(frames, head=[sse(filtered), *frames.head])
