"""Replies as models write them: what was meant comes out, and where nobody can tell, the model is asked again."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import pandas as pd
import pytest
from pydantic import BaseModel, TypeAdapter

from byzer_nb.errors import AnswerError
from byzer_nb.prompts.shape import Shape, one_of, to_model
from tests.prompts.reply_corpus import TYPES, DirtyReply, replies

DIRTY = replies("dirty_replies")
UNCLEAR = replies("unclear_replies")
READABLE = [reply for reply in DIRTY if reply.value]
ENOUGH = 80
SHARE = 0.95


def as_json(value: Any, wanted: Any) -> str:
    """A value in the corpus's words; as text, for NaN is not equal to itself."""
    if isinstance(value, pd.DataFrame):
        return json.dumps(value.to_dict(orient="records"), sort_keys=True)
    return json.dumps(TypeAdapter(wanted).dump_python(value, mode="json", by_alias=True), sort_keys=True)


def named(reply: DirtyReply) -> str:
    return reply.name


def test_the_corpus_is_large_and_nearly_all_of_it_is_readable() -> None:
    assert len(DIRTY) >= ENOUGH
    assert len({reply.name for reply in DIRTY + UNCLEAR}) == len(DIRTY + UNCLEAR)
    assert len(READABLE) >= SHARE * len(DIRTY)
    assert all(reply.reason for reply in UNCLEAR)


@pytest.mark.contract("STRUCT-07", "STRUCT-14")
@pytest.mark.parametrize("reply", READABLE, ids=named)
def test_a_dirty_reply_becomes_the_value_that_was_meant(reply: DirtyReply) -> None:
    wanted = TYPES[reply.wanted]
    found = Shape(wanted).value(reply.answer)
    assert as_json(found, wanted) == json.dumps(json.loads(reply.value), sort_keys=True)


@pytest.mark.contract("STRUCT-13", "STRUCT-14")
@pytest.mark.parametrize(
    "reply",
    [each for each in READABLE if isinstance(TYPES[each.wanted], type) and issubclass(TYPES[each.wanted], BaseModel)],
    ids=named,
)
def test_the_seeds_reader_and_the_shapes_read_the_same(reply: DirtyReply) -> None:
    wanted = TYPES[reply.wanted]
    meant = repr(Shape(wanted).value(reply.answer))
    assert repr(one_of(wanted).read(reply.answer)) == meant
    assert repr(to_model(reply.answer, wanted)) in (meant, f"[{meant}]")


@pytest.mark.parametrize("reply", [reply for reply in DIRTY + UNCLEAR if reply.reason], ids=named)
def test_what_has_no_one_meaning_is_asked_for_again_with_the_reason(reply: DirtyReply) -> None:
    wanted = TYPES[reply.wanted]
    with pytest.raises(AnswerError) as failed:
        Shape(wanted).value(reply.answer)
    assert not isinstance(failed.value, json.JSONDecodeError)
    assert reply.reason in "\n".join((failed.value.message, *failed.value.problems))
    assert failed.value.answer == reply.answer
    assert failed.value.problems


@pytest.mark.parametrize("wanted", ["Person", "list[Person]", "Node"])
@pytest.mark.parametrize(
    "unit",
    [
        '{"a":', "{'a'} ", '"a" ', '"a": "x, ', '"a": "b" c ', '", "', '"x",\n', '"“', '"a”：', "it's ", "# ", "/* ",
        '{"next": ', '{"name": "A", "age": 1}\n', "    ,", "1,", "1,234 ", "&quot;", '{"a", ', '"a"   \t ', "```\n",
    ],
)  # fmt: skip
def test_a_long_reply_takes_time_in_proportion(unit: str, wanted: str) -> None:
    def seconds(length: int) -> float:
        started = time.perf_counter()
        for opened in ("{", '["'):
            with contextlib.suppress(AnswerError):
                Shape(TYPES[wanted]).value(opened + unit * (length // len(unit)))
        return time.perf_counter() - started

    assert seconds(60_000) < 30 * max(seconds(6_000), seconds(6_000)) + 0.5
