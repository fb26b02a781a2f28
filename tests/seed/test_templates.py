"""Chat templates: their facts, and what they do to a call."""

from __future__ import annotations

from collections.abc import Generator
from itertools import pairwise

import pytest

from byzer_nb import SimpleByzerLLM, prompt
from byzer_nb.errors import BadInputError, UnsupportedError
from byzer_nb.seed.templates import FILL_HERE, Template, Templates
from tests.seed.conftest import AddScripted, LocalScripted

TURNS = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "one"},
    {"role": "assistant", "content": "two"},
    {"role": "user", "content": "three"},
]


class Untaught(LocalScripted):
    """Weights without a chat template."""

    has_chat_template = False


class FirstQwen(Untaught):
    """The first Qwen, whose tokenizer has none either."""

    architectures = ("QWenLMHeadModel",)


def client(
    add_scripted: AddScripted, script: list[list[str]], *, kind: type[LocalScripted] = LocalScripted
) -> tuple[SimpleByzerLLM, LocalScripted]:
    engine = add_scripted("local", script, kind=kind)
    assert isinstance(engine, LocalScripted)
    return SimpleByzerLLM.from_default_model("local"), engine


@pytest.mark.contract("CHAT-10")
@pytest.mark.parametrize("end", ["<|im_end|>", "<|endoftext|>", "<|im_start|>"])
def test_qwen_trims_at_its_marks(end: str) -> None:
    assert Templates.qwen().clean_func(f"hi{end}x") == "hi"


@pytest.mark.contract("CHAT-10")
def test_qwen_brings_all_three_things_that_it_needs() -> None:
    template = Templates.qwen()
    assert template.role_mapping["user_role"].strip() == "<|im_start|>user"
    assert template.role_mapping["assistant_role"].strip() == "<|im_end|>\n<|im_start|>assistant"
    assert template.generation_config == {
        "generation.repetition_penalty": 1.1,
        "generation.stop_token_ids": [151643, 151645],
    }


@pytest.mark.contract("CHAT-10")
@pytest.mark.parametrize(
    ("template", "ids"),
    [
        (Templates.yi(), [7]),
        (Templates.deepseek_code_chat(), [32021]),
        (Templates.default(), None),
        (Templates.empty(), None),
        (Templates.llama(), None),
    ],
)
def test_each_family_has_its_stop_ids(template: Template, ids: list[int] | None) -> None:
    assert template.generation_config.get("generation.stop_token_ids") == ids


@pytest.mark.contract("CHAT-10")
@pytest.mark.parametrize(
    ("template", "text"),
    [
        (
            Templates.qwen(),
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\none<|im_end|>\n<|im_start|>assistant\ntwo"
            "<|im_end|>\n<|im_start|>user\nthree<|im_end|>\n<|im_start|>assistant\n",
        ),
        (Templates.default(), "Be brief.\nUser:one\nAssistant:two\nUser:three\nAssistant:"),
        (
            Templates.deepseek_code_chat(),
            "Be brief.\n### Instruction:\none\n### Response:\ntwo\n### Instruction:\nthree\n### Response:\n",
        ),
        (Templates.empty(), "Be brief.onetwothree"),
    ],
)
def test_turns_are_written_down_as_the_family_reads_them(
    add_scripted: AddScripted, template: Template, text: str
) -> None:
    llm, _ = client(add_scripted, [])
    llm.setup_template("local", template)
    assert llm.chat_oai(TURNS, only_return_prompt=True)[0].input == text


@pytest.mark.contract("CHAT-10")
def test_a_template_greets_where_the_conversation_brings_no_system_message(add_scripted: AddScripted) -> None:
    llm, _ = client(add_scripted, [])
    llm.setup_template("local", Templates.yi())
    text = llm.chat_oai("hi", only_return_prompt=True)[0].input
    assert text.startswith("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\nhi")


@pytest.mark.contract("CHAT-10")
def test_code_insertion_needs_a_hole() -> None:
    with pytest.raises(BadInputError, match="hole"):
        Templates.deepseek_code_insertion("def f():")
    assert FILL_HERE in Templates.deepseek_code_insertion(f"def f():{FILL_HERE}").role_mapping["system_msg"]


@pytest.mark.contract("CHAT-10")
def test_a_local_model_gets_the_options_of_its_template_under_those_of_the_call(add_scripted: AddScripted) -> None:
    llm, engine = client(add_scripted, [["a"], ["b"]])
    llm.setup_template(model="local", template=Templates.qwen())
    llm.chat_oai("hi")
    llm.chat_oai("hi", llm_config={"generation.repetition_penalty": 1})
    first, second = (record.options for record in engine.records)
    assert (first.stop_token_ids, first.repetition_penalty) == ((151643, 151645), 1.1)
    assert second.repetition_penalty == 1


@pytest.mark.contract("CHAT-10")
def test_a_whole_answer_is_trimmed(add_scripted: AddScripted) -> None:
    llm, _ = client(add_scripted, [["hi", "<|im_end|>", "\nmore"]])
    assert llm.setup_template("local", Templates.qwen()).chat_oai("?").output == "hi"


