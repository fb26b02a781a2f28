"""The contract of an engine: what the client may count on, whoever answers."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import FrozenInstanceError, replace

import pytest

from byzer_nb.errors import BadInputError, ModelCallError, UnsupportedError
from byzer_nb.types import (
    AnswerSchema,
    ChatOptions,
    ChatRequest,
    Delta,
    EmbedRequest,
    Embeds,
    Engine,
    Message,
    Tokenizes,
    ToolSpec,
)
from tests.contracts.engines import Make, Stage

QUESTION = "Tell me a story about a fox."
PROMPTLY = 1.0  # seconds; in truth it is milliseconds, but these machines are shared


def asked(question: str = QUESTION, *, stream: bool = True, **options: object) -> ChatRequest:
    usual = {"temperature": 0.0, "max_tokens": 60, "seed": 1}
    return ChatRequest(
        messages=(Message(role="user", content=question),),
        options=ChatOptions(**{**usual, **options}),  # type: ignore[arg-type]
        stream=stream,
    )


async def answered(engine: Engine, request: ChatRequest) -> list[Delta]:
    return [delta async for delta in engine.chat(request)]


def text_of(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas)


async def until_idle(stage: Stage) -> None:
    if stage.is_busy is None:
        return
    for _ in range(int(PROMPTLY / 0.005)):
        if not stage.is_busy():
            return
        await asyncio.sleep(0.005)
    pytest.fail("It still works on an answer that nobody waits for.")


async def test_card_is_free_and_cannot_be_changed(stage: Stage) -> None:
    started = time.perf_counter()
    card = stage.engine.describe()
    assert time.perf_counter() - started < 0.05
    assert card.model
    assert card.engine
    assert card.capabilities.chat
    assert stage.engine.describe() == card
    with pytest.raises(FrozenInstanceError):
        card.model = "another"  # type: ignore[misc]


async def test_streamed_pieces_join_to_the_whole_answer(stage: Stage) -> None:
    streamed = await answered(stage.engine, asked())
    whole = await answered(stage.engine, asked(stream=False))
    assert text_of(streamed) == text_of(whole)
    assert text_of(streamed).strip()


async def test_answer_arrives_in_more_than_one_piece(stage: Stage) -> None:
    deltas = await answered(stage.engine, asked())
    assert sum(bool(delta.text) for delta in deltas) > 1


@pytest.mark.parametrize("stream", [True, False])
async def test_only_the_last_delta_says_why_it_ended_and_what_it_took(stage: Stage, stream: bool) -> None:
    deltas = await answered(stage.engine, asked(stream=stream))
    *others, last = deltas
    assert last.finish_reason in ("stop", "length")
    assert all(delta.finish_reason is None for delta in others)
    assert last.usage is not None
    assert last.usage.input_tokens > 0 or not stage.counts_apart
    assert last.usage.output_tokens > 0


@pytest.mark.parametrize("stream", [True, False])
async def test_limit_of_tokens_cuts_the_answer(stage: Stage, stream: bool) -> None:
    if "max_tokens" not in stage.engine.describe().capabilities.options:
        return
    *_, last = short = await answered(stage.engine, asked(stream=stream, max_tokens=3))
    assert last.finish_reason == "length"
    assert last.usage is not None
    assert last.usage.output_tokens == 3 or not stage.counts_apart
    assert text_of(await answered(stage.engine, asked())).startswith(text_of(short))


@pytest.mark.parametrize("stream", [True, False])
async def test_stop_string_ends_the_answer_before_itself(stage: Stage, stream: bool) -> None:
    if "stop" not in stage.engine.describe().capabilities.options:
        return
    whole = text_of(await answered(stage.engine, asked()))
    middle = len(whole) // 2
    stop = whole[middle : middle + 3]  # most likely across the border of two tokens
    *_, last = cut = await answered(stage.engine, asked(stream=stream, stop=(stop, "never said")[: stage.most_stops]))
    assert text_of(cut) == whole[: whole.index(stop)]
    assert last.finish_reason == "stop"


async def test_stop_string_that_never_comes_changes_nothing(stage: Stage) -> None:
    assert text_of(await answered(stage.engine, asked(stop=("\u2603\u2603",)))) == text_of(
        await answered(stage.engine, asked())
    )


async def test_same_seed_gives_the_same_answer(stage: Stage) -> None:
    first = await answered(stage.engine, asked(temperature=0.8, seed=7))
    second = await answered(stage.engine, asked(temperature=0.8, seed=7))
    assert text_of(first) == text_of(second)


@pytest.mark.parametrize("question", ["你好,世界。", "👩‍👩‍👧‍👦 🇨🇳 e\u0301", '"quotes" \\ {braces} \n\t<|im_end|>', " "])
async def test_any_characters_can_be_asked(stage: Stage, question: str) -> None:
    if not (question.strip() or stage.takes_blanks):
        with pytest.raises(ModelCallError):
            await answered(stage.engine, asked(question))
        return
    deltas = await answered(stage.engine, asked(question, max_tokens=8))
    text_of(deltas).encode()  # no half of a surrogate pair
    assert deltas[-1].finish_reason


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "reply",
    ["你好,世界。很高兴见到你!", "👩‍👩‍👧‍👦 family 🇨🇳", 'tab\t, line\nbreak, \u2028, "quotes", \\back\\', "a" * 10_000],
)
async def test_any_characters_can_be_answered(scriptable: Make, reply: str, stream: bool) -> None:
    async with scriptable(reply) as stage:
        assert text_of(await answered(stage.engine, asked(stream=stream, max_tokens=None))) == reply


@pytest.mark.parametrize("stream", [True, False])
async def test_empty_answer_is_an_answer(scriptable: Make, stream: bool) -> None:
    async with scriptable("") as stage:
        deltas = await answered(stage.engine, asked(stream=stream))
        assert text_of(deltas) == ""
        assert deltas[-1].finish_reason == "stop"


async def test_long_answer_is_whole(scriptable: Make) -> None:
    reply = "".join(f"line {number}\n" for number in range(1500))
    async with scriptable(reply) as stage:
        if not stage.speaks_long:
            return
        deltas = await answered(stage.engine, asked(max_tokens=None))
        assert text_of(deltas) == reply
        assert deltas[-1].finish_reason == "stop"


async def test_leaving_early_stops_the_work_and_the_engine_answers_again(stage: Stage) -> None:
    deltas = stage.engine.chat(asked(max_tokens=500))
    async with aclosing(deltas):
        async for delta in deltas:
            if delta.text:
                break
        started = time.perf_counter()
    assert time.perf_counter() - started < PROMPTLY
    await until_idle(stage)
    assert text_of(await answered(stage.engine, asked(max_tokens=4)))


async def test_cancelling_the_waiting_task_stops_the_work(stage: Stage) -> None:
    has_begun = asyncio.Event()

    async def listen() -> None:
        async for _ in stage.engine.chat(asked(max_tokens=500)):
            has_begun.set()

    listening = asyncio.create_task(listen())
    await has_begun.wait()
    listening.cancel()
    started = time.perf_counter()
    with pytest.raises(asyncio.CancelledError):
        await listening
    assert time.perf_counter() - started < PROMPTLY
    await until_idle(stage)
    assert text_of(await answered(stage.engine, asked(max_tokens=4)))


async def test_answers_at_the_same_time_do_not_mix(stage: Stage) -> None:
    requests = [asked(max_tokens=limit, stream=limit % 2 == 0) for limit in (2, 5, 9, 14, 20)]
    alone = [text_of(await answered(stage.engine, request)) for request in requests]
    together = await asyncio.gather(*[answered(stage.engine, request) for request in requests])
    assert [text_of(deltas) for deltas in together] == alone


async def test_generator_that_was_never_started_costs_nothing(stage: Stage) -> None:
    await stage.engine.chat(asked()).aclose()
    assert stage.is_busy is None or not stage.is_busy()


async def test_closing_ends_whoever_reads_with_an_error_of_ours(stage: Stage) -> None:
    has_begun = asyncio.Event()

    async def listen() -> None:
        async for delta in stage.engine.chat(asked(max_tokens=500)):
            if delta.text:
                has_begun.set()

    listening = asyncio.create_task(listen())
    await has_begun.wait()
    await stage.engine.close()
    with pytest.raises(ModelCallError, match="was closed") as ended:
        await asyncio.wait_for(listening, PROMPTLY)
    assert ended.value.hint == "Deploy the model again."
    await until_idle(stage)


@pytest.mark.parametrize("stream", [True, False])
async def test_closed_engine_is_not_used_again(stage: Stage, stream: bool) -> None:
    await stage.engine.close()
    with pytest.raises(ModelCallError, match="was closed"):
        await answered(stage.engine, asked(stream=stream))


async def test_closing_twice_is_fine(stage: Stage) -> None:
    await answered(stage.engine, asked(max_tokens=2))
    await stage.engine.close()
    await stage.engine.close()


@pytest.mark.contract("STRUCT-03", "STRUCT-07")
@pytest.mark.parametrize("stream", [True, False])
async def test_tools_schemas_and_raw_texts_are_taken_or_refused_and_never_left_out(stage: Stage, stream: bool) -> None:
    able = stage.engine.describe().capabilities
    schema = AnswerSchema(schema={"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]})
    wishes = [
        (able.tools, replace(asked(stream=stream), tools=(ToolSpec(name="now"),))),
        (able.schema, replace(asked(stream=stream), schema=schema)),
        (able.completes, replace(asked(stream=stream), is_raw=True)),
    ]
    for is_taken, wish in wishes:
        if is_taken:
            assert (await answered(stage.engine, wish))[-1].finish_reason
        else:
            with pytest.raises(UnsupportedError) as told:
                await answered(stage.engine, wish)
            assert told.value.hint


@pytest.mark.contract("EMB-01")
async def test_vectors_come_in_the_order_of_the_texts(stage: Stage) -> None:
    engine = stage.engine
    if not engine.describe().capabilities.embed:
        if isinstance(engine, Embeds):
            with pytest.raises(UnsupportedError):
                await engine.embed(EmbedRequest(texts=("a",)))
        return
    assert isinstance(engine, Embeds)
    texts = ("fox", "dog", "fox", "狐狸")
    together = await engine.embed(EmbedRequest(texts=texts))
    alone = [(await engine.embed(EmbedRequest(texts=(text,)))).vectors[0] for text in texts]
    assert list(together.vectors) == alone
    assert together.vectors[0] != together.vectors[1]
    assert len({len(vector) for vector in together.vectors}) == 1


async def test_tokens_and_template_are_there_when_the_card_says_so(stage: Stage) -> None:
    able = stage.engine.describe().capabilities
    if not able.tokenizer:
        return
    assert isinstance(stage.engine, Tokenizes)
    ids = stage.engine.tokenize("a fox")
    assert ids == stage.engine.tokenize("a fox")
    assert stage.engine.detokenize(ids) == "a fox"
    for strange in (-1, 10**9):
        with pytest.raises(BadInputError, match=str(strange)):
            stage.engine.detokenize((strange,))
    if able.chat_template:
        assert QUESTION in stage.engine.apply_template((Message(role="user", content=QUESTION),))
