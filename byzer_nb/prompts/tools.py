"""Functions that a model may call: how they are shown to it, and how its calls are checked and made."""

from __future__ import annotations

import asyncio
import inspect
import json
import typing
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, overload

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.errors import PydanticUserError

from byzer_nb.errors import AnswerError, BadInputError, WrongTypeError
from byzer_nb.mcp import McpServer
from byzer_nb.prompts.answer_text import json_in
from byzer_nb.prompts.formats import without_titles
from byzer_nb.prompts.function_json import hints_of, serialize_function_to_json
from byzer_nb.types import ToolCall, ToolSpec

Function: TypeAlias = (
    "Callable[..., Any] | str"  # a function, or its description as JSON; Any: it returns what it likes
)
Offer: TypeAlias = "Function | McpServer"  # what may stand in a list of tools; a server has several

_told: set[str] = set()  # tools about which a warning was given


class Tool:
    """A function with the schema of its arguments. One that came as JSON can be offered, and not run here."""

    def __init__(self, function: Function, *, beside: Sequence[str] = ()) -> None:
        self.function = function
        self.about = serialize_function_to_json(function)  # in the words of prompts
        self._arguments: type[BaseModel] | None = None
        if isinstance(function, str):
            self.spec = _spec_of_json(function)
            return
        self._arguments = _model_of(function, beside)
        self.spec = ToolSpec(
            name=getattr(function, "__name__", type(function).__name__),
            description=inspect.getdoc(function) or "",
            parameters=without_titles(self._arguments.model_json_schema()),
        )
        _warn_of_gaps(self.spec.name, function)

    @property
    def can_run(self) -> bool:
        """Whether the function itself is here."""
        return self._arguments is not None

    async def call(self, arguments: Mapping[str, Any], beside: Mapping[str, Any]) -> Any:
        """What the function returns for arguments that a model chose, which are checked first.

        `beside` are arguments of the caller's own. A plain function runs in a thread, so that several can run at once.
        """
        if self._arguments is None or isinstance(self.function, str):
            raise BadInputError(f"The tool {self.spec.name!r} came as JSON, so there is nothing to run.")
        try:
            checked = self._arguments.model_validate(arguments)
        except ValidationError as wrong:
            raise BadInputError(f"{self.spec.name} was called with {dict(arguments)!r}: {_reasons(wrong)}") from None
        given = {name: getattr(checked, name) for name in checked.model_fields_set} | dict(beside)
        if inspect.iscoroutinefunction(self.function):
            return await self.function(**given)
        result = await asyncio.to_thread(self.function, **given)
        return await result if inspect.isawaitable(result) else result


@overload
def as_tools(functions: Sequence[Function], *, beside: Sequence[str] = ()) -> list[Tool]: ...


@overload
def as_tools(functions: Sequence[Offer], *, beside: Sequence[str] = ()) -> list[Tool | McpServer]: ...


def as_tools(functions: Sequence[Offer], *, beside: Sequence[str] = ()) -> Sequence[Tool | McpServer]:
    """Tools out of functions, of which no two have one name. A server stays one: its tools are listed when needed."""
    if isinstance(functions, str) or not isinstance(functions, Sequence):
        raise WrongTypeError(f"tools is a list of functions, not {functions!r}.", hint="Write: tools=[my_function]")
    tools = [each if isinstance(each, McpServer) else Tool(each, beside=beside) for each in functions]
    refuse_doubles([tool for tool in tools if isinstance(tool, Tool)])
    return tools


def refuse_doubles(tools: Sequence[Tool]) -> None:
    """An error where two tools have one name."""
    names = [tool.spec.name for tool in tools]
    for name in names:
        if names.count(name) > 1:
            raise BadInputError(
                f"Two tools are called {name!r}.",
                hint="Give a function another name, or a server a prefix: McpServer(..., prefix='its_').",
            )


def calls_in(answer: str) -> tuple[ToolCall, ...]:
    """The calls that an answer in words asks for; `AnswerError` where it holds no JSON or none of that form."""
    wanted = json_in(answer)
    if isinstance(wanted, list) and wanted and not all(isinstance(each, dict) and "name" in each for each in wanted):
        wanted = wanted[-1]
    listed = wanted.get("tool_calls", wanted) if isinstance(wanted, dict) else wanted
    each_call = listed if isinstance(listed, list) else [listed]
    return tuple(_call(each, answer) for each in each_call)


