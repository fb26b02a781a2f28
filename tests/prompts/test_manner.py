"""How an answer begins and ends, what was said before it, and what it took."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from byzer_nb import MetaHolder
from byzer_nb.types import Reply
from tests.prompts.sayings import Sayings, Story, both, story, stream, tell


@pytest.mark.contract("PROMPT-18")
def test_answer_begins_with_the_prefix() -> None:
    sayings = Sayings(script="llo")
    assert both(lambda: sayings, lambda f: f.with_return_prefix("He")) == "Hello"
    assert sayings.turns()[-1] == ("assistant", "He")
    assert sayings.engine.records[-1].options.continue_last
    assert list(stream.with_llm(Sayings(["l", "lo"]).client).with_return_prefix("He").run("x")) == ["Hel", "lo"]
    assert both(lambda: Sayings(""), lambda f: f.with_return_prefix("He")) == "He"


@pytest.mark.contract("PROMPT-18")
def test_prefix_is_there_before_extraction_and_conversion() -> None:
    client = Sayings(script='"T"}').client
    asking = tell.with_llm(client).with_return_prefix('{"title": ')
    assert asking.with_extractor(str.upper).run("x") == '{"TITLE": "T"}'
    assert asking.with_return_type(Story).run("x") == Story(title="T")
    assert story.with_llm(client).with_return_prefix('{"title": ').run("x") == Story(title="T")


@pytest.mark.contract("PROMPT-13", "PROMPT-18")
def test_prefix_may_be_the_start_marker() -> None:
    def said() -> Sayings:
        return Sayings("a", "b</RESPONSE>")

    assert both(said, lambda f: f.with_return_prefix("<RESPONSE>").with_response_markers()) == "ab"
    sayings = said()
    tell.with_llm(sayings.client).with_return_prefix("<RESPONSE>").with_response_markers().run("x")
    assert sayings.turns()[1] == ("assistant", "<RESPONSE>a")


@pytest.mark.contract("PROMPT-19")
def test_stop_suffixes_reach_the_call() -> None:
    sayings = Sayings(script="one END two")
    assert both(lambda: sayings, lambda f: f.with_stop_suffix_list(["END", "|"])).strip() == "one"
    assert sayings.engine.records[-1].options.stop == ("END", "|")
    asking = tell.with_llm(sayings.client).with_stop_suffix_list(["two"]).options({"llm_config": {"gen.stop": ["one"]}})
    assert asking.run("x") == "one END "


@pytest.mark.contract("PROMPT-19")
def test_earlier_messages_stand_before_the_prompt() -> None:
    sayings = Sayings(script="ok")
    earlier: list[Any] = [{"role": "system", "content": "Be kind."}, {"role": "assistant", "content": "Hi."}]
    asking = tell.with_llm(sayings.client).with_conversation(earlier)
    earlier[0]["content"] = "Be rude."
    earlier.clear()
    assert asking.run("foxes") == "ok"
    assert sayings.turns() == [("system", "Be kind."), ("assistant", "Hi."), ("user", "Tell me about foxes.")]


@pytest.mark.contract("PROMPT-18", "PROMPT-19", "PROMPT-20")
@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: tell.with_stop_suffix_list("END"), "list of texts, not 'END'"),
        (lambda: tell.with_stop_suffix_list([1]), r"list of texts, not \[1\]"),
        (lambda: tell.with_conversation("hi"), "list of messages, not 'hi'"),
        (lambda: tell.with_conversation(["hi"]), "has a role and a content, and 'hi' has not"),
        (lambda: tell.with_conversation([{"role": "user"}]), "has not"),
        (lambda: tell.with_return_prefix(None), "return prefix of tell is a text, not None"),
        (lambda: tell.with_meta({}), "keeps no meta"),
    ],
)
def test_things_of_the_wrong_kind_are_refused(build: Callable[[], object], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        build()


@pytest.mark.contract("PROMPT-19")
def test_empty_stop_suffix_is_refused() -> None:
    with pytest.raises(ValueError, match="every text ends so"):
        tell.with_stop_suffix_list([""])


# -- what it took -------------------------------------------------------------------------------------------------


@pytest.mark.contract("PROMPT-20")
def test_holder_knows_what_a_run_took() -> None:
    for function in (tell, stream):
        holder = MetaHolder()
        assert holder.get_meta() is None
        assert holder.get_meta_model() is None
        said = Reply(text="one two", reasoning="hm")
        answer = function.with_llm(Sayings(said).client).with_meta(holder).run("foxes")
        assert "".join(answer) == "one two"
        meta = holder.get_meta()
        assert meta is not None
        assert meta.pop("first_token_time") > 0
        assert meta == {
            "input_tokens_count": 4,
            "generated_tokens_count": 3,
            "reasoning_content": "hm",
            "finish_reason": "stop",
        }


@pytest.mark.contract("PROMPT-20")
def test_rounds_are_counted_together() -> None:
    for function in (tell, stream):
        holder, sayings = (
            MetaHolder(),
            Sayings(Reply(text="<RESPONSE>ab", reasoning="hm"), Reply(text="c</RESPONSE>", reasoning="!")),
        )
        "".join(function.with_llm(sayings.client).with_response_markers().with_meta(holder).run("foxes"))
        meta = holder.get_meta_model()
        assert meta is not None
        assert meta.reasoning_content == "hm!"
        assert meta.generated_tokens_count == 1 + 2 + 1 + 2
        assert meta.input_tokens_count > 40  # the first request twice


@pytest.mark.contract("PROMPT-20")
def test_holder_is_told_of_a_stream_that_was_left() -> None:
    holder = MetaHolder()
    pieces = stream.with_llm(Sayings(["a", "b", "c"]).client).with_meta(holder).run("foxes")
    next(pieces)
    pieces.close()
    meta = holder.get_meta()
    assert meta is not None


# -- nothing leaks ------------------------------------------------------------------------------------------------


def test_each_builder_gives_a_copy() -> None:
    sayings = Sayings(script="x")
    base = tell.with_llm(sayings.client)
    base.with_response_markers()
    base.with_continuation()
    base.with_max_turns(1)
    base.with_continue_prompt("go")
    base.with_auto_remove_response_markers(False)
    base.with_return_prefix("y")
    base.with_stop_suffix_list(["z"])
    base.with_conversation([{"role": "user", "content": "q"}])
    base.with_meta(MetaHolder())
    assert base.run("foxes") == "x"
    assert sayings.turns() == [("user", "Tell me about foxes.")]
    assert sayings.engine.records[-1].options.stop == ()
    assert tell("foxes") == tell.with_response_markers()("foxes") == "Tell me about foxes."
