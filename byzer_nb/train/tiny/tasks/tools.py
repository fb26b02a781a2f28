"""Choose one of the offered tools and fill in its arguments; or see that none is wanted, or read what it gave."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from byzer_nb.prompts.function_formats import function_calling_format
from byzer_nb.train.tiny import words
from byzer_nb.train.tiny.example import Example, Maker, Turn, ask, politely
from byzer_nb.train.tiny.tasks import chinese_tool_pool
from byzer_nb.train.tiny.tasks.greetings import chinese_greeting, greeting, unknown
from byzer_nb.train.tiny.tasks.tool_pool import KNOWN, VERBS, Argument, Tool, invented

# Requests that begin like this can also be asked with manners.
IMPERATIVES = (*(verb.capitalize() + " " for verb in VERBS), "Add", "Search", "Look", "Multiply", "Translate", "Tell")
PYTHON_TYPES = {"string": "str", "integer": "int"}
RESULTS = ("The answer is {result}.", "结果是{result}。")
CALLED_ALREADY = 0.08  # conversations in which the tool has answered
NOT_WANTED = 0.1  # requests that need no tool
NOT_OFFERED = 0.15  # requests for a tool that is not there
TWO_AT_ONCE = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Tongue:
    """The tools and the small talk of one language."""

    suffix: str
    known: tuple[Tool, ...]
    invented: Callable[[Random], Tool]
    small_talk: tuple[Maker, ...]
    joint: str  # between two requests
    none_fits: str  # what to say when the wanted tool is not offered


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A request, and the call that it asks for."""

    request: str
    name: str
    arguments: dict[str, Any]  # Any: JSON values

    def as_json(self) -> dict[str, Any]:
        """Name and arguments, as models write them."""
        return {"name": self.name, "arguments": self.arguments}


ENGLISH = Tongue(
    suffix="",
    known=KNOWN,
    invented=invented,
    small_talk=(greeting, greeting, unknown),
    joint="{first} And then: {second}",
    none_fits="I have no tool for that.",
)
CHINESE = Tongue(
    suffix=" zh",
    known=chinese_tool_pool.KNOWN,
    invented=chinese_tool_pool.invented,
    small_talk=(chinese_greeting,),
    joint="{first}，然后{second}",
    none_fits="我没有合适的工具。",
)


def call_a_tool(rng: Random, unseen: bool) -> Example:
    """A request, and a few tools of which one fits."""
    return _with_tools(rng, ENGLISH, unseen)


def call_a_tool_in_chinese(rng: Random, unseen: bool) -> Example:
    """The same in Chinese."""
    return _with_tools(rng, CHINESE, unseen)


def _with_tools(rng: Random, tongue: Tongue, unseen: bool) -> Example:
    offered = _offered(rng, tongue)
    calls = [_call(rng, rng.choice(offered), unseen)]
    style = rng.random()
    if style < 0.2:
        return _short(rng, offered, calls[0], tongue)
    talk = _without_a_call(rng, offered, tongue, unseen)
    if style < 0.55:  # the words of the chat template
        if talk is None and rng.random() < CALLED_ALREADY:
            return _after_the_call(rng, offered, calls[0], tongue)
        answer = talk.answer if talk else json.dumps(calls[0].as_json(), ensure_ascii=False)
        return Example(
            task=("no tool" if talk else "tool") + tongue.suffix,
            turns=talk.turns if talk else (Turn(role="user", text=calls[0].request),),
            answer=answer,
            tools=tuple(_schema(tool) for tool in offered),
        )
    if talk:
        request, answer = talk.turns[-1].text, talk.answer
    else:
        if rng.random() < TWO_AT_ONCE:
            calls.append(_call(rng, rng.choice(offered), unseen))
        request = calls[0].request
        if len(calls) > 1:
            request = tongue.joint.format(
                first=request.rstrip("。") if tongue is CHINESE else request, second=calls[1].request
            )
        wrapped = {"tool_calls": [{"function": call.as_json()} for call in calls]}
        answer = json.dumps(wrapped, ensure_ascii=False)
    asked = function_calling_format(request, [json.dumps(_python(rng, tool), ensure_ascii=False) for tool in offered])
    return ask(("no tool" if talk else "tool") + tongue.suffix, asked, answer)


