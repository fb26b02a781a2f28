"""What it costs to hold an answer to a JSON schema: tokens a second with a schema beside those without one.

Both write at the same length and take turns in one run, on one core, on the numpy engine and, where it is installed, on
transformers. The first answer to a schema is measured apart, because the grammar is made for it. Ends with 1 when a
promise is missed.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that the file runs by its path

from byzer_nb.backends.byzer_tiny import WEIGHTS
from byzer_nb.backends.local_engine import LocalEngine
from byzer_nb.engines import build
from byzer_nb.types import AnswerSchema, ChatOptions, ChatRequest, DeploySpec, Message

ASKED = "Tell me a long story about a brave robot."
TOKENS = 200
ROUNDS = 7
SHARE_AT_LEAST = 0.7  # of the tokens a second without a schema

TEXT = {"type": "string"}
PERSON = {
    "type": "object",
    "properties": {
        "name": TEXT,
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "mail": {"type": "string", "pattern": "^[a-z]+@[a-z]+\\.com$"},
        "colour": {"enum": ["red", "green", "blue", None]},
        "friends": {"type": "array", "items": {"$ref": "#/$defs/Person"}},
    },
    "required": ["name", "age", "mail", "colour", "friends"],
}
# The model never finds an end to any of these by itself, so that it is led to one each time.
SHAPES: dict[str, dict[str, Any]] = {
    "texts under any names": {"type": "object", "additionalProperties": TEXT},
    "a list of numbers": {"type": "array", "items": {"type": "integer"}},
    "people who have friends": {
        "type": "array",
        "items": {"$ref": "#/$defs/Person"},
        "minItems": 4,
        "$defs": {"Person": PERSON},
    },
}


def main() -> int:
    """Measure, print, judge."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    console = Console()
    table = Table(box=None, pad_edge=False)
    for heading in ("", f"{TOKENS} tokens, one core", "beside no schema", "first answer begins after"):
        table.add_column(heading, justify="right" if heading else "left")
    least: dict[str, float] = {}
    for name in ("numpy", *(["transformers"] if importlib.util.find_spec("transformers") else [])):
        rates, beginnings = measured(name)
        free = rates.pop("no schema")
        table.add_row(f"{name}, no schema", f"{free:,.0f} tokens/s", "1.00x", "")
        for shape, rate in rates.items():
            table.add_row(
                f"{name}, {shape}", f"{rate:,.0f} tokens/s", f"{rate / free:.2f}x", f"{beginnings[shape] * 1000:.0f} ms"
            )
        least[name] = min(rates.values()) / free
    console.print(table)
    console.print(f"[dim]medians of {ROUNDS} rounds in turn[/]\n")
    for name, share in least.items():
        holds = share >= SHARE_AT_LEAST
        console.print(
            f"{'[green]held[/]  ' if holds else '[red]missed[/]'} {share:.2f} of the tokens a second has the slowest "
            f"schema on {name} (at least {SHARE_AT_LEAST})"
        )
    return 0 if all(share >= SHARE_AT_LEAST for share in least.values()) else 1


def measured(name: str) -> tuple[dict[str, float], dict[str, float]]:
    """Tokens a second of every shape, and the seconds to the first token of its first answer."""
    if name == "transformers":
        import torch

        torch.set_num_threads(1)
    engine = build(DeploySpec(name="byzer-tiny", engine=name, model_path=str(WEIGHTS)))
    assert isinstance(engine, LocalEngine)
    ways: dict[str, AnswerSchema | None] = {
        "no schema": None,
        **{shape: AnswerSchema(schema=schema) for shape, schema in SHAPES.items()},
    }
    beginnings: dict[str, float] = {}
    rates: dict[str, list[float]] = {shape: [] for shape in ways}
    for _ in range(1 + ROUNDS):
        for shape, schema in ways.items():
            tokens, first, seconds = asyncio.run(written(engine, schema))
            beginnings.setdefault(shape, first)
            rates[shape].append(tokens / seconds)
    asyncio.run(engine.close())
    return {shape: median(found[1:]) for shape, found in rates.items()}, beginnings


async def written(engine: LocalEngine, schema: AnswerSchema | None) -> tuple[int, float, float]:
    """One answer: its tokens, the seconds to the first and to the last of them."""
    request = ChatRequest(
        messages=(Message(role="user", content=ASKED),), options=ChatOptions(max_tokens=TOKENS), schema=schema
    )
    started = time.perf_counter()
    first = 0.0
    usage = None
    async for delta in engine.chat(request):
        first = first or time.perf_counter() - started
        usage = delta.usage
    assert usage is not None
    return usage.output_tokens, first, time.perf_counter() - started


if __name__ == "__main__":
    raise SystemExit(main())