@pytest.mark.contract("CHAT-10", "CHAT-04")
@pytest.mark.parametrize(
    ("pieces", "given"),
    [
        (["hi", "<|im_end|>", "more"], ["hi"]),
        (["hi<|im", "_end|>mo", "re"], ["hi"]),
        (["hi<", "|", "im_", "end|", ">more", " and more"], ["hi"]),
        (["a <", " b"], ["a ", "< b"]),
        (["a <|im", "_x"], ["a ", "<|im_x"]),
        (["ends in <|im_"], ["ends in ", "<|im_"]),
        (["one", " two"], ["one", " two"]),
    ],
)
def test_a_stream_is_trimmed_and_never_shows_half_a_mark(
    add_scripted: AddScripted, pieces: list[str], given: list[str]
) -> None:
    llm, _ = client(add_scripted, [pieces])
    llm.setup_template("local", Templates.qwen())
    items = list(llm.stream_chat_oai("?", delta_mode=True))
    assert [text for text, _ in items if text] == given
    assert items[-1][1].finish_reason == "stop"


@pytest.mark.contract("CHAT-10", "CHAT-04")
def test_the_text_so_far_never_shrinks_and_ends_as_the_whole_answer_does(add_scripted: AddScripted) -> None:
    pieces = ["one ", "two <", "|im_end", "|> three"]
    llm, _ = client(add_scripted, [pieces, pieces])
    llm.setup_template("local", Templates.qwen())
    texts = [text for text, _ in llm.stream_chat_oai("?")]
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
    assert texts[-1] == llm.chat_oai("?").output == "one two "


@pytest.mark.contract("CHAT-10", "CHAT-04")
def test_a_clean_function_of_ones_own_trims_streams_too(add_scripted: AddScripted) -> None:
    llm, _ = client(add_scripted, [["  a ", "b ", " END", " c"]])
    llm.setup_template("local", Template(role_mapping={}, clean_func=lambda text: text.split("END")[0].strip()))
    texts = [text for text, _ in llm.stream_chat_oai("?")]
    assert texts == ["a", "a b", "a b"]


@pytest.mark.contract("CHAT-10", "PROMPT-10")
def test_a_prompt_function_is_trimmed_too(add_scripted: AddScripted) -> None:
    llm, _ = client(add_scripted, [["hi<|im_end|>x"], ["hi<|im_end|>x"]])
    llm.setup_template("local", Templates.qwen())

    @prompt(llm=llm)
    def whole() -> str:
        """Greet me."""

    @llm.prompt()
    def pieces() -> Generator[str, None, None]:
        """Greet me."""

    assert whole() == "hi"
    assert list(pieces()) == ["hi"]


@pytest.mark.contract("CHAT-10")
def test_auto_leaves_a_provider_alone(llm: SimpleByzerLLM) -> None:
    assert llm.setup_template("chat", "auto").chat_oai("a<|im_end|>").output == "a<|im_end|>"


@pytest.mark.contract("CHAT-10")
def test_auto_is_qwen_for_the_first_qwen(add_scripted: AddScripted) -> None:
    llm, engine = client(add_scripted, [["hi<|im_end|>x"], ["hi<|im_end|>x"]], kind=FirstQwen)
    llm.setup_template("local", "auto")
    assert llm.chat_oai("?").output == "hi"
    assert [text for text, _ in llm.stream_chat_oai("?", delta_mode=True) if text] == ["hi"]
    assert engine.records[0].options.stop_token_ids == (151643, 151645)


@pytest.mark.contract("CHAT-10")
def test_auto_leaves_a_model_with_its_own_template_alone(add_scripted: AddScripted) -> None:
    llm, engine = client(add_scripted, [["hi"]])
    assert llm.setup_template("local", "auto").chat_oai("?").output == "hi"
    assert engine.records[0].options.given() == {}


@pytest.mark.contract("CHAT-10")
def test_auto_names_a_model_that_has_no_template_at_all(add_scripted: AddScripted) -> None:
    llm, engine = client(add_scripted, [], kind=Untaught)
    llm.setup_template("local", "auto")
    with pytest.raises(UnsupportedError, match="'local' has no chat template") as refused:
        llm.chat_oai("?")
    assert "setup_template('local', Templates.default())" in refused.value.hint
    assert engine.records == []


@pytest.mark.contract("CHAT-11")
def test_setup_auto_reads_what_a_local_model_knows_of_itself(add_scripted: AddScripted) -> None:
    llm, _ = client(add_scripted, [["hi"]])
    assert llm.setup_auto() is llm
    assert llm.get_max_model_length("local") == 4096
    assert llm.chat_oai("?").output == "hi"


@pytest.mark.contract("CHAT-11")
def test_setup_auto_does_nothing_for_a_provider(llm: SimpleByzerLLM) -> None:
    assert llm.setup_auto("chat") is llm
    assert llm.get_max_model_length("chat") is None


@pytest.mark.contract("CHAT-11")
def test_setup_auto_names_a_model_without_template(add_scripted: AddScripted) -> None:
    llm, _ = client(add_scripted, [], kind=Untaught)
    with pytest.raises(UnsupportedError, match="'local'"):
        llm.setup_auto()


@pytest.mark.contract("CHAT-11")
def test_setup_auto_needs_a_model() -> None:
    with pytest.raises(ValueError, match="model name is required"):
        SimpleByzerLLM().setup_auto()
