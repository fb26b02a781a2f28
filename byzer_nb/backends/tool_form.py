"""How a chat template writes calls of tools, found out by letting it write one; answers are read in that form."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from byzer_nb.backends.chat_template import ChatTemplate
from byzer_nb.errors import BadInputError
from byzer_nb.types import AnswerSchema, Delta, Message, ToolCall, ToolSpec

ID_LENGTH = 9  # letters and digits; Mistral's templates take no other
_KEYS = ("arguments", "parameters")
_ASKED = Message(role="user", content="Is it raining?")
_PROBE = ToolSpec(
    name="probe_weather",
    description="Looks out of the window.",
    parameters={"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
)
_CALL = ToolCall(name=_PROBE.name, arguments={"place": "roof"}, id="probe0001")
_RESULT = Message(role="tool", content="It rains on the roof.", tool_call_id=_CALL.id)

_DECODER = json.JSONDecoder(strict=False)
_NAME = re.compile(r'"name"\s*:\s*"([^"\\]+)"')
_BETWEEN = re.compile(r"[\s,;\[\]]*")  # what may stand around calls that have no mark


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolForm:
    """A call is a JSON object with these keys, `name` and that of the arguments; before the first stands `opening`."""

    opening: str  # such as '<tool_call>\n', '[TOOL_CALLS] [', or nothing
    keys: tuple[str, ...]

    @property
    def mark(self) -> str:
        """What says that a call begins; empty where calls are bare JSON."""
        return self.opening.strip().rstrip("[").rstrip()

    def choice_of(self, tools: Sequence[ToolSpec]) -> AnswerSchema:
        """The schema of a call of one of these."""
        calls = []
        definitions: dict[str, Any] = {}
        for number, tool in enumerate(tools):
            parameters = {"type": "object", **_renamed(tool.parameters, f"tool{number}_")}
            definitions |= parameters.pop("$defs", {})
            properties = {key: {"const": tool.name} if key == "name" else parameters for key in self.keys}
            calls.append({"type": "object", "properties": properties, "required": list(properties)})
        schema = calls[0] if len(calls) == 1 else {"anyOf": calls}
        return AnswerSchema(schema={**schema, **({"$defs": definitions} if definitions else {})}, name="call")


def tool_form(template: ChatTemplate) -> ToolForm | None:
    """The form in which a template has calls; None where it has no tools, or writes calls that we cannot read.

    Hermes, Qwen, Llama 3, Mistral and byzer-tiny write them as JSON, each with other marks around it.
    """
    if not template.names_tools:
        return None
    called = Message(role="assistant", content="", tool_calls=(_CALL,))
    try:
        asked = template.render([_ASKED], tools=(_PROBE,))
        with_call = template.render([_ASKED, called], tools=(_PROBE,), is_over=True)
        with_result = template.render([_ASKED, called, _RESULT], tools=(_PROBE,))
    except BadInputError:
        return None
    if _PROBE.name not in asked or _RESULT.text not in with_result:
        return None
    pairs = zip(asked, with_call, strict=False)
    shared = next((place for place, (one, other) in enumerate(pairs) if one != other), len(asked))
    turn = with_call[shared:]
    for start, _, value in _objects(turn):
        for key in _KEYS:
            if value.get("name") == _CALL.name and value.get(key) == _CALL.arguments:
                keys = tuple(each for each in value if each in ("name", key))
                return ToolForm(opening=turn[:start].lstrip(), keys=keys)
    return None


class CallReader:
    """Lets the words of an answer through and keeps back what is a call, or may become one."""

    def __init__(self, form: ToolForm, tools: Sequence[ToolSpec], *, begun: str = "") -> None:
        self._mark = form.mark
        self._names = frozenset(tool.name for tool in tools)
        self._held = begun
        self._has_words = False
        self._is_call = bool(begun)
        self._thinks = False

    def push(self, text: str) -> str:
        """The words that are certain after this piece."""
        self._held += text
        if self._is_call:
            return ""
        shown = ""
        if not self._has_words:
            begins = self._held.lstrip()
            if not begins or "<think>".startswith(begins):
                return ""
            self._is_call = begins[0] in "{["
            self._thinks = begins.startswith("<think>")
            self._has_words = not self._is_call
        if self._thinks:
            shown = self._up_to("</think>", keeps=False)
            self._thinks = not shown.endswith("</think>")
            self._has_words = self._thinks  # what comes after thoughts begins anew
            return shown if self._thinks else shown + self.push("")
        return shown if self._is_call else shown + self._up_to(self._mark, keeps=True)

    def end(self, *, was_cut: bool = False) -> tuple[str, tuple[ToolCall, ...]]:
        """The words that were kept back, and the calls."""
        held, self._held = self._held, ""
        if not self._is_call:
            return held, ()
        has_mark = bool(self._mark) and held.startswith(self._mark)
        calls = tuple(self._calls(held)) if has_mark else self._bare(held)
        if has_mark and not calls and not was_cut:
            # It meant a call and wrote broken JSON; whoever makes calls tells it so.
            named = _NAME.search(held)
            calls = (ToolCall(name=named[1] if named else "", raw=held, id=_new_id()),)
        return ("", calls) if calls else (held, ())

    def _up_to(self, mark: str, *, keeps: bool) -> str:
        """What stands before a mark, or before what may become one; with `keeps` the mark begins a call."""
        place = self._held.find(mark) if mark else -1
        if place >= 0:
            self._is_call = keeps
            length = place if keeps else place + len(mark)
        else:
            doubtful = range(min(len(mark) - 1, len(self._held)), 0, -1)
            length = len(self._held) - next((count for count in doubtful if self._held.endswith(mark[:count])), 0)
        shown, self._held = self._held[:length], self._held[length:]
        return shown

    def _calls(self, text: str) -> Iterator[ToolCall]:
        for _, _, value in _objects(text):
            call = self._call(value)
            if call is not None:
                yield call

    def _bare(self, text: str) -> tuple[ToolCall, ...]:
        """The calls of a text that is nothing but calls."""
        found = list(_objects(text))
        calls = [call for _, _, value in found if (call := self._call(value)) is not None]
        ends = [0, *(end for _, end, _ in found)]
        starts = [*(start for start, _, _ in found), len(text)]
        are_all = len(calls) == len(found) and all(
            _BETWEEN.fullmatch(text, end, start) for end, start in zip(ends, starts, strict=True)
        )
        return tuple(calls) if are_all else ()

    def _call(self, value: dict[str, Any]) -> ToolCall | None:
        inner = value.get("function", value)  # some answer in the form in which tools are shown
        name = inner.get("name") if isinstance(inner, dict) else None
        given = next((inner[key] for key in _KEYS if key in inner), None) if isinstance(name, str) else None
        if not isinstance(name, str) or (given is None and name not in self._names):
            return None
        if isinstance(given, str):  # JSON within JSON
            try:
                given = json.loads(given, strict=False)
            except ValueError:
                return ToolCall(name=name, raw=given, id=_new_id())
        if given is None or isinstance(given, dict):
            return ToolCall(name=name, arguments=given or {}, id=_new_id())
        return ToolCall(name=name, raw=json.dumps(given, ensure_ascii=False), id=_new_id())


async def with_calls(deltas: AsyncGenerator[Delta, None], reader: CallReader) -> AsyncGenerator[Delta, None]:
    """The same deltas, in which calls are calls and no text."""
    async with aclosing(deltas):
        async for delta in deltas:
            words = reader.push(delta.text)
            if delta.finish_reason is None:
                if words:
                    yield replace(delta, text=words)
                continue
            rest, calls = reader.end(was_cut=delta.finish_reason == "length")
            reason = "tool_calls" if calls and delta.finish_reason == "stop" else delta.finish_reason
            yield replace(delta, text=words + rest, tool_calls=calls, finish_reason=reason)


def _objects(text: str) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Start, end and value of each JSON object that stands in no other."""
    at = text.find("{")
    while at >= 0:
        end = at + 1
        try:
            value, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            pass
        else:
            yield at, end, value
        at = text.find("{", end)


def _renamed(schema: Any, prefix: str) -> Any:  # Any: JSON
    """The schema with names of definitions of its own, so that those of several tools can stand together."""
    if isinstance(schema, list):
        return [_renamed(each, prefix) for each in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {key: _renamed(value, prefix) for key, value in schema.items()}
    if isinstance(schema.get("$ref"), str):
        changed["$ref"] = schema["$ref"].replace("#/$defs/", f"#/$defs/{prefix}")
    if isinstance(schema.get("$defs"), dict):
        changed["$defs"] = {prefix + name: value for name, value in changed["$defs"].items()}
    return changed


def _new_id() -> str:
    return uuid4().hex[:ID_LENGTH]