def _without_a_call(rng: Random, offered: list[Tool], tongue: Tongue, unseen: bool) -> Example | None:
    """In some of the draws a request to which words are the answer: small talk, or a wish for another tool."""
    kind = rng.random()
    if kind < NOT_WANTED:
        return rng.choice(tongue.small_talk)(rng, unseen)
    if kind < NOT_WANTED + NOT_OFFERED:
        absent = [
            tool for tool in (*tongue.known, tongue.invented(rng)) if all(tool.name != each.name for each in offered)
        ]
        return ask("no tool", _call(rng, rng.choice(absent), unseen).request, tongue.none_fits)
    return None


def _offered(rng: Random, tongue: Tongue) -> list[Tool]:
    """One to four tools, of which no two share a name."""
    count = rng.choice([1, 2, 2, 3, 3, 4])
    drawn = (rng.choice(tongue.known) if rng.random() < 0.5 else tongue.invented(rng) for _ in range(count))
    return list({tool.name: tool for tool in drawn}.values())


def _call(rng: Random, tool: Tool, unseen: bool) -> Call:
    values = {key: argument.draw(rng) for key, argument in tool.arguments.items()}
    spoken = {key: tool.spoken.get(key, {}).get(value, value) for key, value in values.items()}
    wording = tool.wordings.pick(rng, unseen)
    if wording.startswith(IMPERATIVES):
        wording = politely(rng, wording, unseen=unseen)
    return Call(request=wording.format(**spoken), name=tool.name, arguments=values)


def _short(rng: Random, offered: list[Tool], call: Call, tongue: Tongue) -> Example:
    """The tools as mere signatures, as people type them."""
    signatures = ", ".join(f"{tool.name}({', '.join(tool.arguments)})" for tool in offered)
    frames = ("Tools: {signatures}\n{request}", "Tools: {signatures}\n\n{request}", "{request}\nTools: {signatures}")
    asked = rng.choice(frames).format(signatures=signatures, request=call.request)
    return ask("tool" + tongue.suffix, asked, json.dumps(call.as_json(), ensure_ascii=False))


def _after_the_call(rng: Random, offered: list[Tool], call: Call, tongue: Tongue) -> Example:
    """The tool was called and has answered; now the user wants to hear it."""
    result = words.phrase(rng) if rng.random() < 0.5 else str(words.number(rng))
    turns = (
        Turn(role="user", text=call.request),
        Turn(role="assistant", text=json.dumps(call.as_json(), ensure_ascii=False)),
        Turn(role="tool", text=result),
    )
    return Example(
        task="tool result" + tongue.suffix,
        turns=turns,
        answer=RESULTS[tongue is CHINESE].format(result=result),
        tools=tuple(_schema(tool) for tool in offered),
    )


def _schema(tool: Tool) -> dict[str, Any]:
    """The tool as OpenAI's protocol has it."""
    properties = {key: _property(argument) for key, argument in tool.arguments.items()}
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": tool.name, "description": tool.about, "parameters": parameters}}


def _property(argument: Argument) -> dict[str, Any]:
    described = {"description": argument.about} if argument.about else {}
    return {"type": argument.kind} | described | ({"enum": list(argument.enum)} if argument.enum else {})


def _python(rng: Random, tool: Tool) -> dict[str, Any]:
    """The tool as `serialize_function_to_json` writes a function, now and then with a long docstring."""
    about = tool.about
    if about and tool.arguments and rng.random() < 0.1:
        about += "\n\nArgs:" + "".join(f"\n    {key}: {each.about or key}" for key, each in tool.arguments.items())
    properties = {
        key: {"type": PYTHON_TYPES[argument.kind], "description": argument.about}
        | ({"enum": list(argument.enum)} if argument.enum else {})
        for key, argument in tool.arguments.items()
    }
    return {
        "name": tool.name,
        "description": about,
        "parameters": {"type": "object", "properties": properties},
    }
