"""Tools and schemas in Gemini's protocol: how they are offered, called and answered."""

from __future__ import annotations

import re
from typing import Any

from byzer_nb.providers.wire.tool_calls import MADE_UP, parameters_of, unsealed
from byzer_nb.types import ChatRequest, ToolCall

SIGNATURE = "thoughtSignature"
NO_SIGNATURE = "skip_thought_signature_validator"  # Google's own word for a call that it did not sign

_WITHOUT_TOOLS = re.compile(r"gemma|embedding|image|tts|aqa")
_WITHOUT_SCHEMAS = re.compile(rf"gemini-(1|2\.0|pro$|pro-vision)|{_WITHOUT_TOOLS.pattern}")
_WANTS_SIGNATURES = re.compile(r"gemini-([3-9]|\d\d)")


def takes_tools(model: str) -> bool:
    """Whether a model of that name is offered tools."""
    return not _WITHOUT_TOOLS.search(model.lower())


def takes_schemas(model: str) -> bool:
    """Whether a model of that name can be held to a schema."""
    return not _WITHOUT_SCHEMAS.search(model.lower())


def tool_fields(request: ChatRequest) -> dict[str, Any]:  # Any: JSON
    """The fields of a body that offer tools; none where there are none."""
    if not request.tools:
        return {}
    declared = [
        {"name": tool.name, "description": tool.description, "parametersJsonSchema": parameters_of(tool)}
        for tool in request.tools
    ]
    fields: dict[str, Any] = {"tools": [{"functionDeclarations": declared}]}
    if request.tool_choice:
        config: dict[str, Any] = {"mode": "ANY"}
        if request.tool_choice != "required":
            config["allowedFunctionNames"] = [request.tool_choice]
        fields["toolConfig"] = {"functionCallingConfig": config}
    return fields


def schema_fields(request: ChatRequest) -> dict[str, Any]:  # Any: JSON
    """The fields of a configuration that hold the answer to a schema; none without one."""
    if request.schema is None:
        return {}
    return {"responseMimeType": "application/json", "responseJsonSchema": request.schema.schema}


def decided_by(request: ChatRequest) -> dict[str, str]:
    """What an `extra` may not hold beside the tools and the schema of a request."""
    decided: dict[str, str] = {}
    if request.tools:
        decided |= dict.fromkeys(("tools", "toolConfig"), "Give them as tools and tool_choice of the request.")
    if request.schema is not None:
        of_schemas = ("responseMimeType", "responseSchema", "responseJsonSchema")
        decided |= dict.fromkeys(of_schemas, "Give it as the schema of the request.")
    return decided


def call_parts(calls: tuple[ToolCall, ...], model: str) -> list[dict[str, Any]]:  # Any: JSON
    """The calls of a turn as parts of it. Newer models want to see what they signed, which is the first of them."""
    parts = []
    for place, call in enumerate(calls):
        part: dict[str, Any] = {"functionCall": {"name": call.name, "args": call.arguments, **_id(call.id)}}
        signature = unsealed(SIGNATURE, call)
        if not signature and place == 0 and _WANTS_SIGNATURES.search(model.lower()):
            signature = NO_SIGNATURE
        parts.append({**part, **({SIGNATURE: signature} if signature else {})})
    return parts


def result_part(call_id: str, name: str, words: str) -> dict[str, Any]:  # Any: JSON
    """What a tool gave."""
    return {"functionResponse": {"name": name, "response": {"output": words}, **_id(call_id)}}


def _id(call_id: str) -> dict[str, str]:
    """An id that Google gave; where it gives none, name and order say which call is meant."""
    return {"id": call_id} if call_id and not call_id.startswith(MADE_UP) else {}
