"""Objects out of dirty answers, beside instructor and magentic: how many come right, with how many calls, and the cost.

All are asked for the same pydantic classes in one run, against one upstream that does not think: it writes the replies
of `tests/golden/dirty_replies` one after the other, and the same value as clean JSON when it is asked again. Each may
try three times. A second run has clean replies only, so that it shows what each library costs by itself. Ends with 1
when ours is not ahead.

What was chosen for the others, and why:

- instructor in its mode MD_JSON, which is for models without tools: the schema goes into the prompt, and the last JSON
  is cut out of the prose. Its mode JSON stands beside it, for it is the cheaper one where a host takes it.
- magentic has no such mode: it asks for objects by a tool alone. So the upstream knows tools for it, and gives it the
  same words as the arguments of that tool. Prose and fences are rarer there in real life.
- Both count retries and not tries, so they get one less. Functions and clients are made once, as their documentation
  has it.

The corpus is ours, and our reader was made with it in view. What it says of the others is what they do with such
replies, no more. CPU time is that of all threads of this process, the fairest one where other programs run.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that the file runs by its path

from benchmarks.prompt_overhead import upstream
from benchmarks.shapes_corpus import CASES, class_of
from byzer_nb import ask, load
from byzer_nb.errors import AnswerError
from tests.prompts.reply_corpus import DirtyReply

KEY = "no-key-needed"
TRIES = 3
ROUNDS = 3
CLEAN_CALLS = 300
WARM_UP = 30

Asked = Callable[[str, type[BaseModel]], Any]  # a question and a class to a value; Any: of that class


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """A library, the model by which the upstream knows it, and what it raises where it gets no value."""

    name: str
    model: str
    ask: Asked
    failures: tuple[type[Exception], ...]


@dataclass(kw_only=True)
class Measured:
    """What one contestant did; times in seconds."""

    at_once: int = 0
    right: int = 0
    calls: int = 0
    dirty: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)


def main() -> int:
    """Measure, print, judge."""
    console = Console()
    with upstream("shapes_upstream.py") as origin:
        asked = contestants(f"{origin}/v1", console)
        results = {one.name: Measured() for one in asked}
        for one in asked:
            clean(one, 999, results[one.name], is_warm=False)  # ours learns here that there are no tools
        calls_made(origin)
        for number in range(ROUNDS):
            for place, case in enumerate(CASES):
                for one in asked:
                    dirty(one, f"dirty-{place}-{number}", case, results[one.name], origin)
        for number in range(WARM_UP + CLEAN_CALLS):
            for one in asked:
                clean(one, number, results[one.name], is_warm=number >= WARM_UP)
    show(console, results)
    return 0 if judge(console, results) else 1


def contestants(address: str, console: Console) -> list[Contestant]:
    """Ours first, then whoever else is installed; who is not is named."""
    found = [ours(address)]
    for name, make in (("instructor", with_instructor), ("magentic", with_magentic)):
        if importlib.util.find_spec(name) is None:
            console.print(f"[yellow]{name} is not installed here, so it is left out.[/]")
        else:
            found += make(address)
    return found


def ours(address: str) -> Contestant:
    """`ask` over `saas/openai`."""
    load("ours", "saas/openai", base_url=address, api_key=KEY, model="ours")

    def asked(question: str, cls: type[BaseModel]) -> Any:
        return ask("{{ question }}", model="ours", variables={"question": question}, as_type=cls, tries=TRIES)

    return Contestant(name="byzer_nb ask", model="ours", ask=asked, failures=(AnswerError,))


def with_instructor(address: str) -> list[Contestant]:
    """`create` with a response model, in two modes."""
    import instructor
    import openai
    from instructor.core import InstructorRetryException

    def one(mode: instructor.Mode) -> Contestant:
        name = f"instructor-{mode.name.lower()}"
        client = instructor.from_openai(openai.OpenAI(base_url=address, api_key=KEY), mode=mode)

        def asked(question: str, cls: type[BaseModel]) -> Any:
            return client.chat.completions.create(
                model=name,
                messages=[{"role": "user", "content": question}],
                response_model=cls,
                max_retries=TRIES - 1,
            )

        version = importlib.metadata.version("instructor")
        shown = f"instructor {version}, {mode.name}"
        return Contestant(name=shown, model=name, ask=asked, failures=(InstructorRetryException,))

    return [one(instructor.Mode.MD_JSON), one(instructor.Mode.JSON)]


def with_magentic(address: str) -> list[Contestant]:
    """A prompt function with a class as its return type."""
    from magentic import OpenaiChatModel, prompt
    from magentic.chat_model.base import StringNotAllowedError, ToolSchemaParseError

    model = OpenaiChatModel("tools-magentic", api_key=KEY, base_url=address)

    @cache
    def function(cls: type[BaseModel]) -> Any:
        def asked(question: str) -> Any: ...

        asked.__annotations__["return"] = cls
        return prompt("{question}", model=model, max_retries=TRIES - 1)(asked)

    return [
        Contestant(
            name=f"magentic {importlib.metadata.version('magentic')}",
            model="tools-magentic",
            ask=lambda question, cls: function(cls)(question),
            failures=(ToolSchemaParseError, StringNotAllowedError),
        )
    ]


def dirty(one: Contestant, name: str, case: DirtyReply, measured: Measured, origin: str) -> None:
    """One dirty reply: whether the value came out, and what it took."""
    cls = class_of(case)
    assert cls is not None
    meant = cls.model_validate_json(case.value)
    started = time.process_time()
    try:
        found = one.ask(f"What does {name} say?", cls)
    except one.failures:
        found = None
    measured.dirty.append(time.process_time() - started)
    calls = calls_made(origin)[one.model]
    measured.calls += calls
    is_right = is_same(found, meant)
    measured.right += is_right
    measured.at_once += is_right and calls == 1


def clean(one: Contestant, number: int, measured: Measured, *, is_warm: bool) -> None:
    """One clean reply."""
    cls = class_of(CASES[0])
    assert cls is not None
    wall, cpu = time.perf_counter(), time.process_time()
    found = one.ask(f"What does clean-0-{number:03} say?", cls)
    took = time.process_time() - cpu, time.perf_counter() - wall
    if not is_same(found, cls.model_validate_json(CASES[0].value)):
        raise SystemExit(f"{one.name} gave a wrong value for a clean reply: {found!r}")
    if is_warm:
        measured.cpu.append(took[0])
        measured.wall.append(took[1])


def is_same(found: Any, meant: BaseModel) -> bool:
    """Whether all fields are the same; as text, for NaN equals nothing, and instructor adds to its objects."""
    return isinstance(found, type(meant)) and repr(found.model_dump()) == repr(meant.model_dump())


def calls_made(origin: str) -> dict[str, int]:
    """How often each model was asked since this was last called."""
    with urllib.request.urlopen(f"{origin}/calls", data=b"{}") as answer:
        counts: dict[str, int] = json.load(answer)
    return counts


def show(console: Console, results: dict[str, Measured]) -> None:
    """One line a contestant, with the ratio of its times to ours."""
    base = next(iter(results.values()))
    table = Table(box=None, pad_edge=False)
    headings = ("", "right at once", "in the end", "calls", "CPU, dirty", "CPU, clean", "time, clean")
    for heading in headings:
        table.add_column(heading, justify="right" if heading else "left", no_wrap=bool(heading))
    for name, one in results.items():
        total = ROUNDS * len(CASES)
        times = (median(one.dirty), median(base.dirty)), (median(one.cpu), median(base.cpu))
        times = (*times, (median(one.wall), median(base.wall)))
        table.add_row(
            name,
            f"{one.at_once / total:.1%}",
            f"{one.right / total:.1%}",
            f"{one.calls / total:.2f}",
            *(f"{own * 1e6:,.0f} µs ({own / first:.1f}x)" for own, first in times),
        )
    console.print(table)
    console.print(
        f"[dim]{len(CASES)} dirty replies in {ROUNDS} rounds, at most {TRIES} tries each, then {CLEAN_CALLS} clean "
        "ones in turn; times are medians[/]\n"
    )


def judge(console: Console, results: dict[str, Measured]) -> bool:
    """Whether ours is ahead of everybody in each of the three."""
    mine, *others = results.values()
    if not others:
        return True
    kept = [
        ("more values come right at once", all(mine.at_once > one.at_once for one in others)),
        ("fewer come wrong in the end, or as few", all(mine.right >= one.right for one in others)),
        ("fewer calls are made", all(mine.calls < one.calls for one in others)),
        ("a dirty reply costs less CPU", all(median(mine.dirty) < median(one.dirty) for one in others)),
        ("a clean reply costs less CPU", all(median(mine.cpu) < median(one.cpu) for one in others)),
    ]
    for what, holds in kept:
        console.print(f"{'[green]held[/]  ' if holds else '[red]missed[/]'} {what} than with any of the others")
    return all(holds for _, holds in kept)


if __name__ == "__main__":
    raise SystemExit(main())
