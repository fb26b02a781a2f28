"""Choose one of the offered tools, and fill in its arguments."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from byzer_nb.train.tiny import words
from byzer_nb.train.tiny.example import Example, Turn, ask

VERBS = words.listed("get find show check open delete read send count sort buy book print load")
OBJECTS = words.listed("price weather news score list report ticket order file map plan room address phone mail")


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """A tool, what people say when they want it, and its arguments."""

    name: str
    about: str
    arguments: dict[str, Callable[[Random], Any]]  # Any: a JSON value
    train: tuple[str, ...]
    held_out: tuple[str, ...]


KNOWN = (
    Tool(
        name="get_weather",
        about="The weather in a city.",
        arguments={"city": words.city},
        train=(
            "What is the weather in {city}?",
            "How is the weather in {city} today?",
            "Weather in {city}",
            "Will it rain in {city}?",
        ),
        held_out=("Tell me the weather in {city}.",),
    ),
    Tool(
        name="add",
        about="Add two numbers.",
        arguments={"a": words.number, "b": words.number},
        train=("What is {a} plus {b}?", "Add {a} and {b}.", "Compute {a} + {b}."),
        held_out=("How much is {a} plus {b}?",),
    ),
    Tool(
        name="multiply",
        about="Multiply two numbers.",
        arguments={"a": words.number, "b": words.number},
        train=("What is {a} times {b}?", "Multiply {a} by {b}."),
        held_out=("How much is {a} times {b}?",),
    ),
    Tool(
        name="search",
        about="Search the web.",
        arguments={"query": words.thing},
        train=("Search for {query}", "Search the web for {query}.", "Look up {query}."),
        held_out=("Please search for {query}.",),
    ),
    Tool(
        name="translate",
        about="Translate a word.",
        arguments={"text": words.word},
        train=("Translate {text}", "Translate the word {text}.", "Please translate {text}."),
        held_out=("Can you translate {text}?",),
    ),
    Tool(
        name="compute_now",
        about="The current time.",
        arguments={},
        train=("What time is it now?", "What time is it?", "Tell me the current time.", "What is the time?"),
        held_out=("What is the current time?",),
    ),
    Tool(
        name="send_message",
        about="Send a message to somebody.",
        arguments={"to": words.name, "text": words.thing},
        train=("Send {to} the message {text}.", "Tell {to}: {text}", "Write to {to}: {text}"),
        held_out=("Send the message {text} to {to}.",),
    ),
    Tool(
        name="compute_date_range",
        about="The first and last day of the past days, weeks or months.",
        arguments={
            "count": lambda rng: rng.randint(2, 12),
            "unit": lambda rng: rng.choice(["day", "week", "month", "year"]),
        },
        train=(
            "What happened in the last {count} {unit}s?",
            "Show the last {count} {unit}s.",
            "The past {count} {unit}s",
        ),
        held_out=("Give me the last {count} {unit}s.",),
    ),
)


def invented(rng: Random) -> Tool:
    """A tool that nobody has seen: a verb and an object, to be chosen by its words."""
    verb, thing = rng.choice(VERBS), rng.choice(OBJECTS)
    argument = rng.choice(["name", "item", "place", "title", "key"])
    return Tool(
        name=f"{verb}_{thing}",
        about=f"{verb.capitalize()} the {thing}.",
        arguments={argument: words.word},
        train=(
            f"{verb.capitalize()} the {thing} of {{{argument}}}.",
            f"Please {verb} the {thing} of {{{argument}}}.",
            f"{verb.capitalize()} the {thing} for {{{argument}}}.",
        ),
        held_out=(f"Can you {verb} the {thing} of {{{argument}}}?",),
    )


def call_a_tool(rng: Random, unseen: bool) -> Example:
    """A request, and a few tools of which one fits."""
    as_template = rng.random() < 0.5  # the long form is what the chat template writes
    offered = {
        tool.name: tool
        for tool in (
            rng.choice(KNOWN) if rng.random() < 0.6 else invented(rng)
            for _ in range(rng.randint(1, 2 if as_template else 4))
        )
    }
    wanted = rng.choice(list(offered.values()))
    values = {key: draw(rng) for key, draw in wanted.arguments.items()}
    request = rng.choice(wanted.held_out if unseen else wanted.train).format(**values)
    answer = json.dumps({"name": wanted.name, "arguments": values}, ensure_ascii=False)
    if as_template:
        return Example(
            task="tool",
            turns=(Turn(role="user", text=request),),
            answer=answer,
            tools=tuple(_openai_tool(tool) for tool in offered.values()),
        )
    signatures = ", ".join(f"{tool.name}({', '.join(tool.arguments)})" for tool in offered.values())
    return ask(
        "tool",
        rng.choice(
            [f"Tools: {signatures}\n{request}", f"Tools: {signatures}\n\n{request}", f"{request}\nTools: {signatures}"]
        ),
        answer,
    )


def _openai_tool(tool: Tool) -> dict[str, Any]:
    types = {key: "integer" if key in ("a", "b", "count") else "string" for key in tool.arguments}
    parameters = {
        "type": "object",
        "properties": {key: {"type": kind} for key, kind in types.items()},
        "required": list(types),
    }
    return {"type": "function", "function": {"name": tool.name, "description": tool.about, "parameters": parameters}}
