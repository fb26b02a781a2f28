"""`tools=` of `chat_oai`: functions that a model calls, in the shapes of the documents."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import pytest

from byzer_nb import SimpleByzerLLM
from byzer_nb.prompts.function_formats import function_calling_format
from byzer_nb.prompts.function_json import serialize_function_to_json
from byzer_nb.providers.scripted import CAPABILITIES
from byzer_nb.types import ChatRequest
from tests.seed.conftest import AddScripted

NOW = "2026-01-31 12:00:00"


def compute_date_range(
    count: Annotated[int, "时间跨度，数值类型,如果用户说的是几天，几月啥的，比较模糊，务必使用默认值"],
    unit: Annotated[str, "时间单位，字符串类型", {"enum": ["day", "week", "month", "year"]}],
) -> list[str]:
    """计算日期范围"""
    return [f"{count} {unit}", NOW]


def compute_now() -> str:
    """计算当前时间"""
    return NOW


def calls(*wanted: tuple[str, dict[str, Any]]) -> str:
    """An answer that calls these functions, as models write it."""
    listed = [{"function": {"name": name, "arguments": arguments}} for name, arguments in wanted]
    return json.dumps({"id": "1", "type": "function", "tool_calls": listed}, ensure_ascii=False)


@pytest.fixture
def add_scripted(add_scripted: AddScripted) -> AddScripted:
    """Models that know no tools: they are asked in words, and call in words."""
    return partial(add_scripted, capabilities=replace(CAPABILITIES, tools=False, schema=False))


@pytest.fixture
def llm(add_scripted: AddScripted) -> SimpleByzerLLM:
    """A client of a model that picks a function by a word of the question."""

    def answer(request: ChatRequest) -> str:
        question = request.messages[-1].text.partition("\n")[0]
        if "时间" in question:
            return calls(("compute_now", {}))
        if "三个月" in question:
            return f"```json\n{calls(('compute_date_range', {'count': 3, 'unit': 'month'}))}\n```"
        return "Hello!"

    add_scripted("chat", answer)
    return SimpleByzerLLM(default_model_name="chat")


TOOLS = [compute_date_range, compute_now]


def asked(llm: SimpleByzerLLM, question: str, **more: Any) -> Any:
    conversation = [{"role": "user", "content": question}]
    return llm.chat_oai(conversation, **{"tools": TOOLS, "execute_tool": True, **more})


@pytest.mark.contract("STRUCT-03")
def test_function_that_the_model_picks_is_called_and_its_value_comes_back(llm: SimpleByzerLLM) -> None:
    t = asked(llm, "计算当前时间")
    assert t[0].values == [NOW]
    assert t[0].metadata == {"reason": "", "selected_functions": ["compute_now"]}
    assert json.loads(t[0].response.output)["tool_calls"][0]["function"]["name"] == "compute_now"
    assert asked(llm, "最近三个月趋势")[0].values == [["3 month", NOW]]


@pytest.mark.contract("STRUCT-03")
def test_small_talk_calls_nothing_and_keeps_its_text(llm: SimpleByzerLLM) -> None:
    t = asked(llm, "hi")
    assert t[0].values == []
    assert t[0].response.output == "Hello!"
    assert t[0].metadata["reason"] == "No json block found"


@pytest.mark.contract("STRUCT-03")
def test_without_execute_tool_the_plain_response_comes(llm: SimpleByzerLLM) -> None:
    t = asked(llm, "计算当前时间", execute_tool=False)
    assert "compute_now" in t[0].output
    assert t[0].metadata["finish_reason"] == "stop"


@pytest.mark.contract("STRUCT-03")
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (calls(("compute_date_range", {"count": "many", "unit": "day"})), "count: Input should be a valid integer"),
        (calls(("compute_date_range", {"count": 1, "unit": "hour"})), "unit: Input should be 'day'"),
        (calls(("no_such_function", {})), "There is no tool 'no_such_function'"),
        (calls(("fails", {})), "ZeroDivisionError: division by zero"),
        ('{"title": "x"}', "calls no function"),
    ],
)
def test_failures_are_reasons_and_never_raised(add_scripted: AddScripted, answer: str, reason: str) -> None:
    def fails() -> float:
        """Fails."""
        return 1 / 0

    add_scripted("chat", answer)
    t = asked(SimpleByzerLLM(default_model_name="chat"), "hi", tools=[*TOOLS, fails])
    assert t[0].values == []
    assert reason in t[0].metadata["reason"]
    assert t[0].response.output == answer


@pytest.mark.contract("STRUCT-03")
def test_one_bad_call_does_not_lose_the_good_ones(add_scripted: AddScripted) -> None:
    add_scripted("chat", calls(("compute_now", {}), ("gone", {}), ("compute_date_range", {"count": 1, "unit": "day"})))
    t = asked(SimpleByzerLLM(default_model_name="chat"), "hi")
    assert t[0].values == [NOW, ["1 day", NOW]]
    assert t[0].metadata["selected_functions"] == ["compute_now", "compute_date_range"]
    assert "'gone'" in t[0].metadata["reason"]


@pytest.mark.contract("STRUCT-03")
def test_func_params_reach_every_executed_tool(add_scripted: AddScripted) -> None:
    def greet(name: str, mark: str) -> str:
        """Greet somebody."""
        return f"Hello {name}{mark}"

    engine = add_scripted("chat", calls(("greet", {"name": "Ada"})))
    t = asked(SimpleByzerLLM(default_model_name="chat"), "hi", tools=[greet], func_params={"mark": "!"})
    assert t[0].values == ["Hello Ada!"]
    assert len(engine.records) == 1


@pytest.mark.contract("STRUCT-04")
def test_tool_choice_alone_is_offered_demanded_and_executed(add_scripted: AddScripted) -> None:
    engine = add_scripted("chat", calls(("compute_now", {})))
    llm = SimpleByzerLLM(default_model_name="chat")
    t = llm.chat_oai("hi", tools=[], tool_choice=compute_now, execute_tool=True)
    assert t[0].values == [NOW]
    assert "You must use compute_now" in engine.records[0].messages[-1].text or engine.records[0].tool_choice


@pytest.mark.contract("STRUCT-05")
def test_wording_of_ones_own_is_used_with_default_settings(add_scripted: AddScripted) -> None:
    engine = add_scripted("chat", calls(("compute_now", {})))
    llm = SimpleByzerLLM(default_model_name="chat")

    def mine(prompt: str, tools: Any, tool_choice: Any) -> str:
        return f"{prompt} | {[tool.__name__ for tool in tools]} | {tool_choice}"

    llm.setup_function_calling_format_func("chat", mine)
    assert asked(llm, "计算当前时间")[0].values == [NOW]
    assert engine.records[0].messages[-1].text == "计算当前时间 | ['compute_date_range', 'compute_now'] | None"
    assert engine.records[0].tools == ()
    llm.setup_sys_function_calling_format_func("chat", lambda prompt, tools, tool_choice: "the other")
    asked(llm, "计算当前时间")
    assert engine.records[1].messages[-1].text == "the other"


@pytest.mark.contract("STRUCT-05")
def test_prompt_alone_shows_what_would_be_sent(llm: SimpleByzerLLM) -> None:
    t = asked(llm, "计算当前时间", only_return_prompt=True)
    assert t[0].input == function_calling_format("计算当前时间", TOOLS, None)


@pytest.mark.contract("STRUCT-02")
def test_tools_may_be_json_and_those_are_skipped_with_a_reason(add_scripted: AddScripted) -> None:
    add_scripted("chat", calls(("compute_now", {})))
    t = asked(SimpleByzerLLM(default_model_name="chat"), "hi", tools=[serialize_function_to_json(compute_now)])
    assert t[0].values == []
    assert "nothing to run" in t[0].metadata["reason"]


@pytest.mark.contract("STRUCT-03")
async def test_async_form_calls_async_tools_too(add_scripted: AddScripted) -> None:
    async def now() -> datetime:
        """The time."""
        return datetime(2026, 1, 31)

    add_scripted("chat", calls(("now", {})))
    llm = SimpleByzerLLM(default_model_name="chat")
    t = await llm.async_chat_oai("hi", tools=[now], execute_tool=True)
    assert t[0].values == [datetime(2026, 1, 31)]
