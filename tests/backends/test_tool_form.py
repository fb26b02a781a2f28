"""Tools through a model's own chat template: shown in its words, called in its words, answered in its words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest

from byzer_nb.backends.byzer_tiny import WEIGHTS, ByzerTiny
from byzer_nb.backends.chat_template import ChatTemplate
from byzer_nb.backends.numpy_engine import NumpyEngine
from byzer_nb.backends.tool_form import tool_form
from byzer_nb.backends.transformers_engine import TransformersEngine
from byzer_nb.client import AsyncClient, LocalTransport
from byzer_nb.client.gather import gather
from byzer_nb.errors import BadInputError, UnsupportedError
from byzer_nb.prompts.tool_loop import ToolLoop
from byzer_nb.prompts.tools import as_tools
from byzer_nb.types import AnswerSchema, ChatOptions, ChatRequest, DeploySpec, Message, Reply, ToolCall, ToolSpec
from tests.backends.speaking import deltas_of, speaking_engine
from tests.tiny_models import CHAT_TEMPLATE

SAID = "<|{{ m.role }}|>{{ m.content }}"
ANSWER = "{% if add_generation_prompt %}<|assistant|>{% endif %}"
HERMES = (
    "{% if tools %}<|system|><tools>{% for tool in tools %}{{ tool | tojson }}{% endfor %}</tools><|end|>{% endif %}"
    "{% for m in messages %}{% if m.role == 'tool' %}<|user|><tool_response>{{ m.content }}</tool_response>"
    f"{{% else %}}{SAID}{{% for call in m.tool_calls %}}<tool_call>\n"
    '{"name": {{ call.function.name | tojson }}, "arguments": {{ call.function.arguments | tojson }}}\n</tool_call>'
    f"{{% endfor %}}{{% endif %}}<|end|>{{% endfor %}}{ANSWER}"
)
LLAMA = (
    "{% if tools is not none %}<|system|>{% for tool in tools %}{{ tool | tojson(indent=4) }}{% endfor %}<|end|>"
    "{% endif %}{% for m in messages %}{% if 'tool_calls' in m %}{% if m.tool_calls | length > 1 %}"
    "{{ raise_exception('one call at a time') }}{% endif %}<|assistant|>"
    '{"name": "{{ m.tool_calls[0].function.name }}", "parameters": {{ m.tool_calls[0].function.arguments | tojson }}}'
    "{% elif m.role == 'tool' %}<|ipython|>{{ {'output': m.content} | tojson }}"
    f"{{% else %}}{SAID}{{% endif %}}<|end|>{{% endfor %}}{ANSWER}"
)
MISTRAL = (
    "{% set asked = messages | selectattr('role', 'equalto', 'user') | list %}"
    "{% for m in messages %}{% if m.role == 'user' %}"
    "{% if m == asked[-1] and tools %}[AVAILABLE_TOOLS]{{ tools | tojson }}[/AVAILABLE_TOOLS]{% endif %}"
    "[INST] {{ m.content }}[/INST]{% elif m.role == 'tool' %}"
    '[TOOL_RESULTS] {"content": {{ m.content | tojson }}, "call_id": "{{ m.tool_call_id }}"}[/TOOL_RESULTS]'
    "{% elif m.tool_calls is defined %}[TOOL_CALLS] [{% for call in m.tool_calls %}"
    "{% if call.id | length != 9 %}{{ raise_exception('ids have 9 letters') }}{% endif %}"
    '{{ (call.function | tojson)[:-1] }}, "id": "{{ call.id }}"}{% if not loop.last %}, {% endif %}{% endfor %}]'
    "{% else %} {{ m.content }}{% endif %}{% endfor %}"
)
TINY = (WEIGHTS / "chat_template.jinja").read_text(encoding="utf-8")
WITH_TAGS = (
    "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}"
    "{% for call in m.tool_calls %}<function={{ call.function.name }}>{{ call.function.arguments }}</function>"
    "{% endfor %}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
FORMS = {"hermes": HERMES, "llama": LLAMA, "mistral": MISTRAL, "byzer-tiny": TINY}

LENGTH = 2048  # tools are long for a tokenizer that knows no words
CALL = '{"name": "weather", "arguments": {"city": "Oslo"}}'
WEATHER = ToolSpec(
    name="weather",
    description="The weather of a city.",
    parameters={
        "additionalProperties": False,
        "properties": {"city": {"description": "a city", "type": "string", "maxLength": 8}},
        "required": ["city"],
        "type": "object",
    },
)
PLACE = {"$defs": {"Place": {"enum": ["here", "there"]}}, "properties": {"place": {"$ref": "#/$defs/Place"}}}
ROOMS = ToolSpec(name="rooms", parameters={**PLACE, "required": ["place"], "type": "object"})
OTHER_PLACE = {"$defs": {"Place": {"enum": [1, 2]}}, "properties": {"place": {"$ref": "#/$defs/Place"}}}
FLOORS = ToolSpec(name="floors", parameters={**OTHER_PLACE, "required": ["place"], "type": "object"})
ASKED = Message(role="user", content="Is it cold in Oslo?")


def asking(**more: Any) -> ChatRequest:
    """A question with a tool on offer."""
    return ChatRequest(**{"messages": (ASKED,), "tools": (WEATHER,), **more})


async def reply_to(folder: Path, answer: str, *, template: str = HERMES, **more: Any) -> Reply:
    """What becomes of an answer to a question with a tool on offer."""
    engine, _ = speaking_engine(folder, answer, chat_template=template, context_length=LENGTH)
    try:
        return await gather(engine.chat(asking(**more)), model="speaking")
    finally:
        await engine.close()


def called(reply: Reply) -> list[tuple[str, dict[str, Any]]]:
    return [(call.name, call.arguments) for call in reply.tool_calls]


@pytest.mark.parametrize("name", FORMS)
def test_a_template_with_tools_is_known_by_the_call_that_it_writes(name: str) -> None:
    form = tool_form(ChatTemplate(FORMS[name], model="m"))
    assert form is not None
    assert form.mark == {"hermes": "<tool_call>", "mistral": "[TOOL_CALLS]"}.get(name, "")
    assert form.keys == ("name", "parameters" if name == "llama" else "arguments")


@pytest.mark.parametrize("source", [CHAT_TEMPLATE, WITH_TAGS, "{% if tools %}{{ raise_exception('no') }}{% endif %}"])
async def test_without_tools_or_with_calls_in_an_unknown_form_a_model_is_asked_in_words(
    tiny_llama_dir: Path, source: str
) -> None:
    engine, _ = speaking_engine(tiny_llama_dir, CALL, chat_template=source)
    assert not engine.describe().capabilities.tools
    with pytest.raises(UnsupportedError, match="takes no tools"):
        await deltas_of(engine, asking())
    await engine.close()


@pytest.mark.contract("CHAT-12")
@pytest.mark.parametrize("name", FORMS)
def test_tools_calls_and_results_read_as_transformers_writes_them(model_folder: Callable[..., Path], name: str) -> None:
    from transformers import AutoTokenizer

    judge = AutoTokenizer.from_pretrained(model_folder(chat_template=FORMS[name]))
    call = ToolCall(name="weather", arguments={"city": "Århus"}, id="abcdefgh1")
    turns = (
        ASKED,
        Message(role="assistant", content="", tool_calls=(call,)),
        Message(role="tool", content="3 °C", tool_call_id=call.id),
        Message(role="user", content="And in Rome?"),
    )
    shown = {"type": "function", "id": call.id, "function": {"name": call.name, "arguments": call.arguments}}
    expected = judge.apply_chat_template(
        [
            {"role": "user", "content": ASKED.text},
            {"role": "assistant", "content": "", "tool_calls": [shown]},
            {"role": "tool", "name": "weather", "content": "3 °C", "tool_call_id": call.id},
            {"role": "user", "content": "And in Rome?"},
        ],
        tools=[
            {
                "type": "function",
                "function": {
                    "name": "weather",
                    "description": "The weather of a city.",
                    "parameters": {
                        "type": "object",
                        "properties": {"city": {"type": "string", "description": "a city", "maxLength": 8}},
                        "required": ["city"],
                    },
                },
            }
        ],
        tokenize=False,
        add_generation_prompt=True,
    )
    assert ChatTemplate(FORMS[name], model="m").render(turns, tools=(WEATHER,)) == expected


@pytest.mark.contract("STRUCT-03")
@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("hermes", f"<tool_call>\n{CALL}\n</tool_call>"),
        ("hermes", f"<tool_call>{CALL}"),
        ("hermes", CALL),
        ("hermes", '<tool_call>{"name": "weather", "arguments": "{\\"city\\": \\"Oslo\\"}"}</tool_call>'),
        ("llama", '{"name": "weather", "parameters": {"city": "Oslo"}}'),
        ("llama", f'{{"type": "function", "function": {CALL}}}'),
        ("mistral", f"[TOOL_CALLS] [{CALL}]"),
        ("mistral", f"[{CALL}]"),  # where the mark is a special token, which is no text
        ("byzer-tiny", CALL),
    ],
)
async def test_an_answer_that_calls_is_a_call_and_no_text(tiny_llama_dir: Path, name: str, answer: str) -> None:
    reply = await reply_to(tiny_llama_dir, answer, template=FORMS[name])
    assert called(reply) == [("weather", {"city": "Oslo"})]
    assert (reply.text, reply.finish_reason) == ("", "tool_calls")
    assert reply.tool_calls[0].id
    assert reply.usage.output_tokens > 0


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("hermes", f"<tool_call>\n{CALL}\n</tool_call>\n<tool_call>\n{CALL.replace('Oslo', 'Rome')}\n</tool_call>"),
        ("mistral", f"[TOOL_CALLS] [{CALL}, {CALL.replace('Oslo', 'Rome')}]"),
        ("byzer-tiny", f"{CALL}\n{CALL.replace('Oslo', 'Rome')}"),
        ("llama", f"{CALL}; {CALL.replace('Oslo', 'Rome')}"),
    ],
)
async def test_several_calls_of_one_turn_are_all_read(tiny_llama_dir: Path, name: str, answer: str) -> None:
    reply = await reply_to(tiny_llama_dir, answer, template=FORMS[name])
    assert called(reply) == [("weather", {"city": "Oslo"}), ("weather", {"city": "Rome"})]
    assert len({call.id for call in reply.tool_calls}) == 2


async def test_words_before_a_call_come_as_they_are_written(tiny_llama_dir: Path) -> None:
    engine, _ = speaking_engine(tiny_llama_dir, f"let me see <tool_call>{CALL}</tool_call>", chat_template=HERMES)
    *before, last = await deltas_of(engine, asking())
    assert "".join(delta.text for delta in before) == "let me see "
    assert len(before) > 1, "in pieces"
    assert (last.text, len(last.tool_calls)) == ("", 1)
    await engine.close()


@pytest.mark.parametrize("name", FORMS)
async def test_an_answer_in_words_streams_and_is_left_alone(tiny_llama_dir: Path, name: str) -> None:
    words = " i < 3 and it is [1] cold { there }"
    engine, _ = speaking_engine(tiny_llama_dir, words, chat_template=FORMS[name], context_length=LENGTH)
    deltas = await deltas_of(engine, asking())
    assert "".join(delta.text for delta in deltas) == words
    assert len(deltas) > 5
    assert deltas[-1].finish_reason == "stop"
    assert not any(delta.tool_calls for delta in deltas)
    await engine.close()


@pytest.mark.parametrize(
    "answer",
    [
        '{"city": "Oslo", "degrees": 3}',
        '{"name": "Ada", "age": 36}',
        "[1] says that it is cold",
        f"{CALL} is what i would call",
        '{"name": "weather", "arguments": {"city": "Os',
    ],
)
async def test_what_only_looks_like_a_call_stays_text(tiny_llama_dir: Path, answer: str) -> None:
    reply = await reply_to(tiny_llama_dir, answer, template=TINY)
    assert (reply.text, reply.tool_calls, reply.finish_reason) == (answer, (), "stop")


async def test_a_call_in_thoughts_is_a_thought(tiny_llama_dir: Path) -> None:
    thoughts = f"<think>\ni could write <tool_call>{CALL}</tool_call> but no</think>"
    reply = await reply_to(tiny_llama_dir, f"{thoughts}it is cold")
    assert (reply.text, reply.tool_calls) == (f"{thoughts}it is cold", ())
    for template, call in ((HERMES, f"<tool_call>{CALL}</tool_call>"), (TINY, CALL)):
        reply = await reply_to(tiny_llama_dir, f"{thoughts}\n\n{call}", template=template)
        assert called(reply) == [("weather", {"city": "Oslo"})]
        assert reply.text.strip() == thoughts


async def test_a_broken_call_is_told_to_whoever_makes_it(tiny_llama_dir: Path) -> None:
    reply = await reply_to(tiny_llama_dir, '<tool_call>{"name": "weather", "arguments": {"city": Oslo}}</tool_call>')
    (call,) = reply.tool_calls
    assert (call.name, call.arguments) == ("weather", {})
    assert "Oslo" in call.raw
    reply = await reply_to(tiny_llama_dir, '<tool_call>{"name": "weather", "arguments": [1]}</tool_call>')
    assert [(call.name, call.raw) for call in reply.tool_calls] == [("weather", "[1]")]


async def test_a_call_that_was_cut_is_no_call(tiny_llama_dir: Path) -> None:
    reply = await reply_to(tiny_llama_dir, f"<tool_call>{CALL}", options=ChatOptions(max_tokens=20))
    assert (reply.finish_reason, reply.tool_calls) == ("length", ())
    assert reply.text.startswith("<tool_call>{")


def test_several_calls_are_written_one_after_the_other_where_the_template_takes_no_two() -> None:
    calls = tuple(ToolCall(name="weather", arguments={"city": city}, id=city) for city in ("Oslo", "Rome"))
    turns = (
        ASKED,
        Message(role="assistant", content="", tool_calls=calls),
        *(Message(role="tool", content=f"frost in {call.id}", tool_call_id=call.id) for call in calls),
    )
    text = ChatTemplate(LLAMA, model="m").render(turns, tools=(WEATHER,))
    places = [text.index(part) for part in ('{"city": "Oslo"}', "frost in Oslo", '{"city": "Rome"}', "frost in Rome")]
    assert places == sorted(places)


def test_ids_of_other_vendors_are_made_short_and_still_belong_together() -> None:
    call = ToolCall(name="weather", arguments={}, id="call_of_another_vendor_1234567890")
    turns = (
        ASKED,
        Message(role="assistant", content="", tool_calls=(call,)),
        Message(role="tool", content="cold", tool_call_id=call.id),
    )
    text = ChatTemplate(MISTRAL, model="m").render(turns)
    (given,) = (part[:9] for part in text.split('"id": "')[1:])
    assert f'"call_id": "{given}"' in text


@pytest.mark.contract("STRUCT-04")
@pytest.mark.parametrize("backend", ["numpy", "transformers"])
@pytest.mark.parametrize("name", ["hermes", "llama", "mistral"])
async def test_a_call_that_must_be_made_is_made_by_pure_noise(
    model_folder: Callable[..., Path], name: str, backend: str
) -> None:
    spec = DeploySpec(
        name="noise", engine=backend, model_path=str(model_folder(chat_template=FORMS[name], context=LENGTH))
    )
    engine = {"numpy": NumpyEngine, "transformers": TransformersEngine}[backend].from_spec(spec)
    hot = ChatOptions(max_tokens=60, temperature=1.0, seed=7)
    reply = await gather(engine.chat(asking(tool_choice="weather", options=hot)), model="noise")
    (call,) = reply.tool_calls
    assert (call.name, list(call.arguments)) == ("weather", ["city"])
    assert len(call.arguments["city"]) <= 8
    assert reply.text == ""
    seen = set()
    for seed in range(12):
        hot = ChatOptions(max_tokens=60, temperature=2.0, seed=seed)
        reply = await gather(
            engine.chat(asking(tools=(ROOMS, FLOORS), tool_choice="required", options=hot)), model="noise"
        )
        (call,) = reply.tool_calls
        assert call.arguments["place"] in {"rooms": ("here", "there"), "floors": (1, 2)}[call.name]
        seen.add(call.name)
    assert seen == {"rooms", "floors"}
    await engine.close()


async def test_a_call_cannot_be_forced_beside_a_schema(tiny_llama_dir: Path) -> None:
    engine, _ = speaking_engine(tiny_llama_dir, CALL, chat_template=HERMES)
    with pytest.raises(UnsupportedError, match="cannot be made to call a tool"):
        await deltas_of(engine, asking(tool_choice="weather", schema=AnswerSchema(schema={"type": "object"})))
    with pytest.raises(BadInputError, match="no such tool"):
        await deltas_of(engine, asking(tool_choice="wetter"))
    await engine.close()


def test_a_model_with_a_template_of_its_own_for_tools_gets_that_one(model_folder: Callable[..., Path]) -> None:
    folder = model_folder()
    named = [{"name": "default", "template": CHAT_TEMPLATE}, {"name": "tool_use", "template": HERMES}]
    (folder / "chat_template.jinja").unlink()
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "chat_template": named}), encoding="utf-8")
    for engine in (NumpyEngine, TransformersEngine):
        made = engine.from_spec(DeploySpec(name="m", engine="m", model_path=str(folder)))
        assert made.describe().capabilities.tools
        assert made.apply_template((ASKED,)) == f"<|user|>{ASKED.text}<|end|><|assistant|>"


@pytest.mark.contract("STRUCT-01", "STRUCT-03")
async def test_byzer_tiny_calls_a_function_by_its_template_and_says_what_it_gave() -> None:
    def get_weather(city: Annotated[str, "the city"]) -> str:
        """Get the weather in a city."""
        return f"{len(city) * 7} degrees"

    transport = LocalTransport()
    await transport.add("tiny", ByzerTiny.from_spec(DeploySpec(name="tiny", engine="byzer-tiny")))
    asked = (Message(role="user", content="What is the weather in Oslo?"),)
    talk = await ToolLoop(AsyncClient(transport), asked, as_tools([get_weather]), model="tiny").run()
    assert (talk.way, talk.rounds) == ("tools", 2)
    assert [(made.call.name, made.call.arguments, made.value) for made in talk.made] == [
        ("get_weather", {"city": "Oslo"}, "28 degrees")
    ]
    assert "28 degrees" in talk.reply.text
    await transport.close()
