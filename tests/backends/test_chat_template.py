"""Conversations written down for a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from byzer_nb.backends.chat_template import ChatTemplate
from byzer_nb.backends.numpy_engine import NumpyEngine
from byzer_nb.errors import BadInputError, UnsupportedError
from byzer_nb.types import ImagePart, Message, TextPart
from tests.tiny_models import CHAT_TEMPLATE

USER = Message(role="user", content="Tell me a story.")
BEGUN = Message(role="assistant", content="Once upon a ")


def template(source: str = CHAT_TEMPLATE) -> ChatTemplate:
    return ChatTemplate(source, model="m", special_tokens={"bos_token": "<s>"})


@pytest.mark.contract("CHAT-12")
def test_the_rendered_text_is_the_one_that_transformers_renders(
    numpy_engine: NumpyEngine, tiny_llama_dir: Path
) -> None:
    from transformers import AutoTokenizer

    turns = (
        Message(role="system", content="Be <b>brief</b> & {{ kind }}."),
        Message(role="user", content="你好\n  "),
        Message(role="assistant", content="Hi!"),
        Message(role="user", content="Go on."),
    )
    judge = AutoTokenizer.from_pretrained(tiny_llama_dir)
    as_dicts = [{"role": turn.role, "content": turn.content} for turn in turns]
    expected = judge.apply_chat_template(as_dicts, tokenize=False, add_generation_prompt=True)
    assert numpy_engine.apply_template(turns) == expected


@pytest.mark.contract("CHAT-08")
def test_a_continued_turn_ends_right_after_its_last_character() -> None:
    assert template().render([USER, BEGUN], continue_last=True) == (
        "<|user|>Tell me a story.<|end|><|assistant|>Once upon a "
    )


@pytest.mark.contract("CHAT-08")
def test_a_template_that_trims_keeps_the_space_at_which_the_model_goes_on() -> None:
    trimming = "{% for m in messages %}[{{ m.role }}] {{ m.content | trim }}</s>\n{% endfor %}"
    assert template(trimming).render([USER, BEGUN], continue_last=True).endswith("[assistant] Once upon a ")


@pytest.mark.contract("CHAT-08")
def test_there_is_nothing_to_continue_after_a_user_message() -> None:
    with pytest.raises(BadInputError, match="nothing to continue") as refused:
        template().render([USER], continue_last=True)
    assert "both" in refused.value.hint


def test_a_template_that_drops_the_last_turn_cannot_continue_it() -> None:
    users_only = "{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}"
    with pytest.raises(UnsupportedError, match="cannot leave the last turn open"):
        template(users_only).render([USER, BEGUN], continue_last=True)


def test_a_template_that_refuses_the_turns_says_why() -> None:
    strict = "{{ raise_exception('System role not supported') }}"
    with pytest.raises(BadInputError, match="System role not supported"):
        template(strict).render([USER])


def test_a_template_with_a_fault_of_syntax_is_refused() -> None:
    with pytest.raises(BadInputError, match="cannot be read"):
        template("{% for %}").render([USER])


def test_a_template_cannot_leave_its_sandbox() -> None:
    with pytest.raises(BadInputError, match="unsafe"):
        template("{{ ''.__class__.__mro__[1].__subclasses__() }}").render([USER])


def test_json_in_a_template_is_not_escaped_for_html() -> None:
    rendered = template("{{ messages[0].content | tojson }}").render([Message(role="user", content="<a> & 'b' 你")])
    assert rendered == "\"<a> & 'b' 你\""


def test_templates_of_today_find_their_tags_and_names() -> None:
    source = "{{ bos_token }}{% for m in messages %}{% if not m.content %}{% continue %}{% endif %}"
    source += "{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}{{ strftime_now('%Y') | length }}"
    assert template(source).render([Message(role="user", content=""), USER]) == "<s>Tell me a story.4"


def test_a_model_without_a_template_says_how_turns_are_written() -> None:
    with pytest.warns(UserWarning, match="'m' has no chat template"):
        plain = ChatTemplate.or_plain(None, model="m")
    system = Message(role="system", content="Be brief.")
    assert plain.render([system, USER]) == "Be brief.\n\nUser: Tell me a story.\nAssistant:"
    assert plain.render([USER, BEGUN], continue_last=True) == "User: Tell me a story.\nAssistant: Once upon a "


def test_parts_of_text_are_joined_and_a_picture_is_refused() -> None:
    both = Message(role="user", content=(TextPart(text="What is "), TextPart(text="this?")))
    assert template().render([both]) == "<|user|>What is this?<|end|><|assistant|>"
    with_picture = Message(
        role="user", content=(TextPart(text="What is this?"), ImagePart(url="data:image/png;base64,"))
    )
    with pytest.raises(UnsupportedError, match="reads text only"):
        template().render([with_picture])
