"""Tools that can be offered to the model: a few that people really write, and any number of invented ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from byzer_nb.train.tiny import words
from byzer_nb.train.tiny.example import Wordings

VERBS = words.listed(
    "get find show check open delete read send count sort buy book print load save share move copy close order start "
    "stop rename fetch update export"
)
OBJECTS = words.listed(
    "price weather news score list report ticket file map plan room address phone mail photo song table flight invoice "
    "note meeting task page user key train video letter stock"
)
UNITS = ("day", "week", "month", "year")


@dataclass(frozen=True, kw_only=True, slots=True)
class Argument:
    """A parameter of a tool: what it takes, and how the tool's author describes it."""

    draw: Callable[[Random], Any]  # Any: a JSON value
    kind: str = "string"  # the JSON type
    about: str = ""
    enum: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """A tool, what people say when they want it, and its arguments."""

    name: str
    about: str
    arguments: dict[str, Argument]
    wordings: Wordings
    spoken: dict[str, dict[Any, str]] = field(default_factory=dict)  # a value in the words of a request


def text(about: str = "", draw: Callable[[Random], Any] = words.word) -> Argument:
    """A parameter that takes any text."""
    return Argument(draw=draw, about=about)


def whole(about: str = "", draw: Callable[[Random], Any] = words.number) -> Argument:
    """A parameter that takes a whole number."""
    return Argument(draw=draw, about=about, kind="integer")


