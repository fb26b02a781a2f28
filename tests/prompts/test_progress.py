"""A question that is watched: every step in its order, and the same answer as without anybody looking."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from byzer_nb import ScriptedEngine
from byzer_nb.client import AsyncClient, LocalTransport
from byzer_nb.errors import AnswerError, ModelCallError
from byzer_nb.prompts.ask import Question
from byzer_nb.prompts.ladder import ShapeError
from byzer_nb.prompts.progress import Asked, Decision, Progress, Step
from byzer_nb.prompts.shape import Shape
from byzer_nb.prompts.template import Template
from byzer_nb.prompts.tool_loop import Made
from byzer_nb.providers.scripted import Script
from byzer_nb.types import Capabilities, ChatRequest, Delta, Reply, ToolCall

WAIT = 0.3
CALL = json.dumps({"tool_calls": [{"function": {"name": "double", "arguments": {"number": 4}}}]})


def double(number: int) -> int:
    """Twice a number."""
    return 2 * number


async def asked(
    engine: ScriptedEngine, *, as_type: Any = str, **more: Any
) -> tuple[Progress, AsyncGenerator[Step, None]]:
    transport = LocalTransport()
    await transport.add("chat", engine)
    question = Question(template=Template("Well?", owner="test"), variables={}, shape=Shape(as_type), model="chat")
    progress = Progress(question, turns=question.turns(), client=AsyncClient(transport), **more)
    return progress, progress.steps(every=0.01)


def in_words(script: Script, **pace: float) -> ScriptedEngine:
    return ScriptedEngine(script, capabilities=Capabilities(), **pace)


async def gone_through(steps: AsyncGenerator[Step, None], seen: list[Step] | None = None) -> None:
    """Read all steps, into a list that has those before an error too."""
    async for step in steps:
        if seen is not None:
            seen.append(step)


def kinds(steps: list[Step]) -> list[str]:
    """The steps by name; texts one after the other count once."""
    names = [type(step).__name__ for step in steps]
    return [name for place, name in enumerate(names) if names[place - 1 : place] != [name]]


@pytest.mark.contract("NB-05")
async def test_text_comes_piece_by_piece_and_last_the_whole() -> None:
    progress, steps = await asked(in_words("one two three four five", token_delay=0.03))
    seen = [step async for step in steps]
    texts = [step.text for step in seen if isinstance(step, Reply)]
    assert isinstance(seen[0], Asked)
    assert len(texts) > 2
    assert all("one two three four five".startswith(text) for text in texts)
    assert texts[-1] == "one two three four five"
    assert progress.shaped is not None
    assert progress.shaped.value == "one two three four five"


@pytest.mark.contract("NB-05", "STRUCT-03")
async def test_calls_and_results_stand_between_the_turns() -> None:
    progress, steps = await asked(in_words([CALL, "Eight."]), tools=[double])
    seen = [step async for step in steps]
    assert kinds(seen) == ["Asked", "ToolCall", "Made", "Asked", "Reply"]
    [made] = [step for step in seen if isinstance(step, Made)]
    assert made.value == 8
    assert made.call is next(step for step in seen if isinstance(step, ToolCall))  # so that it can be found again
    assert progress.reply().text == "Eight."


@pytest.mark.contract("NB-05", "STRUCT-07")
async def test_an_answer_that_does_not_fit_stands_between_the_tries() -> None:
    progress, steps = await asked(in_words(["four", '{"value": 4}']), as_type=int)
    seen = [step async for step in steps]
    assert kinds(seen) == ["Asked", "Reply", "AnswerError", "Asked", "Reply"]
    assert [step.answer for step in seen if isinstance(step, AnswerError)] == ["four"]
    assert progress.shaped is not None
    assert (progress.shaped.value, progress.shaped.tries) == (4, 2)


async def test_the_last_answer_that_does_not_fit_is_the_error_and_no_step() -> None:
    _, steps = await asked(in_words("four"), as_type=int, tries=2)
    seen: list[Step] = []
    with pytest.raises(ShapeError):
        await gone_through(steps, seen)
    assert sum(isinstance(step, AnswerError) for step in seen) == 1


@pytest.mark.contract("NB-05")
async def test_a_call_waits_for_a_word_from_any_thread() -> None:
    def seldom(decision: Decision) -> None:
        decision.decide(False)
        decision.decide(True)  # too late

    _, steps = await asked(in_words([CALL, "Then not."]), tools=[double], needs_word=True)
    made: list[Made] = []
    async for step in steps:
        if isinstance(step, Decision):
            assert made == []
            await asyncio.to_thread(seldom, step)
        elif isinstance(step, Made):
            made.append(step)
    assert made[0].error
    assert made[0].value is None


async def test_a_word_may_be_a_promise() -> None:
    async def later() -> bool:
        await asyncio.sleep(0)
        return True

    _, steps = await asked(in_words([CALL, "Eight."]), tools=[double], needs_word=True)
    made = []
    async for step in steps:
        if isinstance(step, Decision):
            step.decide(later())
        elif isinstance(step, Made):
            made.append(step.value)
    assert made == [8]


async def test_a_turn_that_may_be_a_call_is_no_text_until_it_is_known_to_be_none() -> None:
    progress, steps = await asked(in_words([CALL, '{"a": 1}'], token_delay=0.02), tools=[double])
    seen = [step async for step in steps]
    assert [step.text for step in seen if isinstance(step, Reply)][-1] == '{"a": 1}'
    assert not any("tool_calls" in step.text for step in seen if isinstance(step, Reply))
    assert progress.reply().text == '{"a": 1}'


@pytest.mark.contract("NB-05")
async def test_tokens_and_seconds_are_those_of_all_turns_and_not_of_who_decides() -> None:
    one, steps = await asked(in_words("Eight."))
    await gone_through(steps)
    started = time.perf_counter()
    both, steps = await asked(in_words([CALL, "Eight."], delay=0.05), tools=[double], needs_word=True)
    async for step in steps:
        if isinstance(step, Decision):
            await asyncio.sleep(WAIT)
            step.decide(True)
    assert both.reply().usage.output_tokens > 2 * one.reply().usage.output_tokens
    assert 0.1 <= both.reply().seconds <= time.perf_counter() - started - WAIT


@pytest.mark.contract("NB-05")
async def test_leaving_early_stops_the_model_and_keeps_what_came() -> None:
    engine = in_words("word " * 1000, token_delay=0.005)
    progress, steps = await asked(engine)
    async for step in steps:
        if isinstance(step, Reply) and len(step.text) > 20:
            break
    await steps.aclose()
    assert engine.running == 0
    assert progress.reply().text.startswith("word word")
    assert progress.reply().finish_reason == "cancelled"
    assert progress.shaped is None


async def test_a_failure_is_raised_after_what_came_before_it() -> None:
    progress, steps = await asked(in_words([["Once ", "upon ", ModelCallError("It broke.")]]))
    seen: list[Step] = []
    with pytest.raises(ModelCallError, match="It broke"):
        await gone_through(steps, seen)
    assert kinds(seen) == ["Asked", "Reply"]
    assert progress.reply().text == "Once upon "


async def test_a_model_that_cannot_stream_answers_all_the_same() -> None:
    engine = ScriptedEngine("Whole.", capabilities=Capabilities(stream=False))
    progress, steps = await asked(engine)
    assert kinds([step async for step in steps]) == ["Asked", "Reply"]
    assert progress.reply().text == "Whole."
    assert progress.reply().usage.output_tokens > 0


async def test_a_way_that_the_host_refuses_is_a_turn_that_came_to_nothing() -> None:
    def answer(request: ChatRequest) -> Any:
        return ModelCallError("no schema", status=400) if request.schema is not None else '{"value": 4}'

    progress, steps = await asked(ScriptedEngine(answer, capabilities=Capabilities(schema=True)), as_type=int)
    assert kinds([step async for step in steps]) == ["Asked", "Reply"]
    assert progress.shaped is not None
    assert progress.shaped.rung == "words"


async def test_thoughts_are_seen_even_before_a_call() -> None:
    class Thinker(ScriptedEngine):
        async def chat(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
            yield Delta(reasoning="Twice four?")
            await asyncio.sleep(0.05)
            async for delta in super().chat(request):
                yield delta

    _, steps = await asked(Thinker([CALL, "Eight."], capabilities=Capabilities()), tools=[double])
    seen = [step async for step in steps]
    assert next(step.reasoning for step in seen if isinstance(step, Reply)) == "Twice four?"
