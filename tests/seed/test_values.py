"""`byzerllm.types`: one value a class."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from pydantic import BaseModel, Field, ValidationError

from byzer_nb import SimpleByzerLLM
from byzer_nb.seed.values import Bool, Float, Int
from tests.standins.openai import OpenAIStandIn
from tests.standins.vendor import Act


class Named(BaseModel):
    """A thing with a name."""

    name: str = Field(..., description="名字")


@pytest.mark.contract("STRUCT-12")
@pytest.mark.parametrize(
    ("cls", "given", "value"), [(Bool, "true", True), (Bool, False, False), (Int, "3", 3), (Float, "2.5", 2.5)]
)
def test_a_value_is_read_in_the_form_in_which_it_comes(cls: Any, given: object, value: object) -> None:
    assert cls(value=given).value == value


@pytest.mark.contract("STRUCT-12")
@pytest.mark.parametrize(("cls", "given"), [(Bool, "maybe"), (Int, "x"), (Int, 2.5), (Float, "x")])
def test_a_value_that_is_none_is_refused(cls: Any, given: object) -> None:
    with pytest.raises(ValidationError):
        cls(value=given)


@pytest.mark.contract("COMPAT-04")
def test_a_format_function_may_use_the_old_name_of_the_schema(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    def old(prompt: str, cls: Any) -> str:
        text: str = cls.schema_json(ensure_ascii=False)
        return f"{prompt} {text}"

    openai.always = Act(reply='{"name": "x"}')
    llm.setup_response_class_format_func("chat", old)
    with pytest.warns(DeprecationWarning, match="schema_json"):  # theirs, not ours
        (answer,) = llm.chat_oai("Name it.", response_class=Named)
    assert answer.value == Named(name="x")
    assert "名字" in openai.requests[0].body["messages"][0]["content"]


@pytest.mark.contract("COMPAT-04")
def test_nothing_of_ours_is_deprecated(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    openai.always = Act(reply='{"name": "x"}')
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        llm.chat_oai("Name it.", response_class=Named, response_after_chat=True)
        (answer,) = llm.chat_oai("Name it.", response_class='{"type": "object"}')
    assert answer.value == {"name": "x"}
