"""How quick byzer-tiny is on the base install, beside transformers and, where it is installed, llama.cpp.

Everybody gets one core and the same words to write, and all take turns in one run. Ends with 1 when a promise is
missed.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that the file runs by its path

from byzer_nb import AsyncClient, Client, load
from byzer_nb.backends.byzer_tiny import WEIGHTS
from byzer_nb.types import ChatOptions

ASKED = "Tell me a long story about a brave robot."
TOKENS = 200
OPTIONS = ChatOptions(max_tokens=TOKENS)
ROUNDS = 7
KERNELS = 7
AT_ONCE = 8

FIRST_TOKEN_AT_MOST = 1.0  # seconds, on a fresh kernel
RATE_AT_LEAST = 300.0  # tokens a second
FAIR_AT_LEAST = 0.8  # the words of the slowest, when the quickest is done

FRESH = f"""
import time
started = time.perf_counter()
import byzer_nb
for delta in byzer_nb.Client(model="byzer-tiny").stream({ASKED!r}):
    break
print(time.perf_counter() - started)
import sys
assert "torch" not in sys.modules
"""


def main() -> int:
    """Measure, print, judge."""
    console = Console()
    first = median(fresh_kernel() for _ in range(KERNELS))
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    load("byzer-tiny", "byzer-tiny")
    rates = taking_turns(contestants())
    fairness = asyncio.run(together())
    table = Table(box=None, pad_edge=False)
    for heading in ("", f"stream of {TOKENS} tokens, one core", "beside ours"):
        table.add_column(heading, justify="right" if heading else "left")
    ours = next(iter(rates.values()))
    for name, rate in rates.items():
        table.add_row(name, f"{rate:,.0f} tokens/s", f"{rate / ours:.2f}x")
    console.print(table)
    console.print(f"[dim]medians of {ROUNDS} rounds in turn, and of {KERNELS} fresh kernels[/]\n")
    kept = [
        (first <= FIRST_TOKEN_AT_MOST, f"{first:.2f} s from import to the first token (at most {FIRST_TOKEN_AT_MOST})"),
        (ours >= RATE_AT_LEAST, f"{ours:,.0f} tokens/s in a stream (at least {RATE_AT_LEAST:g})"),
        (
            fairness >= FAIR_AT_LEAST,
            f"{fairness:.0%} of its words had the slowest of {AT_ONCE} streams when the first was done "
            f"(at least {FAIR_AT_LEAST:.0%})",
        ),
    ]
    for holds, what in kept:
        console.print(f"{'[green]held[/]  ' if holds else '[red]missed[/]'} {what}")
    return 0 if all(holds for holds, _ in kept) else 1


def fresh_kernel() -> float:
    """Seconds from the import to the first token in a new Python."""
    done = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True)
    return float(done.stdout)


def contestants() -> dict[str, Callable[[], int]]:
    """Ways to write the same words, each a function that does it once and says how many tokens it wrote."""
    client = Client(model="byzer-tiny")
    found: dict[str, Callable[[], int]] = {"byzer_nb, numpy": lambda: streamed(client)}
    if importlib.util.find_spec("transformers"):
        found["transformers, generate()"] = with_transformers()
    if importlib.util.find_spec("llama_cpp"):
        found["llama.cpp, f16"] = with_llama_cpp()
    return found


def taking_turns(ways: dict[str, Callable[[], int]]) -> dict[str, float]:
    """Tokens a second of each: the median of some rounds in turn, after one to warm up."""
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(1 + ROUNDS):
        for name, write in ways.items():
            started = time.perf_counter()
            tokens = write()
            rates[name].append(tokens / (time.perf_counter() - started))
    return {name: median(measured[1:]) for name, measured in rates.items()}


def streamed(client: Client) -> int:
    """One answer of ours, read token by token."""
    *_, last = client.stream(ASKED, options=OPTIONS)
    assert last.usage is not None
    return last.usage.output_tokens


async def together() -> float:
    """Several streams at once: how far the slowest is when the first is done, as a share of the whole."""
    client = AsyncClient(model="byzer-tiny")
    written = [0] * AT_ONCE
    first_done = asyncio.Event()
    at_that_time: list[int] = []

    async def read(place: int) -> None:
        async for delta in client.stream(ASKED, options=OPTIONS):
            written[place] += bool(delta.text)
        if not first_done.is_set():
            first_done.set()
            at_that_time.extend(written)

    await asyncio.gather(*(read(place) for place in range(AT_ONCE)))
    return min(at_that_time) / max(written)


def with_transformers() -> Callable[[], int]:
    """The library's own loop on the same weights."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(WEIGHTS)
    model = AutoModelForCausalLM.from_pretrained(WEIGHTS, dtype=torch.float32).eval()
    asked = tokenizer.apply_chat_template(
        [{"role": "user", "content": ASKED}], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )

    def write() -> int:
        written = model.generate(**asked, max_new_tokens=TOKENS, do_sample=False)
        return int(written.shape[1] - asked["input_ids"].shape[1])

    return write


def with_llama_cpp() -> Callable[[], int]:
    """llama.cpp on the file that our converter writes."""
    from llama_cpp import Llama

    from byzer_nb.backends.checkpoint import Checkpoint
    from byzer_nb.backends.gguf import write_gguf

    with tempfile.TemporaryDirectory() as folder:
        file = write_gguf(Checkpoint(WEIGHTS), Path(folder) / "byzer-tiny.gguf")
        model = Llama(model_path=str(file), n_ctx=1024, n_threads=1, verbose=False)

    def write() -> int:
        return sum(
            1
            for _ in model.create_chat_completion(
                [{"role": "user", "content": ASKED}], max_tokens=TOKENS, temperature=0, stream=True
            )
        )

    return write


if __name__ == "__main__":
    raise SystemExit(main())
