"""`verbose` shows each call, and no key is shown anywhere."""

from __future__ import annotations

import logging
import traceback
from typing import Any

import pytest
from pydantic import BaseModel

from byzer_nb import SimpleByzerLLM
from byzer_nb.errors import ByzerError
from tests.seed.conftest import Deploy
from tests.standins.openai import OpenAIStandIn
from tests.standins.vendor import Act


class Story(BaseModel):
    """A story."""

    title: str


@pytest.mark.contract("CORE-04")
def test_each_call_prints_one_line_with_its_payload(
    llm: SimpleByzerLLM, openai: OpenAIStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    llm.verbose = True
    llm.chat_oai("two\nlines", llm_config={"gen.stop": ["x"], "max_length": 5})
    (line,) = capsys.readouterr().out.splitlines()
    for part in ("'chat'", "two\\nlines", "'max_tokens': 5", "'x'", "'temperature': 0.7"):
        assert part in line


@pytest.mark.contract("CORE-04")
def test_streams_and_prompt_functions_print_theirs_too(
    llm: SimpleByzerLLM, openai: OpenAIStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    llm.verbose = True
    openai.always = Act(reply='{"title": "x"}')

    @llm.prompt()
    def greet(name: str) -> str:
        """Greet {{ name }}."""

    list(llm.stream_chat_oai("hi"))
    greet("Ann")
    llm.chat_oai("hi", response_class=Story, response_after_chat=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert "Greet Ann." in lines[1]


@pytest.mark.contract("CORE-04")
def test_a_quiet_client_prints_nothing(llm: SimpleByzerLLM, capsys: pytest.CaptureFixture[str]) -> None:
    llm.chat_oai("hi")
    assert capsys.readouterr().out == ""


@pytest.mark.contract("CORE-04")
def test_no_line_has_a_key_in_it(llm: SimpleByzerLLM, deploy: Deploy, capsys: pytest.CaptureFixture[str]) -> None:
    llm.verbose = True
    extra = {"user": "ann", "api_key": "sk-canary-body", "headers": [{"Authorization": "Bearer sk-canary-head"}]}
    llm.chat_oai("hi", extra_request_params=extra)
    line = capsys.readouterr().out
    assert "canary" not in line
    assert "'user': 'ann'" in line


@pytest.mark.contract("CORE-12")
@pytest.mark.parametrize("act", [Act(status=401), Act(status=400), Act(hang_up=True), Act(raw=b"<html>")])
def test_a_key_is_in_no_error_no_repr_and_no_log(
    llm: SimpleByzerLLM, openai: OpenAIStandIn, act: Act, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    message = {"message": f"bad key {openai.key} in Bearer {openai.key}", "type": "x", "code": None}
    openai.always = Act(**{**vars(act), "error": message}) if act.status != 200 else act
    with pytest.raises(ByzerError) as failed:
        llm.chat_oai("hi")
    told = "".join(traceback.format_exception(failed.value))
    seen: list[Any] = [told, repr(failed.value), vars(failed.value), caplog.text, llm, vars(llm), llm.get_meta()]
    seen += [vars(llm._models_here), llm.client, vars(llm.client)]
    assert openai.key not in "\n".join(map(str, seen))
