"""SiliconFlow's pictures, played in process: the wish goes to one path, and the picture lies at another for an hour."""

from __future__ import annotations

from aiohttp import web

from tests.standins.openai_media import picture
from tests.standins.vendor import KEY, Act, Body, VendorStandIn

SIZES = ("1024x1024", "960x1280", "768x1024", "720x1440", "720x1280", "512x512")
PARAMETERS = {
    "model",
    "prompt",
    "image_size",
    "batch_size",
    "num_inference_steps",
    "seed",
    "guidance_scale",
    "negative_prompt",
    "prompt_enhancement",
}


class SiliconFlowStandIn(VendorStandIn):
    """SiliconFlow's server, as far as it draws."""

    def __init__(self, *, key: str = KEY) -> None:
        super().__init__(key=key)
        self.fetched: list[web.Request] = []

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/v1/images/generations", self.answering(self.draw))
        router.add_post("/v1/image/generations", self.answering(self.draw))
        router.add_get("/outputs/{name}.png", self.output)

    def unauthorised(self, request: web.Request, body: Body) -> web.Response | None:
        if request.headers.get("Authorization") == f"Bearer {self.key}":
            return None
        return web.json_response("Invalid token", status=401)

    def failure(self, act: Act) -> web.Response:
        return self.json(act.error or {"code": 50505, "message": act.message, "data": None}, act)

    async def draw(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        """The addresses of the pictures."""
        wrong = sorted(body.keys() - PARAMETERS) or sorted({"model", "prompt"} - body.keys())
        if wrong or body.get("image_size", SIZES[0]) not in SIZES:
            message = f"The parameter is invalid: {', '.join(wrong) or 'image_size'}."
            return self.json({"code": 20015, "message": message, "data": None}, Act(status=400))
        names = range(body.get("batch_size", 1))
        urls = [{"url": f"{self.origin}/outputs/{name}.png?Expires=1&Signature=a%2Fb%3D"} for name in names]
        return self.json({"images": urls, "timings": {"inference": 0.75}, "seed": body.get("seed", 7)}, act)

    async def output(self, request: web.Request) -> web.Response:
        """A picture at its signed address."""
        self.fetched.append(request)
        if request.query.get("Signature") != "a/b=":
            return web.Response(status=403, text="<Error><Code>SignatureDoesNotMatch</Code></Error>")
        return web.Response(body=picture(request.match_info["name"]), content_type="image/png")