def _call(wanted: Any, answer: str) -> ToolCall:
    inner = wanted.get("function", wanted) if isinstance(wanted, dict) else wanted
    name = inner.get("name") if isinstance(inner, dict) else inner
    arguments = inner.get("arguments", inner.get("parameters")) if isinstance(inner, dict) else None
    if isinstance(arguments, str):
        arguments = json_in(arguments)
    if not isinstance(name, str) or not isinstance(arguments, dict | None):
        raise AnswerError(f"The answer is JSON and calls no function: {json.dumps(wanted)[:200]}", answer=answer)
    return ToolCall(name=name, arguments=arguments or {}, id=str(wanted.get("id") or ""))


def _model_of(function: Callable[..., Any], beside: Sequence[str]) -> type[BaseModel]:
    name = getattr(function, "__name__", type(function).__name__)
    try:
        signature = inspect.signature(function)
    except ValueError as unknown:
        raise BadInputError(
            f"The parameters of {name!r} are not known: it is written in C.", hint="Wrap it in a function of your own."
        ) from unknown
    hints = hints_of(function, signature)
    fields: dict[str, Any] = {}
    takes_any = False
    for parameter in signature.parameters.values():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            takes_any = True
        elif parameter.kind is not inspect.Parameter.VAR_POSITIONAL and parameter.name not in beside:
            default = ... if parameter.default is inspect.Parameter.empty else parameter.default
            fields[parameter.name] = (_described(hints.get(parameter.name, Any)), default)
    config = ConfigDict(extra="allow" if takes_any else "forbid", arbitrary_types_allowed=False)
    try:
        model: type[BaseModel] = create_model(name, __config__=config, **fields)
        model.model_json_schema()
    except PydanticUserError as unknown:
        raise WrongTypeError(
            f"The tool {name!r} has a parameter that no JSON can hold.", hint=unknown.message.splitlines()[0]
        ) from unknown
    return model


def _described(hint: Any) -> Any:
    """The annotation with what stands beside its type, as pydantic has it: words describe, `enum` lists the values."""
    if typing.get_origin(hint) is not typing.Annotated:
        return hint
    kind, *notes = typing.get_args(hint)
    described = [note for note in notes if isinstance(note, str)]
    for note in notes:
        if isinstance(note, dict):
            described += [note["description"]] if "description" in note else []
            kind = Literal[tuple(note["enum"])] if note.get("enum") else kind
    others = [note for note in notes if not isinstance(note, str | dict)]
    return typing.Annotated[(kind, *others, Field(description=described[0] if described else None))]


def _spec_of_json(text: str) -> ToolSpec:
    try:
        about = json.loads(text)
        about = about.get("function", about)
        return ToolSpec(
            name=str(about["name"]),
            description=str(about.get("description") or ""),
            parameters=_as_schema(about.get("parameters") or {"type": "object", "properties": {}}),
        )
    except (ValueError, KeyError, AttributeError, TypeError) as wrong:
        raise BadInputError(
            f"A tool that is a string is JSON with a name, and this is not: {text[:80]!r}",
            hint="Give the function itself, or what serialize_function_to_json makes of it.",
        ) from wrong


_JSON_TYPES = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
}


def _as_schema(parameters: Any) -> dict[str, Any]:
    """Parameters whose types may be Python's names, as `serialize_function_to_json` writes them."""
    schema = dict(parameters)
    properties: dict[str, Any] = {}
    for name, given in dict(schema.get("properties") or {}).items():
        if not isinstance(given, dict) or not isinstance(given.get("type", ""), str):  # JSON's own: true, or two types
            properties[name] = given
            continue
        kind = given.get("type", "")
        known = _JSON_TYPES.get(kind, kind)
        kept = {key: value for key, value in given.items() if key != "type" and value != ""}
        properties[name] = ({"type": known} if known in _JSON_TYPES.values() else {}) | kept
    return {**schema, "type": "object", "properties": properties}


def _warn_of_gaps(name: str, function: Callable[..., Any]) -> None:
    parameters = inspect.signature(function).parameters.values()
    unannotated = [each.name for each in parameters if each.annotation is inspect.Parameter.empty]
    gaps = [] if inspect.getdoc(function) else ["no docstring"]
    gaps += [f"no type for {', '.join(unannotated)}"] if unannotated else []
    key = f"{getattr(function, '__module__', '')}.{name}"
    if gaps and key not in _told:
        _told.add(key)
        warnings.warn(f"The tool {name!r} has {' and '.join(gaps)}; models call it better with both.", stacklevel=5)


def _reasons(wrong: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, error['loc'])) or 'arguments'}: {error['msg']}"
        for error in wrong.errors(include_url=False)
    )
