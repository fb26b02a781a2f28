"""Amazon Bedrock's runtime, played in process: invoke for Claude and Llama, and Converse, each whole and streamed.

with BedrockStandIn() as bedrock:
    ...  aws_access_key=bedrock.access_key, aws_secret_key=bedrock.key, region_name=bedrock.region, base_url=bedrock.url

Signatures are computed again with Amazon's own library. A body that the service would not take is answered with its
ValidationException.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.standins.bedrock_answers import claude_answer, converse_answer, llama_answer
from tests.standins.bedrock_tools import check_converse_tools
from tests.standins.claude_tools import UnfitError, check_tools
from tests.standins.vendor import RAW, Act, Body, VendorStandIn

MODELS = (
    "anthropic.claude-3-haiku-20240307-v1:0",
    "anthropic.claude-3-5-sonnet-20240620-v1:0",
    "us.anthropic.claude-3-5-sonnet-20240620-v1:0",
    "arn:aws:bedrock:us-west-2:123456789012:inference-profile/us.anthropic.claude-3-5-sonnet-20240620-v1:0",
    "arn:aws:bedrock:us-west-2:123456789012:provisioned-model/abc123def456",
    "meta.llama2-70b-chat-v1",
    "meta.llama3-8b-instruct-v1:0",
    "us.meta.llama4-scout-17b-instruct-v1:0",
    "mistral.mistral-large-2402-v1:0",
    "amazon.nova-lite-v1:0",
    "anthropic.claude-sonnet-4-5-20250929-v1:0",
)
EXCEPTIONS = {
    400: "ValidationException",
    401: "UnrecognizedClientException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}
CLAUDE_FIELDS = {
    *("anthropic_version", "anthropic_beta", "max_tokens", "messages", "system", "temperature", "top_p", "top_k"),
    *("stop_sequences", "tools", "tool_choice", "thinking", "metadata", "output_config"),
}
LLAMA_FIELDS = {"prompt", "temperature", "top_p", "max_gen_len", "images"}
CONVERSE_FIELDS = {
    *("messages", "system", "inferenceConfig", "toolConfig", "guardrailConfig", "additionalModelRequestFields"),
    *("promptVariables", "additionalModelResponseFieldPaths", "requestMetadata", "performanceConfig", "serviceTier"),
    "outputConfig",
}
CONFIG_FIELDS = {"maxTokens", "temperature", "topP", "stopSequences"}
USUAL = Act()
PICTURE_KINDS = ("png", "jpeg", "gif", "webp")


class BedrockStandIn(VendorStandIn):
    """Bedrock in one region, for one account."""

    version = ""
    stream_type = "application/vnd.amazon.eventstream"
    region = "us-west-2"
    access_key = "AKIDSTANDINEXAMPLE42"

    def __init__(self) -> None:
        super().__init__()
        self.session_token = ""  # of lent keys; asked for when it is set
        self.clock_is_off = timedelta()

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/{base:.*}model/{model}/invoke", self.answering(self.invoke))
        router.add_post("/{base:.*}model/{model}/invoke-with-response-stream", self.answering(self.invoke))
        router.add_post("/{base:.*}model/{model}/converse", self.answering(self.converse))
        router.add_post("/{base:.*}model/{model}/converse-stream", self.answering(self.converse))

    def unauthorised(self, request: web.Request, body: Body) -> web.Response | None:
        proof = re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, SignedHeaders=([^,]+), "
            r"Signature=([0-9a-f]{64})",
            request.headers.get("Authorization", ""),
        )
        if proof is None:
            return self.exception("MissingAuthenticationTokenException", 403, "Missing Authentication Token")
        access_key, day, region, service, names, signature = proof.groups()
        if access_key != self.access_key or request.headers.get("X-Amz-Security-Token", "") != self.session_token:
            message = "The security token included in the request is invalid."
            return self.exception("UnrecognizedClientException", 403, message)
        if (region, service) != (self.region, "bedrock"):
            message = f"Credential should be scoped to a valid region, not '{region}'."
            return self.exception("InvalidSignatureException", 403, message)
        sent = request.headers.get("X-Amz-Date", "")
        now = datetime.now(UTC) + self.clock_is_off
        if abs(now - datetime.strptime(sent, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)) > timedelta(minutes=5):
            message = f"Signature expired: {sent} is now earlier than {now - timedelta(minutes=5):%Y%m%dT%H%M%SZ}"
            return self.exception("InvalidSignatureException", 403, message)
        signed_names = names.split(";")
        needed = {"host", "x-amz-date", *(["x-amz-security-token"] if self.session_token else [])}
        if not needed <= set(signed_names) or signed_names != sorted(signed_names) or day != sent[:8]:
            return self.exception("IncompleteSignatureException", 403, "The signature covers too little.")
        if signature != self.signature(request, signed_names):
            message = (
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
                "Access Key and signing method. Consult the service documentation for details."
            )
            return self.exception("InvalidSignatureException", 403, message)
        return None

    def signature(self, request: web.Request, signed_names: Sequence[str]) -> str:
        """The signature as Amazon's own library makes it, of exactly what arrived."""
        signer = SigV4Auth(Credentials(self.access_key, self.key), "bedrock", self.region)
        arrived = AWSRequest(
            method=request.method,
            url=f"http://{request.headers['Host']}{request.raw_path}",
            data=request[RAW],
            headers={name: request.headers[name] for name in signed_names},
        )
        arrived.context["timestamp"] = request.headers["X-Amz-Date"]
        text = signer.string_to_sign(arrived, signer.canonical_request(arrived))
        signature: str = signer.signature(text, arrived)
        return signature

    def failure(self, act: Act) -> web.Response:
        kind = EXCEPTIONS.get(act.status, "InternalServerException")
        return self.exception(kind, act.status, act.message, act)

    def exception(self, kind: str, status: int, message: str, act: Act = USUAL) -> web.Response:
        """A refusal as the service writes it: its name in a header, its words in the body."""
        headers = {"x-amzn-ErrorType": f"{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/", **act.headers}
        return self.json({"message": message}, replace(act, headers=self.numbered(headers)), status=status)

    def json(self, body: Any, act: Act, *, status: int | None = None) -> web.Response:
        response = super().json(body, act, status=status)
        del response.headers["x-request-id"]  # here the number has another name
        return response

    def numbered(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers, with the number of the call."""
        return {"x-amzn-RequestId": f"9b0c6a52-{self.count:04}", **headers}

    async def invoke(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        """A call in the words of the model."""
        model = model_in(request)
        act = replace(act, headers=self.numbered(act.headers))
        if "anthropic." in model:
            check, answer = check_claude, claude_answer
        elif "meta." in model:
            check, answer = check_llama, llama_answer
        else:
            check, answer = refuse_model, llama_answer
        return await self.spoken(request, body, act, check, answer)

    async def converse(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        """A call in the words of every model."""
        act = replace(act, headers=self.numbered(act.headers))
        return await self.spoken(request, body, act, check_converse, converse_answer)

    async def spoken(self, request: web.Request, body: Body, act: Act, check: Any, answer: Any) -> web.StreamResponse:
        """The answer, if the model is known and the body fits."""
        try:
            if model_in(request) not in MODELS:
                raise UnfitError("The provided model identifier is invalid.")
            check(body)
        except UnfitError as unfit:
            return self.exception("ValidationException", 400, str(unfit))
        whole, frames, pieces = answer(body, act, f"{self.count:04}")
        if request.path.endswith("-stream"):
            return await self.play(request, act, frames)
        await self.thinking(act, pieces)
        return self.json(whole, act)


def model_in(request: web.Request) -> str:
    """The id of the model in the address."""
    return unquote(request.raw_path.rpartition("/")[0].rpartition("/")[2])


# -- what the service takes -------------------------------------------------------------------------------------------


def needs(fits: object, complaint: str) -> None:
    """The complaint of the service, unless it fits."""
    if not fits:
        raise UnfitError(complaint)


def only(body: Body, known: set[str], where: str = "") -> None:
    """No field but these."""
    for name in body:
        needs(name in known, f"Malformed input request: #{where}: extraneous key [{name}] is not permitted.")


def within_one(body: Body, *names: str) -> None:
    """Numbers from 0 to 1, where they are given at all."""
    for name in names:
        value = body.get(name, 0)
        needs(isinstance(value, int | float) and 0 <= value <= 1, f"{name}: range: 0..1")


def taking_turns(turns: Any) -> None:
    """User and assistant by turns, the user first."""
    needs(isinstance(turns, list) and turns, "messages: at least one message is required")
    for position, turn in enumerate(turns):
        expected = ("user", "assistant")[position % 2]
        needs(turn.get("role") == expected, "messages: roles must alternate between user and assistant")
    last = turns[-1]["content"][-1]
    needs(
        turns[-1]["role"] == "user" or last.get("text", "") == last.get("text", "").rstrip(),
        "messages: final assistant content cannot end with trailing whitespace",
    )


def is_base64(data: Any) -> bool:
    """True for text that is base64."""
    try:
        return bool(base64.b64decode(data, validate=True))
    except (TypeError, ValueError):
        return False


def refuse_model(_: Body) -> None:
    """The words of a model that nobody taught this stand-in."""
    raise UnfitError("Malformed input request, please reformat your input and try again.")


def check_claude(body: Body) -> None:
    """Anthropic's body, as Bedrock takes it."""
    only(body, CLAUDE_FIELDS)
    needs(str(body.get("anthropic_version", "")).startswith("bedrock-"), "anthropic_version: Invalid API version")
    needs(isinstance(body.get("max_tokens"), int) and body["max_tokens"] >= 1, "max_tokens: Field required")
    needs("system" not in body or body["system"], "system: text content blocks must be non-empty")
    within_one(body, "temperature", "top_p")
    for turn in body.get("messages", []):
        needs(turn["content"], "messages: all messages must have non-empty content")
        for block in turn["content"] if isinstance(turn["content"], list) else []:
            match block["type"]:
                case "text":
                    needs(block["text"].strip(), "messages: text content blocks must contain non-whitespace text")
                case "image":
                    source = block["source"]
                    needs(source["type"] == "base64", "messages: Input tag 'url' found using 'type' is not supported")
                    needs(source["media_type"] in [f"image/{kind}" for kind in PICTURE_KINDS], "media_type: unknown")
                    needs(is_base64(source["data"]), "messages: image: invalid base64 data")
                case "tool_use" | "tool_result" | "thinking" | "redacted_thinking":
                    pass  # looked at with the tools
                case kind:
                    raise UnfitError(f"messages: Input tag '{kind}' found using 'type' does not match any")
    taking_turns(body.get("messages"))
    check_tools(body)


def check_llama(body: Body) -> None:
    """Meta's body."""
    only(body, LLAMA_FIELDS)
    needs(body.get("prompt"), "Malformed input request: #: required key [prompt] not found")
    needs(1 <= body.get("max_gen_len", 512) <= 2048, "Malformed input request: #/max_gen_len: not within 1..2048")
    within_one(body, "temperature", "top_p")


def check_converse(body: Body) -> None:
    """The body of Converse."""
    only(body, CONVERSE_FIELDS)
    config = body.get("inferenceConfig", {})
    only(config, CONFIG_FIELDS, "/inferenceConfig")
    within_one(config, "temperature", "topP")
    needs(config.get("maxTokens", 1) >= 1, "inferenceConfig.maxTokens: at least 1")
    for block in body.get("system", []):
        needs(set(block) == {"text"} and block["text"], "system: every block holds text")
    for turn in body.get("messages", []):
        needs(isinstance(turn["content"], list) and turn["content"], "The content field in the Message object is empty")
        for block in turn["content"]:
            needs(len(block) == 1, "ContentBlock: exactly one member is set")
            if "image" in block:
                picture = block["image"]
                needs(picture["format"] in PICTURE_KINDS, "image.format: unknown")
                needs(is_base64(picture["source"].get("bytes")), "image.source.bytes: no base64")
            elif not block.keys() & {"toolUse", "toolResult", "reasoningContent"}:
                needs(block.get("text", "").strip(), "The text field in the ContentBlock object is blank")
    taking_turns(body.get("messages"))
    check_converse_tools(body)
