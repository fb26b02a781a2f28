"""Tools and schemas at Google: what its reference forbids in a body, and how a model calls."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.standins.vendor import Body, Called, is_object_schema

NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}")
SIGNATURE = "c2lnbmVkIHRob3VnaHQ="
UNCHECKED = "skip_thought_signature_validator"


class UnfitError(Exception):
    """A body that the protocol does not allow."""


def offered(asked: Body) -> set[str]:
    """The names of the tools in a body."""
    declared = [each for tool in asked.get("tools", ()) for each in tool.get("functionDeclarations", ())]
    return {each["name"] for each in declared}


def check_tools(asked: Body, *, model: str) -> None:
    """Raise what is wrong with the tools, the calls and the schema of a body, whose names are in camelCase."""
    for tool in asked.get("tools", ()):
        for each in tool.get("functionDeclarations", ()):
            needs(NAME.fullmatch(each.get("name", "")), "* function_declarations.name: Invalid function name")
            known = {"name", "description", "parameters", "parametersJsonSchema", "response", "responseJsonSchema"}
            needs(set(each) <= known, "Invalid JSON payload received. Unknown name at 'function_declarations'")
            needs(is_object_schema(each.get("parametersJsonSchema")), "parameters: only object type is supported")
    choice = asked.get("toolConfig", {}).get("functionCallingConfig", {})
    if choice:
        needs(choice.get("mode") in ("AUTO", "ANY", "NONE", "VALIDATED"), "Invalid value at 'mode'")
        allowed = set(choice.get("allowedFunctionNames", ()))
        needs(not allowed or choice["mode"] in ("ANY", "VALIDATED"), "allowed_function_names needs mode ANY")
        needs(allowed <= offered(asked), "allowed_function_names contains a function that was not declared")
    config = asked.get("generationConfig", {})
    if "responseJsonSchema" in config or "responseSchema" in config:
        needs(config.get("responseMimeType") == "application/json", "response_schema needs an application/json type")
    _check_calls(asked["contents"], is_signed="gemini-3" in model)


def _check_calls(turns: Sequence[Body], *, is_signed: bool) -> None:
    waiting: list[Body] = []
    for turn in turns:
        results = [part["functionResponse"] for part in turn["parts"] if "functionResponse" in part]
        calls = [part for part in turn["parts"] if "functionCall" in part]
        needs(not calls or turn["role"] == "model", "function call parts belong to the model")
        needs(
            [(each["name"], each.get("id")) for each in results]
            == [(each["name"], each.get("id")) for each in waiting],
            "Please ensure that the number of function response parts is equal to the number of function call parts of "
            "the function call turn.",
        )
        for each in results:
            needs(isinstance(each.get("response"), dict), "function_response.response: must be an object")
        for part in calls:
            needs(isinstance(part["functionCall"].get("args", {}), dict), "function_call.args: must be an object")
        if calls and is_signed:
            needs(
                calls[0].get("thoughtSignature") in (SIGNATURE, UNCHECKED),
                "Function call is missing a thought_signature in functionCall parts.",
            )
        waiting = [part["functionCall"] for part in calls]
    needs(not waiting, "Please ensure that function call turn comes before a function response turn.")


def needs(fits: object, complaint: str) -> None:
    """The complaint of the service, unless it fits."""
    if not fits:
        raise UnfitError(complaint)


def call_parts(calls: Sequence[Called], *, with_ids: bool) -> list[Body]:
    """The calls, each a part of its own; the first one is signed."""
    return [
        {
            "functionCall": {"name": call.name, "args": call.arguments, **({"id": call.id} if with_ids else {})},
            **({} if place else {"thoughtSignature": SIGNATURE}),
        }
        for place, call in enumerate(calls)
    ]