KNOWN = (
    Tool(
        name="get_weather",
        about="The weather in a city.",
        arguments={"city": text("the city", words.city)},
        wordings=Wordings(
            train=(
                "What is the weather in {city}?",
                "How is the weather in {city} today?",
                "Weather in {city}",
                "Will it rain in {city}?",
                "Is it sunny in {city}?",
                "I am in {city}. How is the weather?",
                "Show me the weather in {city}.",
                "How is the weather in {city}?",
                "What weather do they have in {city}?",
                "Say how the weather in {city} is.",
                "Is it cold in {city} today?",
                "Do I need an umbrella in {city}?",
                "Tell me about the weather in {city}.",
                "Is it snowing in {city}?",
            ),
            held_out=("Tell me the weather in {city}.", "What is the weather like in {city}?"),
        ),
    ),
    Tool(
        name="add",
        about="Add two numbers.",
        arguments={"a": whole(), "b": whole()},
        wordings=Wordings(
            train=(
                "What is {a} plus {b}?",
                "Add {a} and {b}.",
                "Compute {a} + {b}.",
                "What is the sum of {a} and {b}?",
                "{a} + {b}",
                "{a} plus {b}",
                "How much is {a} + {b}?",
                "Calculate {a} plus {b}.",
                "What do {a} and {b} make?",
                "Sum up {a} and {b}.",
                "How much is {a} and {b}?",
                "What do I get when I add {a} and {b}?",
            ),
            held_out=("How much is {a} plus {b}?", "What is {a} + {b}?"),
        ),
    ),
    Tool(
        name="multiply",
        about="Multiply two numbers.",
        arguments={"a": whole(), "b": whole()},
        wordings=Wordings(
            train=(
                "What is {a} times {b}?",
                "Multiply {a} by {b}.",
                "Compute {a} * {b}.",
                "Multiply {a} and {b}.",
                "{a} times {b}",
                "{a} * {b}",
                "What is {a} * {b}?",
                "How much is {a} * {b}?",
                "Calculate {a} times {b}.",
                "What is the product of {a} and {b}?",
            ),
            held_out=("How much is {a} times {b}?",),
        ),
    ),
    Tool(
        name="search",
        about="Search the web.",
        arguments={"query": text("what to look for", words.phrase)},
        wordings=Wordings(
            train=(
                "Search for {query}",
                "Search the web for {query}.",
                "Look up {query}.",
                "Find something about {query}.",
                "Google {query}",
                "Find {query} on the web.",
                "What does the web say about {query}?",
                "Search the internet for {query}.",
                "I am looking for {query}",
                "Look for {query} on the internet.",
                "Do a search for {query}.",
            ),
            held_out=("Search for {query} on the web.", "Look for {query}."),
        ),
    ),
    Tool(
        name="translate",
        about="Translate a text into another language.",
        arguments={
            "text": text("the text", words.phrase),
            "language": text(
                "the language", lambda rng: rng.choice(("French", "German", "Spanish", "Chinese", "Italian"))
            ),
        },
        wordings=Wordings(
            train=(
                "Translate {text} into {language}.",
                "Say {text} in {language}.",
                "What is {text} in {language}?",
                "How do I say {text} in {language}?",
                "Translate into {language}: {text}",
                "Into {language}: {text}",
                "Give me the {language} for {text}.",
                "How is {text} said in {language}?",
                "Put {text} into {language}.",
                "What does {text} mean in {language}?",
                "Translate {text} to {language}.",
            ),
            held_out=("Translate to {language}: {text}", "How do you say {text} in {language}?"),
        ),
    ),
    Tool(
        name="compute_now",
        about="The current time.",
        arguments={},
        wordings=Wordings(
            train=(
                "What time is it now?",
                "What time is it?",
                "Tell me the current time.",
                "What is the time?",
                "The time, please.",
                "How late is it?",
                "Say what time it is.",
                "Which time is it?",
                "Do you know the time?",
                "Tell me the time.",
                "What hour is it?",
                "Give me the current time.",
                "What time do we have?",
                "Current time?",
                "What is the time now?",
            ),
            held_out=("What is the current time?", "Tell me what time it is."),
        ),
    ),
    Tool(
        name="send_message",
        about="Send a message to somebody.",
        arguments={"to": text("the receiver", words.name), "text": text("the message", words.phrase)},
        wordings=Wordings(
            train=(
                "Send {to} the message {text}.",
                "Tell {to}: {text}",
                "Write to {to}: {text}",
                "Send a message to {to}: {text}",
                "Send {text} to {to}.",
                "Let {to} know: {text}",
                "Say to {to}: {text}",
                "Give {to} the message {text}.",
                "A message to {to}: {text}",
                "Text {to}: {text}",
                "Inform {to}: {text}",
            ),
            held_out=("Send the message {text} to {to}.", "Message {to}: {text}"),
        ),
    ),
    Tool(
        name="compute_date_range",
        about="The first and last day of the past days, weeks or months.",
        arguments={
            "count": whole("how many", lambda rng: rng.randint(2, 12)),
            "unit": Argument(draw=lambda rng: rng.choice(UNITS), about="the unit of time", enum=UNITS),
        },
        wordings=Wordings(
            train=(
                "What happened in the last {count} {unit}s?",
                "Show the last {count} {unit}s.",
                "The past {count} {unit}s",
                "From {count} {unit}s ago until today",
                "The trend of the last {count} {unit}s",
                "Give me the past {count} {unit}s.",
                "Tell me about the last {count} {unit}s.",
                "What was new in the last {count} {unit}s?",
                "How were the past {count} {unit}s?",
                "Compute the last {count} {unit}s.",
                "What did we do in the last {count} {unit}s?",
            ),
            held_out=("Give me the last {count} {unit}s.", "What happened in the past {count} {unit}s?"),
        ),
    ),
)
# What an invented tool may take, and how a request says it.
PHRASES: dict[str, tuple[str, Argument]] = {
    "name": ("for {name}", text(draw=words.name)),
    "city": ("in {city}", text(draw=words.city)),
    "day": ("on {day}", text(draw=lambda rng: rng.choice(words.WEEKDAYS))),
    "owner": ("of {owner}", text(draw=words.name)),
    "topic": ("about {topic}", text(draw=words.thing)),
    "count": ("{count} times", whole(draw=lambda rng: rng.randint(2, 99))),
    "target": ("to {target}", text(draw=words.word)),
    "source": ("from {source}", text(draw=words.word)),
    "year": ("since {year}", whole(draw=lambda rng: rng.randint(1900, 2030))),
}


def invented(rng: Random) -> Tool:
    """A tool that nobody has seen: a verb, an object and one to three arguments, to be chosen by its words."""
    verb, thing = rng.choice(VERBS), rng.choice(OBJECTS)
    taken = rng.sample(list(PHRASES), rng.choice([1, 1, 2, 2, 3]))
    said = " ".join(PHRASES[key][0] for key in taken)
    start = f"{verb} the {thing} {said}"
    return Tool(
        name=f"{verb}_{thing}",
        about=f"{verb.capitalize()} the {thing}." if rng.random() < 0.8 else "",
        arguments={key: PHRASES[key][1] for key in sorted(taken, key=lambda _: rng.random())},
        wordings=Wordings(
            train=(
                f"{start.capitalize()}.",
                f"{start.capitalize()}",
                f"I need you to {start}.",
                f"It is time to {start}.",
                f"Go and {start}.",
                f"Next, {start}.",
                f"We must {start}.",
                f"Help me to {start}.",
                f"I want to {start}.",
                f"Your task is to {start}.",
                f"Somebody should {start}.",
                f"{start.capitalize()}, if you can.",
            ),
            held_out=(f"Let us {start}.", f"I have to {start}."),
        ),
    )
