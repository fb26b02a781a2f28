"""What a call costs through our engines beside each vendor's own SDK, against an upstream that does not think.

An engine and an SDK take turns in one run, so that what else the machine does falls on both alike. The SDKs are asked
in the cheapest way that they have: synchronous, and raw events of a stream. Ends with 1 when a threshold is missed.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that the file runs by its path

from benchmarks.prompt_overhead import CALLS, expect, taking_turns, upstream
from benchmarks.upstream import TOKENS
from byzer_nb.engines import build
from byzer_nb.types import ChatOptions, ChatRequest, DeploySpec, Message

AT_MOST = 0.6

MODEL = "bench"
BEDROCK_MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
KEY = "no-key-needed"
QUESTION = "How much does a call cost?"
LIMIT = 512
MESSAGES: Any = [{"role": "user", "content": QUESTION}]


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way to ask a vendor: for a whole answer, and for a stream."""

    name: str
    unary: Callable[[], str]
    stream: Callable[[], str]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A vendor's SDK, the package that must be there for it, and the engine that does the same."""

    package: str
    sdk: Callable[[str], Way]
    engine: str
    settings: Callable[[str], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Medians in seconds."""

    sdk: float
    ours: float

    @property
    def ratio(self) -> float:
        """Ours as a part of the SDK's."""
        return self.ours / self.sdk

    def __str__(self) -> str:
        return f"{self.sdk * 1000:.2f} -> {self.ours * 1000:.2f} ms ({self.ratio:.2f}x)"


@dataclass(frozen=True, kw_only=True)
class Result:
    """What was measured of one vendor."""

    engine: str
    sdk: str
    unary: Compared
    stream: Compared


def openai_sdk(origin: str) -> Way:
    """OpenAI's package."""
    import openai

    client = openai.OpenAI(base_url=f"{origin}/v1", api_key=KEY)
    asked: dict[str, Any] = {"model": MODEL, "messages": MESSAGES, "max_tokens": LIMIT}

    def stream() -> str:
        return "".join(
            chunk.choices[0].delta.content or "" for chunk in client.chat.completions.create(**asked, stream=True)
        )

    return Way(
        name=f"openai {openai.__version__}",
        unary=lambda: client.chat.completions.create(**asked).choices[0].message.content,
        stream=stream,
    )


def anthropic_sdk(origin: str) -> Way:
    """Anthropic's package."""
    import anthropic

    client = anthropic.Anthropic(base_url=origin, api_key=KEY)
    asked: dict[str, Any] = {"model": MODEL, "messages": MESSAGES, "max_tokens": LIMIT}

    def stream() -> str:
        events = client.messages.create(**asked, stream=True)
        return "".join(event.delta.text for event in events if event.type == "content_block_delta")

    return Way(
        name=f"anthropic {anthropic.__version__}",
        unary=lambda: client.messages.create(**asked).content[0].text,
        stream=stream,
    )


def google_sdk(origin: str) -> Way:
    """Google's package."""
    from google import genai
    from google.genai import types

    client = genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=origin))
    asked: dict[str, Any] = {
        "model": MODEL,
        "contents": QUESTION,
        "config": types.GenerateContentConfig(max_output_tokens=LIMIT),
    }

    def stream() -> str:
        return "".join(chunk.text or "" for chunk in client.models.generate_content_stream(**asked))

    return Way(
        name=f"google-genai {genai.__version__}",
        unary=lambda: client.models.generate_content(**asked).text or "",
        stream=stream,
    )


def amazon_sdk(origin: str) -> Way:
    """Amazon's package, which leaves the model's own JSON to whoever asks."""
    import boto3

    client = boto3.client(
        "bedrock-runtime",
        region_name="us-west-2",
        endpoint_url=origin,
        aws_access_key_id=KEY,
        aws_secret_access_key=KEY,
    )
    turns = [{"role": "user", "content": [{"type": "text", "text": QUESTION}]}]
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": LIMIT, "messages": turns}

    def unary() -> str:
        answer = client.invoke_model(modelId=BEDROCK_MODEL, body=json.dumps(body), contentType="application/json")
        return str(json.loads(answer["body"].read())["content"][0]["text"])

    def stream() -> str:
        answer = client.invoke_model_with_response_stream(
            modelId=BEDROCK_MODEL, body=json.dumps(body), contentType="application/json"
        )
        events = [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]
        return "".join(event["delta"]["text"] for event in events if event["type"] == "content_block_delta")

    return Way(name=f"boto3 {boto3.__version__}", unary=unary, stream=stream)


