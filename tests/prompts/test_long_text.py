"""Texts that are too long for one call: asked on with markers, or continued where they were cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from byzer_nb import AsyncClient, Client, MetaHolder, ScriptedEngine
from byzer_nb._sync import run
from byzer_nb.backends.byzer_tiny import ByzerTiny
from byzer_nb.client import LocalTransport
from byzer_nb.errors import BadInputError, ModelCallError, UnsupportedError, WrongTypeError
from byzer_nb.types import Capabilities, ChatRequest, DeploySpec
from byzer_nb.types.options import OPTION_NAMES
from tests.prompts.sayings import Sayings, Story, both, cut, story, stream, tell, write

LONG = "Once upon a time\n\n  there was a   fox.\nIt ran,\tand ran; 它跑了又跑。\n\nThe end.\n"


# -- markers ------------------------------------------------------------------------------------------------------


@pytest.mark.contract("PROMPT-13")
def test_parts_are_asked_for_until_the_end_marker_is_there() -> None:
    sayings = Sayings("<RES", "PONSE>ab", "c</RESPONSE>")
    assert tell.with_llm(sayings.client).with_response_markers().run("foxes") == "abc"
    assert len(sayings.engine.records) == 3
    first, go_on = sayings.turns()[0], sayings.turns()[2]
    assert first[1].startswith("Tell me about foxes.\n\nWrite <RESPONSE> before")
    assert sayings.turns() == [first, ("assistant", "<RES"), go_on, ("assistant", "PONSE>ab"), go_on]
    assert go_on == ("user", "请从中断处接着写，不要重复已经写过的内容。")


@pytest.mark.contract("PROMPT-13")
def test_stream_gives_the_same_without_markers() -> None:
    parts = ["Well: <RES", "PONSE>one  two\n", "<RESPONSE> three</RES", "PONSE> bye"]
    assert both(lambda: Sayings(*parts), lambda f: f.with_response_markers()) == "one  two\n three"
    assert both(lambda: Sayings(*parts), lambda f: f.with_response_markers().with_max_turns(2)) == "one  two\n"


@pytest.mark.contract("PROMPT-13")
def test_markers_split_over_pieces_of_a_stream_never_show() -> None:
    pieces = ["<RESP", "ONSE>a", "b<", "c</RES", "PONSE", ">d"]
    shown = list(stream.with_llm(Sayings(pieces).client).with_response_markers().run("foxes"))
    assert shown == ["a", "b", "<c"]


@pytest.mark.contract("PROMPT-13")
def test_pieces_come_while_the_model_still_speaks(models: LocalTransport) -> None:
    engine = ScriptedEngine("<RESPONSE>one " + "two " * 50 + "</RESPONSE>", token_delay=0.005)
    run(models.add("slow", engine))
    pieces = stream.with_llm(Client(models, model="slow")).with_response_markers().run("foxes")
    assert next(pieces) == "on"
    assert engine.running == 1
    pieces.close()
    assert engine.running == 0  # leaving early stops the model


@pytest.mark.contract("PROMPT-14")
def test_max_turns_bound_the_calls() -> None:
    def long() -> Sayings:
        return Sayings(script="<RESPONSE>ab")

    for turns in (1, 2, 10):
        sayings = long()
        asking = tell.with_llm(sayings.client).with_response_markers()
        assert (asking if turns == 10 else asking.with_max_turns(turns)).run("foxes") == "ab" * turns
        assert len(sayings.engine.records) == turns
    assert both(long, lambda f: f.with_max_turns(3).with_response_markers()) == "ababab"


@pytest.mark.contract("PROMPT-14")
def test_words_that_ask_to_go_on_and_markers_can_be_chosen() -> None:
    sayings = Sayings("[[a", "b]]")
    asking = tell.with_llm(sayings.client).with_response_markers(["[[", "]]"], "Use {{ RESPONSE_START }}.")
    assert asking.with_continue_prompt("More!").run("foxes") == "ab"
    assert sayings.turns()[0][1] == "Tell me about foxes.\n\nUse [[."
    assert sayings.turns()[-1] == ("user", "More!")


@pytest.mark.contract("PROMPT-14")
def test_markers_stay_in_the_text_when_that_is_wanted() -> None:
    def parts() -> Sayings:
        return Sayings("Well: <RESPONSE>a", "b</RESPONSE> bye")

    keeping = both(parts, lambda f: f.with_response_markers().with_auto_remove_response_markers(False))
    assert keeping == "Well: <RESPONSE>ab</RESPONSE> bye"
    assert both(parts, lambda f: f.with_response_markers().with_auto_remove_response_markers(True)) == "ab"
    for said in ("no marker", "<RESPONSE>no end</RES"):
        kept = both(
            lambda said=said: Sayings(said),  # type: ignore[misc]
            lambda f: f.with_response_markers().with_auto_remove_response_markers(False).with_max_turns(1),
        )
        assert kept == said


@pytest.mark.contract("PROMPT-13")
def test_model_that_says_nothing_is_not_asked_again() -> None:
    sayings = Sayings(script=["<RESPONSE>ab", ""])
    assert tell.with_llm(sayings.client).with_response_markers().run("foxes") == "ab"
    assert len(sayings.engine.records) == 2


@pytest.mark.contract("PROMPT-13")
def test_markers_are_for_text_alone() -> None:
    with pytest.raises(BadInputError, match="story is annotated with another type"):
        story.with_response_markers()
    with pytest.raises(BadInputError, match="takes two response markers, not 1"):
        tell.with_response_markers(["<A>"])


@pytest.mark.contract("PROMPT-13", "PROMPT-16")
def test_extractor_and_return_type_get_the_text_between() -> None:
    asking = tell.with_llm(Sayings('<RESPONSE>{"title": ', '"F"}</RESPONSE>').client).with_response_markers()
    assert asking.with_return_type(Story).run("foxes") == Story(title="F")
    asking = stream.with_llm(Sayings("<RESPONSE>ab", "c</RESPONSE>").client).with_response_markers()
    assert asking.with_extractor(len).run("foxes") == 3


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda: tell.with_max_turns(0), BadInputError, "at least one turn, not 0"),
        (lambda: tell.with_max_turns(True), WrongTypeError, "whole number, not True"),
        (lambda: tell.with_max_turns("3"), WrongTypeError, "whole number, not '3'"),  # type: ignore[arg-type]
        (lambda: tell.with_continue_prompt(""), BadInputError, "is empty"),
        (lambda: tell.with_continue_prompt(None), WrongTypeError, "is a text, not None"),  # type: ignore[arg-type]
    ],
)
@pytest.mark.contract("PROMPT-14")
def test_settings_that_cannot_work_are_refused(build: Callable[[], object], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        build()


# -- continuation -------------------------------------------------------------------------------------------------


def on_from(text: str, *, forgets_blanks: bool = False) -> Callable[[ChatRequest], str]:
    """A model that knows a text by heart and goes on with it."""

    def script(request: ChatRequest) -> str:
        last = request.messages[-1]
        begun = last.text if last.role == "assistant" else ""
        assert text.startswith(begun)
        assert request.options.continue_last == bool(begun)
        rest = text[len(begun) :]
        return rest.lstrip() if forgets_blanks and begun else rest

    return script


@pytest.mark.contract("CHAT-08")
@pytest.mark.parametrize("tokens", [1, 2, 3, 7, 100])
def test_cut_text_goes_on_where_it_was_cut(tokens: int) -> None:
    def change(f: Any) -> Any:
        return f.with_continuation().with_max_turns(100).options({"llm_config": {"gen.max_tokens": tokens}})

    assert both(lambda: Sayings(script=on_from(LONG)), change) == LONG


@pytest.mark.contract("CHAT-08")
@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (["one ", "two"], "one two"),  # the model does not say the blank again
        (["one ", " two"], "one two"),  # and here it does
        (["one\n\n", "\n\ntwo"], "one\n\ntwo"),
        (["one", "\n\n", "two"], "one\n\ntwo"),
        (["one\n\n", "\n", "\n\ntwo "], "one\n\ntwo "),
        (["\n", "one"], "\none"),
    ],
)
def test_blanks_at_a_seam_are_there_once(parts: list[str], text: str) -> None:
    assert both(lambda: Sayings(*map(cut, parts[:-1]), parts[-1]), lambda f: f.with_continuation()) == text


@pytest.mark.contract("CHAT-08")
def test_text_goes_to_the_model_without_blanks_at_its_end() -> None:
    sayings = Sayings(cut("one \n"), cut("two"), "!")
    assert tell.with_llm(sayings.client).with_continuation().run("foxes") == "one \ntwo!"
    assert sayings.turns(1)[-1] == ("assistant", "one")
    assert sayings.turns(2)[-1] == ("assistant", "one \ntwo")
    assert [record.options.continue_last for record in sayings.engine.records] == [False, True, True]


@pytest.mark.contract("CHAT-08")
def test_text_of_blanks_alone_is_nothing_to_go_on_with() -> None:
    sayings = Sayings(cut("\n"), "one")
    assert tell.with_llm(sayings.client).with_continuation().run("foxes") == "\none"
    assert sayings.turns(1) == [("user", "Tell me about foxes.")]


@pytest.mark.contract("CHAT-08")
def test_answer_that_ends_by_itself_is_one_call() -> None:
    sayings = Sayings("All of it. ")
    assert tell.with_llm(sayings.client).with_continuation().run("foxes") == "All of it. "
    assert list(stream.with_llm(Sayings(["a ", "b "]).client).with_continuation().run("foxes")) == ["a", " b", " "]


@pytest.mark.contract("CHAT-08")
def test_nobody_is_continued_unasked() -> None:
    sayings = Sayings(cut("half"))
    assert tell.with_llm(sayings.client).run("foxes") == "half"
    assert list(stream.with_llm(Sayings(["a ", " b"]).client).run("foxes")) == ["a ", " b"]


@pytest.mark.contract("CHAT-08")
def test_turns_bound_a_continuation_too() -> None:
    sayings = Sayings(script=lambda request: cut("ab "))
    assert tell.with_llm(sayings.client).with_continuation().with_max_turns(3).run("foxes") == "ab ab ab "
    assert len(sayings.engine.records) == 3


@pytest.mark.contract("CHAT-08")
def test_model_that_cannot_continue_says_so_before_it_is_asked() -> None:
    able = Capabilities(continues=False, options=frozenset(OPTION_NAMES))
    sayings = Sayings("x", able=able)
    for change in (lambda f: f.with_continuation(), lambda f: f.with_return_prefix("He")):
        with pytest.raises(UnsupportedError, match="cannot"):
            change(tell.with_llm(sayings.client)).run("foxes")
        with pytest.raises(UnsupportedError, match="cannot"):
            list(change(stream.with_llm(sayings.client)).run("foxes"))
    assert sayings.engine.records == []


@pytest.mark.contract("CHAT-08", "PROMPT-13")
def test_markers_and_continuation_go_together() -> None:
    def said() -> Sayings:
        return Sayings(cut("<RESPONSE>one "), "two", "<RESPONSE> three", cut(" four</RESP"), "ONSE> bye")

    assert both(said, lambda f: f.with_response_markers().with_continuation()) == "one two three four"
    sayings = said()
    tell.with_llm(sayings.client).with_response_markers().with_continuation().run("foxes")
    assert [record.options.continue_last for record in sayings.engine.records] == [False, True, False, False, True]
    assert [role for role, _ in sayings.turns()] == ["user", "assistant", "user", "assistant", "user", "assistant"]
    assert sayings.turns()[1] == ("assistant", "<RESPONSE>one two")


@pytest.mark.contract("CHAT-08")
def test_object_that_was_cut_is_continued() -> None:
    asking = story.with_llm(Sayings(cut('{"title": "The '), 'fox"}').client).with_continuation()
    assert asking.run("foxes") == Story(title="The fox")


@pytest.mark.contract("CHAT-08")
def test_error_of_a_later_call_is_told_and_what_was_said_before_is_seen() -> None:
    def said() -> Sayings:
        return Sayings(cut("half"), ModelCallError("gone"))

    with pytest.raises(ModelCallError, match="gone"):
        tell.with_llm(said().client).with_continuation().run("foxes")
    holder = MetaHolder()
    seen: list[str] = []
    with pytest.raises(ModelCallError, match="gone"):
        seen.extend(stream.with_llm(said().client).with_continuation().with_meta(holder).run("foxes"))
    assert seen == ["half"]
    meta = holder.get_meta_model()
    assert meta is not None
    assert (meta.finish_reason, meta.generated_tokens_count) == ("cancelled", 1)


@pytest.mark.contract("CHAT-08")
async def test_story_of_the_bundled_model_is_the_same_in_one_go_and_in_many() -> None:
    models = LocalTransport()
    await models.add("tiny", ByzerTiny.from_spec(DeploySpec(name="tiny", engine="byzer-tiny")))
    asking = write.with_llm(AsyncClient(models, model="tiny"))

    def at_most(tokens: int) -> dict[str, Any]:
        return {"llm_config": {"gen.max_tokens": tokens, "temperature": 0}}

    whole = await asking.options(at_most(120)).aio()
    many = await asking.options(at_most(15)).with_continuation().with_max_turns(8).aio()
    assert len(whole) > 200
    assert whole[:200] == many[:200]
    assert whole.startswith(many) or many.startswith(whole)
    await models.close()
