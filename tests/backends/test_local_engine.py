"""The loop from a prompt to deltas, seen on an engine whose words the test chooses."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest

from byzer_nb.errors import BadInputError, CallTimeoutError, ModelCallError
from byzer_nb.types import Message
from tests.backends.speaking import SpeakingModel, deltas_of, question, speaking_engine, text_of


async def until_read(model: SpeakingModel, times: int) -> None:
    """Return when the model has computed that often."""
    while len(model.reads) < times:  # noqa: ASYNC110  # the model computes in a thread, which knows no asyncio events
        await asyncio.sleep(0.001)


async def test_an_answer_ends_with_its_reason_and_its_counts(tiny_llama_dir: Path) -> None:
    engine, _ = speaking_engine(tiny_llama_dir, "the cat sat")
    deltas = await deltas_of(engine, question("hello"))
    assert "".join(delta.text for delta in deltas) == "the cat sat"
    *before, last = deltas
    assert all(delta.finish_reason is None and delta.usage is None and delta.text for delta in before)
    assert last.finish_reason == "stop"
    assert last.usage is not None
    assert last.usage.input_tokens == len(engine.tokenize(engine.apply_template(question("hello").messages)))
    assert last.usage.output_tokens == len(engine.tokenize("the cat sat")) + 1, "the end token was written too"
    assert len({delta.request_id for delta in deltas}) == 1
    assert deltas[0].request_id
    await engine.close()


async def test_max_tokens_cuts_the_answer_short(tiny_llama_dir: Path) -> None:
    engine, model = speaking_engine(tiny_llama_dir, "the cat sat on the mat")
    last = (await deltas_of(engine, question(max_tokens=3)))[-1]
    assert last.finish_reason == "length"
    assert last.usage is not None
    assert last.usage.output_tokens == 3
    assert len(model.reads) == 3, "the token after the last one is not computed"
    await engine.close()


async def test_a_stop_string_across_tokens_is_never_seen(tiny_llama_dir: Path) -> None:
    engine, model = speaking_engine(tiny_llama_dir, "first line\nUser: second line")
    deltas = await deltas_of(engine, question(stop=("\nUser:",)))
    assert "".join(delta.text for delta in deltas) == "first line"
    assert not any("\n" in delta.text for delta in deltas)
    assert deltas[-1].finish_reason == "stop"
    assert len(model.reads) < len(engine.tokenize("first line\nUser: second line")), "nothing is computed after it"
    await engine.close()


async def test_what_was_held_back_for_a_stop_string_comes_at_the_end(tiny_llama_dir: Path) -> None:
    engine, _ = speaking_engine(tiny_llama_dir, "it ends with ST")
    assert await text_of(engine, question(stop=("STOP",))) == "it ends with ST"
    whole = len(engine.tokenize("it ends with ST"))
    assert await text_of(engine, question(stop=("STOP",), max_tokens=whole)) == "it ends with ST"
    await engine.close()


async def test_a_stop_token_ends_the_answer_and_is_not_shown(tiny_llama_dir: Path) -> None:
    engine, _ = speaking_engine(tiny_llama_dir, "the cat.")
    (dot,) = engine.tokenize(".")
    deltas = await deltas_of(engine, question(stop_token_ids=(dot,)))
    assert "".join(delta.text for delta in deltas) == "the cat"
    assert deltas[-1].finish_reason == "stop"
    await engine.close()


async def test_characters_of_several_tokens_come_whole(tiny_llama_dir: Path) -> None:
    engine, _ = speaking_engine(tiny_llama_dir, "一只🎉猫é")
    texts = [delta.text for delta in await deltas_of(engine, question())]
    assert "".join(texts) == "一只🎉猫é"
    assert not any("\ufffd" in text for text in texts)
    await engine.close()


@pytest.mark.contract("CHAT-08")
async def test_a_begun_answer_is_gone_on_with(tiny_llama_dir: Path) -> None:
    engine, model = speaking_engine(tiny_llama_dir, " upon a time")
    turns = (Message(role="user", content="Tell me a story."), Message(role="assistant", content="Once"))
    request = question(continue_last=True)
    deltas = await deltas_of(engine, type(request)(messages=turns, options=request.options))
    assert "".join(delta.text for delta in deltas) == " upon a time", "only the continuation"
    begun = engine.tokenize("<|user|>Tell me a story.<|end|><|assistant|>Once")
    assert model.reads[0] == (1, len(begun))
    await engine.close()


async def test_a_prompt_longer_than_the_context_is_refused_with_both_numbers(tiny_llama_dir: Path) -> None:
    engine, model = speaking_engine(tiny_llama_dir, "no", context_length=20)
    length = len(engine.tokenize(engine.apply_template(question("1" * 50).messages)))
    with pytest.raises(BadInputError, match=rf"{length} tokens.* 20 for prompt"):
        await text_of(engine, question("1" * 50))
    assert model.reads == []
    await engine.close()


async def test_a_template_that_writes_nothing_is_no_prompt(tiny_llama_dir: Path) -> None:
    engine, _ = speaking_engine(tiny_llama_dir, "hello", chat_template="{# nothing #}")
    with pytest.raises(BadInputError, match="nothing to read"):
        await text_of(engine, question())
    await engine.close()


async def test_leaving_early_stops_before_the_next_token(tiny_llama_dir: Path) -> None:
    engine, model = speaking_engine(tiny_llama_dir, "the cat " * 50)
    answer = engine.chat(question())
    await anext(answer)
    await anext(answer)
    seen = len(model.reads)
    await answer.aclose()
    await asyncio.sleep(0.05)
    assert len(model.reads) == seen
    await engine.close()


async def test_a_cancelled_reader_stops_the_work(tiny_llama_dir: Path) -> None:
    engine, model = speaking_engine(tiny_llama_dir, "the cat " * 100, seconds=0.01)
    reader = asyncio.create_task(text_of(engine, question()))
    await until_read(model, 3)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    seen = len(model.reads)
    await asyncio.sleep(0.1)
    assert len(model.reads) <= seen + 1, "at most the token that was under way"
    await engine.close()


async def test_requests_take_turns_token_by_token(tiny_llama_dir: Path) -> None:
    engine, model = speaking_engine(tiny_llama_dir, "the cat sat on the mat " * 10, seconds=0.001)
    await asyncio.gather(*(text_of(engine, question(max_tokens=40)) for _ in range(4)))
    order = [number for number, _ in model.reads]
    for start in range(8, 140, 4):
        assert set(order[start : start + 4]) == {1, 2, 3, 4}, "each has one turn in every round"
    await engine.close()


async def test_a_long_prompt_does_not_hold_up_the_others(tiny_llama_dir: Path) -> None:
    engine, model = speaking_engine(tiny_llama_dir, "the cat " * 100, seconds=0.002)
    short = asyncio.create_task(text_of(engine, question("hi", max_tokens=100)))
    await until_read(model, 2)
    await text_of(engine, question("1 2 3 4 5 " * 30, max_tokens=1))
    await short
    pieces = [place for place, (number, count) in enumerate(model.reads) if number == 2 and count > 1]
    assert len(pieces) > 3, "read in pieces"
    between = model.reads[pieces[0] : pieces[-1]]
    assert any(number == 1 for number, _ in between), "the other answer went on in between"
    await engine.close()


async def test_the_loop_stays_free_while_tokens_are_computed(tiny_llama_dir: Path) -> None:
    engine, _ = speaking_engine(tiny_llama_dir, "the cat sat", seconds=0.05)
    answer = asyncio.create_task(text_of(engine, question()))
    turns = 0
    while not answer.done():
        await asyncio.sleep(0.005)
        turns += 1
    assert turns > 10
    await engine.close()


async def test_an_answer_that_takes_too_long_is_given_up(tiny_llama_dir: Path) -> None:
    engine, model = speaking_engine(tiny_llama_dir, "the cat " * 100, seconds=0.02)
    with pytest.raises(CallTimeoutError, match=r"within 0\.1 s; \d+ tokens"):
        await text_of(engine, question(timeout=0.1))
    assert len(model.reads) < 30
    await engine.close()


async def test_a_closed_engine_says_so_and_leaves_no_thread(tiny_llama_dir: Path) -> None:
    engine, _ = speaking_engine(tiny_llama_dir, "the cat")
    await text_of(engine, question())
    assert any(thread.name.startswith("byzer_nb-speaking") for thread in threading.enumerate())
    await engine.close()
    await engine.close()
    assert not any(thread.name.startswith("byzer_nb-speaking") for thread in threading.enumerate())
    with pytest.raises(ModelCallError, match="'speaking' was closed"):
        await text_of(engine, question())


async def test_closing_ends_the_answers_under_way(tiny_llama_dir: Path) -> None:
    engine, model = speaking_engine(tiny_llama_dir, "the cat " * 100, seconds=0.005)
    answer = asyncio.create_task(text_of(engine, question()))
    await until_read(model, 2)
    await engine.close()
    with pytest.raises(ModelCallError, match="closed"):
        await answer


def test_one_engine_serves_several_loops(tiny_llama_dir: Path) -> None:
    engine, _ = speaking_engine(tiny_llama_dir, "the cat sat", seconds=0.002)
    said: list[str] = []
    threads = [threading.Thread(target=lambda: said.append(asyncio.run(text_of(engine, question())))) for _ in range(3)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == ["the cat sat"] * 3
    assert time.monotonic() - started < 10
    asyncio.run(engine.close())
