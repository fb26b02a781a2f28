"""Tools and schemas in Converse: what its reference forbids in a body, and how a model calls."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from tests.standins.aws_frames import frame
from tests.standins.claude_tools import check_schema, needs
from tests.standins.vendor import Body, Called, is_object_schema

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")


def offered(body: Body) -> set[str]:
    """The names of the tools in a body."""
    return {tool["toolSpec"]["name"] for tool in body.get("toolConfig", {}).get("tools", ())}


def check_converse_tools(body: Body) -> None:
    """Raise what is wrong with the tools, the calls and the schema of a body."""
    config = body.get("toolConfig")
    if config is not None:
        needs(set(config) <= {"tools", "toolChoice"} and config.get("tools"), "toolConfig.tools: at least one tool")
        for tool in config["tools"]:
            spec = tool.get("toolSpec", {})
            needs(NAME.fullmatch(spec.get("name", "")), "toolConfig.tools.toolSpec.name: failed the pattern")
            needs(spec.get("description", "words"), "toolConfig.tools.toolSpec.description: at least 1 letter")
            needs(is_object_schema(spec.get("inputSchema", {}).get("json")), "The json schema must be type object")
        if choice := config.get("toolChoice"):
            needs(len(choice) == 1 and choice.keys() <= {"auto", "any", "tool"}, "toolChoice: exactly one member")
            needs("tool" not in choice or choice["tool"]["name"] in offered(body), "toolChoice.tool: no such tool")
    _check_calls(body)
    if wanted := body.get("outputConfig", {}).get("textFormat"):
        definition = wanted["structure"]["jsonSchema"]
        needs(wanted["type"] == "json_schema" and isinstance(definition["schema"], str), "outputConfig: invalid")
        check_schema(json.loads(definition["schema"]))


def _check_calls(body: Body) -> None:
    waiting: list[str] = []
    for turn in body["messages"]:
        used = [block["toolUse"] for block in turn["content"] if "toolUse" in block]
        results = [block["toolResult"] for block in turn["content"] if "toolResult" in block]
        needs(not used or turn["role"] == "assistant", "toolUse: only the assistant calls")
        needs(not (used or results) or "toolConfig" in body, "The toolConfig field must be defined when using toolUse")
        needs(
            sorted(each["toolUseId"] for each in results) == sorted(waiting),
            "Expected toolResult blocks for the following Ids, and no others",
        )
        for each in results:
            needs(isinstance(each["content"], list), "toolResult.content: a list")
            for inner in each["content"]:
                needs(
                    len(inner) == 1 and inner.keys() <= {"text", "json", "image"}, "ToolResultContentBlock: one member"
                )
        for each in used:
            needs(ID.fullmatch(each["toolUseId"]), "toolUse.toolUseId: failed the pattern")
            needs(isinstance(each["input"], dict), "The format of the value at toolUse.input is invalid")
        waiting = [each["toolUseId"] for each in used]
    needs(not waiting, "Expected toolResult blocks for the following Ids")


def whole_calls(calls: Sequence[Called]) -> list[Body]:
    """The calls of a message."""
    return [{"toolUse": {"toolUseId": call.id, "name": call.name, "input": call.arguments}} for call in calls]


def tool_frames(calls: Sequence[Called], *, first: int) -> list[bytes]:
    """The frames in which they arrive."""
    frames: list[bytes] = []
    for place, call in enumerate(calls, start=first):
        start = {"toolUse": {"toolUseId": call.id, "name": call.name}}
        frames.append(frame("contentBlockStart", {"contentBlockIndex": place, "start": start}))
        for piece in call.pieces:
            delta = {"toolUse": {"input": piece}}
            frames.append(frame("contentBlockDelta", {"contentBlockIndex": place, "delta": delta}))
        frames.append(frame("contentBlockStop", {"contentBlockIndex": place}))
    return frames
