"""byzer-tiny on the engines of others: vLLM and llama.cpp take the same folder and say the same words.

Each engine answers in a process of its own: both bring libraries that would stay loaded for all later tests.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
from pydantic import BaseModel

from byzer_nb.backends.byzer_tiny import WEIGHTS
from byzer_nb.backends.checkpoint import Checkpoint
from byzer_nb.backends.gguf import write_gguf
from byzer_nb.engines import build
from byzer_nb.train.tiny.corpus import examples
from byzer_nb.train.tiny.example import Example
from byzer_nb.types import ChatOptions, ChatRequest, DeploySpec, Message

pytestmark = pytest.mark.engines

COUNT = 200
LONGEST = 96  # tokens of an answer
HERE = Path(__file__).parent
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class Asked(BaseModel):
    """What an engine is to answer: a conversation, and the tools it may call."""

    messages: list[dict[str, str]]
    tools: list[dict[str, object]] = []


@pytest.fixture(scope="module")
def asked() -> list[Asked]:
    """Two hundred conversations of the corpus, of every task, in its own wordings and in others."""
    known = islice((example for example in examples("engines") if is_plain(example)), COUNT // 2)
    other = islice((example for example in examples("engines", unseen=True) if is_plain(example)), COUNT // 2)
    return [
        Asked(messages=[{"role": turn.role, "content": turn.text} for turn in example.turns])
        for example in (*known, *other)
    ]


def is_plain(example: Example) -> bool:
    """Whether a conversation alone asks for it."""
    return not example.begun and not example.tools


@pytest.fixture(scope="module")
def on_numpy(asked: list[Asked]) -> list[str]:
    """Our answers, with the engine of the base install."""
    return asyncio.run(ours("byzer-tiny", asked))


async def ours(engine: str, asked: list[Asked]) -> list[str]:
    """The greedy answers of one of our engines."""
    built = build(DeploySpec(name="m", engine=engine, model_path=str(WEIGHTS)))
    options = ChatOptions(max_tokens=LONGEST)
    texts = []
    for each in asked:
        request = ChatRequest(
            messages=tuple(Message(role=turn["role"], content=turn["content"]) for turn in each.messages),  # type: ignore[arg-type]  # one of the roles
            options=options,
        )
        texts.append("".join([delta.text async for delta in built.chat(request)]))
    await built.close()
    return texts


def theirs(engine: str, model: Path, asked: list[Asked], folder: Path) -> list[str]:
    """The greedy answers of somebody else's engine, in a process of its own."""
    (folder / "asked.json").write_text(json.dumps([each.model_dump() for each in asked]), encoding="utf-8")
    command = [sys.executable, str(HERE / f"asking_{engine}.py"), str(model), str(folder), str(LONGEST)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    answers: list[str] = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
    return answers


def assert_same(answers: list[str], expected: list[str]) -> None:
    """At least 99 of 100 are equal: floating-point sums differ in order, so a near tie may fall either way."""
    different = [(one, other) for one, other in zip(answers, expected, strict=True) if one != other]
    assert len(different) <= len(expected) // 100, different[:3]


async def test_transformers_says_the_same(asked: list[Asked], on_numpy: list[str]) -> None:
    assert_same(await ours("transformers", asked), on_numpy)


def test_vllm_says_the_same(asked: list[Asked], on_numpy: list[str], tmp_path: Path) -> None:
    assert_same(theirs("vllm", WEIGHTS, asked, tmp_path), on_numpy)


def test_llama_cpp_says_the_same(asked: list[Asked], on_numpy: list[str], tmp_path: Path) -> None:
    file = write_gguf(Checkpoint(WEIGHTS), tmp_path / "byzer-tiny.gguf")
    assert_same(theirs("llama_cpp", file, asked, tmp_path), on_numpy)


@pytest.mark.parametrize("engine", ["vllm", "llama_cpp"])
def test_a_tool_reaches_the_model_through_its_chat_template(engine: str, tmp_path: Path) -> None:
    model = WEIGHTS if engine == "vllm" else write_gguf(Checkpoint(WEIGHTS), tmp_path / "byzer-tiny.gguf")
    asked = Asked(messages=[{"role": "user", "content": "What is the weather in Oslo?"}], tools=[WEATHER])
    (answer,) = theirs(engine, model, [asked], tmp_path)
    assert json.loads(answer) == {"name": "get_weather", "arguments": {"city": "Oslo"}}