def _key(origin: str) -> dict[str, Any]:
    return {"base_url": origin, "api_key": KEY, "model": MODEL}


def _aws_keys(origin: str) -> dict[str, Any]:
    keys = {"aws_access_key": KEY, "aws_secret_key": KEY, "region_name": "us-west-2"}
    return {**keys, "base_url": origin, "model": BEDROCK_MODEL}


PAIRS = (
    Pair(package="openai", sdk=openai_sdk, engine="saas/openai", settings=_key),
    Pair(package="anthropic", sdk=anthropic_sdk, engine="saas/claude", settings=_key),
    Pair(package="google.genai", sdk=google_sdk, engine="saas/gemini", settings=_key),
    Pair(package="boto3", sdk=amazon_sdk, engine="saas/aws_bedrock", settings=_aws_keys),
)


@contextmanager
def engine(pair: Pair, origin: str) -> Iterator[Way]:
    """Our engine on a loop of its own, built as `load` builds it."""
    ours = build(DeploySpec(name=MODEL, engine=pair.engine, settings=pair.settings(origin)))
    turns = (Message(role="user", content=QUESTION),)

    async def said(*, stream: bool) -> str:
        request = ChatRequest(messages=turns, options=ChatOptions(max_tokens=LIMIT), stream=stream)
        return "".join([delta.text async for delta in ours.chat(request)])

    with asyncio.Runner() as runner:
        wait = runner.get_loop().run_until_complete  # the runner's own sets a signal handler for every call
        yield Way(
            name=pair.engine,
            unary=lambda: wait(said(stream=False)),
            stream=lambda: wait(said(stream=True)),
        )
        wait(ours.close())


def main() -> int:
    """Measure, print, judge."""
    console = Console()
    if missing := [pair.package for pair in PAIRS if not is_installed(pair.package)]:
        console.print(f'Not installed: {", ".join(missing)}. Run: pip install "byzer_nb\\[bench]"')
        return 1
    with upstream("vendors_upstream.py") as origin:
        results = [measured(pair, origin) for pair in PAIRS]
    show(console, results)
    return 0 if judge(console, results) else 1


def is_installed(package: str) -> bool:
    """Whether a package is there; one inside a package that is not there is not either."""
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def measured(pair: Pair, origin: str) -> Result:
    """A whole answer and a stream, each asked of both sides in turns."""
    theirs = pair.sdk(origin)
    with engine(pair, origin) as ours:
        unary = taking_turns([lambda: expect(theirs.unary()), lambda: expect(ours.unary())])
        stream = taking_turns([lambda: expect(theirs.stream()), lambda: expect(ours.stream())])
    return Result(
        engine=ours.name,
        sdk=theirs.name,
        unary=Compared(sdk=unary[0], ours=unary[1]),
        stream=Compared(sdk=stream[0], ours=stream[1]),
    )


def show(console: Console, results: list[Result]) -> None:
    """One line a vendor."""
    table = Table(box=None, pad_edge=False)
    for heading in ("", "one answer", f"{len(TOKENS)}-token stream"):
        table.add_column(heading, no_wrap=True)
    for one in results:
        table.add_row(one.engine, str(one.unary), str(one.stream))
    console.print(table)
    console.print(f"[dim]medians of {CALLS} calls: the SDK's time, then ours[/]")
    console.print(f"[dim]beside {', '.join(one.sdk for one in results)}[/]\n")


def judge(console: Console, results: list[Result]) -> bool:
    """Whether every engine holds what is promised of it."""
    kept = [(one, ratio, what) for one in results for ratio, what in ratios(one)]
    for one, ratio, what in kept:
        word = "[green]held[/]  " if ratio <= AT_MOST else "[red]missed[/]"
        console.print(f"{word} {ratio:5.2f} of the SDK's time for {what}: {one.engine} (at most {AT_MOST:g})")
    return all(ratio <= AT_MOST for _, ratio, _ in kept)


def ratios(one: Result) -> tuple[tuple[float, str], tuple[float, str]]:
    """What is judged of a vendor, and what it is."""
    return (one.unary.ratio, "one answer"), (one.stream.ratio, "a stream")


if __name__ == "__main__":
    raise SystemExit(main())
