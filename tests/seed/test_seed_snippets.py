"""The snippets of the seed documents run as they are printed, against a provider on this machine: see snippets.py."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from byzer_nb import SimpleByzerLLM
from byzer_nb.seed.responses import LLMRequest
from tests.house.tree import ROOT
from tests.seed.conftest import Deploy
from tests.seed.snippets import FOLDER, Notebook, Snippet
from tests.standins.openai import OpenAIStandIn, embedding
from tests.standins.vendor import Act, Body

MODELS = ("chat", "deepseek_chat", "emb", "gpt3_5_chat", "llama_chat", "sparkdesk_chat", "zephyr_7b_chat")
STORY = '```json\n{"title": "勇敢的小鸟", "body": "从前……"}\n```'


@pytest.fixture
def notebook(byzerllm: ModuleType, openai: OpenAIStandIn, deploy: Deploy) -> Notebook:
    """A notebook of the documents, whose models run on the stand-in."""
    llm = SimpleByzerLLM(default_model_name="chat")
    for name in MODELS:
        deploy(llm, name)
    return Notebook(
        {
            "byzerllm": byzerllm,
            "llm": llm,
            "os": os,
            "LLMRequest": LLMRequest,
            "chat_model_name": "chat",
            "context": "Byzer-SQL speaks SQL only.",
        }
    )


Printed = Callable[[], str]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Printed:
    """What the snippets have printed so far."""
    return lambda: capsys.readouterr().out


def last_question(openai: OpenAIStandIn) -> str:
    text: str = openai.requests[-1].body["messages"][-1]["content"]
    return text


def test_every_snippet_is_run_by_a_test_of_this_file() -> None:
    tests = Path(__file__).read_text(encoding="utf-8")
    names = [path.stem for path in FOLDER.glob("*.py")]
    assert len(names) > 30
    assert [name for name in names if f'"{name}"' not in tests] == []


def test_every_head_names_promises_of_the_contract() -> None:
    known = (ROOT / "tests" / "golden" / "contract.txt").read_text(encoding="utf-8").split()
    for path in FOLDER.glob("*.py"):
        assert Snippet(path.stem).list_of("holds")
        assert set(Snippet(path.stem).list_of("holds")) <= set(known), path.stem


# -- the guide ----------------------------------------------------------------------------------------------------


@pytest.mark.contract("CORE-12")
def test_a_client_without_ray_reads_its_key_from_a_file(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    keys = tmp_path / ".auto-coder" / "keys"
    keys.mkdir(parents=True)
    (keys / "api.deepseek.com").write_text("sk-written-with-a-line-end\n")
    try:
        assert notebook.run("s003_simple_client") == {"model": "deepseek_chat", "status": "deployed"}
    finally:
        notebook.names["llm"].undeploy("deepseek_chat")


@pytest.mark.contract("PROMPT-01", "PROMPT-03", "CORE-11", "COMPAT-01")
def test_hello_is_answered(notebook: Notebook, openai: OpenAIStandIn, printed: Printed) -> None:
    openai.always = Act(reply="你好！我是一个人工智能助手。")
    notebook.run("s003_hello")
    assert printed() == "你好！我是一个人工智能助手。\n"
    assert last_question(openai) == "你好, 你是谁"


@pytest.mark.contract("PROMPT-08", "PROMPT-04")
def test_the_prompt_of_hello_is_shown_without_a_call(notebook: Notebook, openai: OpenAIStandIn) -> None:
    notebook.run("s003_hello")
    calls = len(openai.requests)
    assert notebook.run("s003_hello_prompt") == "你好, 你是谁"
    assert len(openai.requests) == calls + 1  # that of the snippet it goes on from


@pytest.mark.contract("PROMPT-11")
def test_hello_takes_another_client(notebook: Notebook, openai: OpenAIStandIn) -> None:
    openai.always = Act(reply="你好！")
    assert notebook.run("s003_hello_with_llm") == "你好！"


@pytest.mark.contract("PROMPT-09")
def test_a_prompt_function_gives_a_story(notebook: Notebook, openai: OpenAIStandIn, printed: Printed) -> None:
    openai.always = Act(reply=STORY)
    notebook.run("s003_story_class")
    assert printed() == "True\n勇敢的小鸟\n"
    assert "故事的标题" in last_question(openai)


@pytest.mark.contract("PROMPT-15")
def test_a_return_type_gives_a_story_that_the_prompt_describes(
    notebook: Notebook, openai: OpenAIStandIn, printed: Printed
) -> None:
    openai.always = Act(reply=STORY)
    notebook.run("s003_story_json")
    assert printed() == "True\n勇敢的小鸟\n"
    assert last_question(openai).rstrip().endswith("```")


@pytest.mark.contract("PROMPT-16")
def test_an_extractor_finds_the_regular_expression(notebook: Notebook, openai: OpenAIStandIn, printed: Printed) -> None:
    openai.always = Act(reply=r"Here it is: <REGEX>^[a-z]+@[a-z]+\.[a-z]{2,}$</REGEX>")
    notebook.run("s003_regex_extractor")
    assert printed() == "^[a-z]+@[a-z]+\\.[a-z]{2,}$\n"
    assert "匹配一个邮箱地址" in last_question(openai)


@pytest.mark.contract("PROMPT-21", "PROMPT-04")
def test_a_method_loops_over_its_tasks(notebook: Notebook, openai: OpenAIStandIn, printed: Printed) -> None:
    notebook.run("s003_reminder_loop")
    assert "- Task: Finish project | Due: 2024-03-15" in last_question(openai)
    assert printed().startswith("Hello Jane Doe,")


@pytest.mark.contract("PROMPT-06", "PROMPT-21")
def test_the_body_of_a_method_writes_the_tasks(notebook: Notebook, openai: OpenAIStandIn) -> None:
    notebook.run("s003_reminder_body")
    assert "- Task: Submit report | Due: 2024-03-10\n- Task: Finish project" in last_question(openai)


@pytest.mark.contract("CHAT-04")
def test_a_stream_is_printed_piece_by_piece(notebook: Notebook, openai: OpenAIStandIn, printed: Printed) -> None:
    openai.always = Act(reply=["你好", "！", "我", "是一个"])
    notebook.run("s003_stream_deltas")
    assert printed() == "你好\n！\n我\n是一个\n\n"  # the last pair brings the counts
    assert notebook.names["meta"].finish_reason == "stop"
    assert notebook.names["meta"].generated_tokens_count == 4


@pytest.mark.contract("CHAT-01")
def test_a_chat_is_printed(notebook: Notebook, openai: OpenAIStandIn, printed: Printed) -> None:
    openai.always = Act(reply="你好！")
    notebook.run("s003_chat_oai")
    assert printed() == "你好！\n"


@pytest.mark.contract("CHAT-04")
def test_a_stream_without_delta_mode_gives_the_text_so_far(
    notebook: Notebook, openai: OpenAIStandIn, printed: Printed
) -> None:
    openai.always = Act(reply=["从前", "有", "座山"])
    notebook.run("s003_stream_chat")
    assert printed() == "从前从前有从前有座山从前有座山"


@pytest.mark.contract("PROMPT-10")
def test_a_prompt_function_streams_text(notebook: Notebook, openai: OpenAIStandIn, printed: Printed) -> None:
    openai.always = Act(reply=["从前", "有", "座山"])
    notebook.run("s003_stream_prompt")
    assert printed() == "从前有座山"


@pytest.mark.contract("EMB-02")
def test_a_text_becomes_a_vector(notebook: Notebook) -> None:
    assert notebook.run("s003_emb_query")[0].output == pytest.approx(embedding("你好", 8))


@pytest.mark.contract("CHAT-08")
def test_an_answer_is_continued(notebook: Notebook, openai: OpenAIStandIn) -> None:
    openai.always = Act(reply=" and on")
    notebook.run("s003_response_prefix")
    assert notebook.names["k"] == " and on"
    assert openai.requests[-1].body["messages"][-1] == {"role": "assistant", "content": "xxxxx", "prefix": True}


@pytest.mark.contract("UTIL-07", "PROMPT-15", "STRUCT-12")
def test_files_are_checked_for_encodings(
    notebook: Notebook, openai: OpenAIStandIn, printed: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge(body: Body) -> str:
        code = body["messages"][-1]["content"]
        return '{"value": ' + ("true" if "open(path)" in code else "false") + "}"

    openai.always = Act(reply=judge)
    folder = tmp_path / "xxxx"
    folder.mkdir()
    (folder / "bad.py").write_text("# 读\nopen(path)", encoding="gbk")
    (folder / "good.py").write_text("open(path, encoding='utf-8')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    notebook.run("s003_encoding_check")
    assert notebook.names["issues"] == [str(Path("xxxx") / "bad.py")]
    assert "发现以下文件可能存在Windows编码问题：\n- xxxx/bad.py\n" in printed()


@pytest.mark.contract("UTIL-01", "COMPAT-02")
def test_code_is_taken_out_of_markdown(notebook: Notebook, printed: Printed) -> None:
    notebook.run("s003_code_utils")
    assert printed() == "ls -l\n"


@pytest.mark.contract("UTIL-03", "COMPAT-02")
def test_images_are_taken_out_of_their_tags(notebook: Notebook, printed: Printed) -> None:
    notebook.run("s003_tag_extractor")
    assert printed() == "data:image/jpeg;base64,xxxxxx\ndata:image/jpeg;base64,xxxxxx2\n"


# -- the older documents ------------------------------------------------------------------------------------------


@pytest.mark.contract("EMB-01")
def test_a_request_becomes_a_vector(notebook: Notebook) -> None:
    assert notebook.run("s000_emb") == pytest.approx(embedding("wow", 8))


@pytest.mark.contract("CHAT-04", "COMPAT-03")
def test_the_items_of_a_stream_are_used_as_strings(notebook: Notebook, openai: OpenAIStandIn, printed: Printed) -> None:
    openai.always = Act(reply=["I am", " fine"])
    notebook.run("s000_stream_lines")
    assert printed() == "I am\n\nI am fine\n\nI am fine\n\n"


@pytest.mark.contract("CHAT-02")
def test_a_request_is_answered(notebook: Notebook) -> None:
    assert notebook.run("s000_chat_request") == "hello world"


@pytest.mark.contract("STRUCT-07")
def test_a_chat_gives_a_story(notebook: Notebook, openai: OpenAIStandIn) -> None:
    openai.always = Act(reply=STORY)
    assert notebook.run("s000_response_class").title == "勇敢的小鸟"
    assert "请给我讲个故事" in last_question(openai)


@pytest.mark.contract("STRUCT-08")
def test_a_story_is_told_first_and_shaped_afterwards(notebook: Notebook, openai: OpenAIStandIn) -> None:
    openai.next(Act(reply=STORY), Act(reply="从前有一只小鸟。"), Act(reply=STORY))
    assert notebook.run("s000_response_after_chat").title == "勇敢的小鸟"
    assert [request.body["messages"][-1]["role"] for request in openai.requests] == ["user"] * 3
    assert openai.requests[-1].body["messages"][-2] == {"role": "assistant", "content": "从前有一只小鸟。"}


@pytest.mark.contract("CORE-10")
def test_a_model_says_what_it_is(notebook: Notebook) -> None:
    meta = notebook.run("s000_get_meta")
    assert meta["model_deploy_type"] == "saas"
    assert meta["max_model_len"] == 8192


@pytest.mark.contract("CHAT-10")
@pytest.mark.parametrize("name", ["s000_template_qwen", "s000_template_auto"])
def test_a_template_is_set_up(notebook: Notebook, name: str) -> None:
    assert notebook.run(name) is notebook.names["llm"]
    assert notebook.names["llm"].chat_oai("hi").output == "hi"


@pytest.mark.contract("CHAT-09")
def test_generation_options_are_set_up(notebook: Notebook, openai: OpenAIStandIn) -> None:
    notebook.run("s000_generation_params")
    notebook.names["llm"].chat_oai("hi", model="chat")
    assert openai.requests[-1].body["stop_token_ids"] == [7]


@pytest.mark.contract("CHAT-10")
def test_the_template_of_qwen_trims_a_joke(notebook: Notebook, openai: OpenAIStandIn, printed: Printed) -> None:
    openai.always = Act(reply="从前有个笑话。<|im_end|>\n<|im_start|>user\n再来一个")
    notebook.run("s000_qwen_joke")
    assert "output='从前有个笑话。'" in printed()


@pytest.mark.contract("COMPAT-04", "STRUCT-02")
@pytest.mark.filterwarnings("ignore:.*invalid escape sequence", "ignore:.*schema_json.*:DeprecationWarning")
def test_a_format_function_writes_signature_and_schema(notebook: Notebook) -> None:
    import pydantic

    class Time(pydantic.BaseModel):
        time: str = pydantic.Field(..., description="时间")

    def now(zone: str = "UTC") -> Time:
        """计算当前时间"""
        raise NotImplementedError

    notebook.run("s000_impl_format")
    text = notebook.names["function_impl_format2"]("现在几点", func=now, cls=Time)
    assert '"description": "计算当前时间"' in text
    assert '"description":"时间"' in text.replace(": ", ":")


@pytest.mark.contract("CHAT-10", "COMPAT-02")
def test_a_default_template_is_named_by_keyword(notebook: Notebook, openai: OpenAIStandIn, printed: Printed) -> None:
    notebook.run("s002_zephyr_template")
    assert printed() == "你好\n"


@pytest.mark.contract("PROMPT-02", "PROMPT-05")
def test_a_client_decorates_a_simple_template(notebook: Notebook, openai: OpenAIStandIn, printed: Printed) -> None:
    openai.always = Act(reply="一个全SQL方言")
    notebook.run("s002_simple_render")
    assert printed() == "一个全SQL方言\n"
    assert last_question(openai).endswith("Question: Byzer SQL是什么？\nAnswer:")


@pytest.mark.contract("PROMPT-21")
def test_a_prompt_class_asks_its_own_client(notebook: Notebook, openai: OpenAIStandIn, printed: Printed) -> None:
    openai.always = Act(reply="SQL")
    notebook.run("s002_prompt_class")
    assert printed() == "SQL\n"


@pytest.mark.contract("PROMPT-03", "PROMPT-05")
def test_a_prompt_class_without_client_gives_its_text(
    notebook: Notebook, openai: OpenAIStandIn, printed: Printed
) -> None:
    notebook.run("s002_prompt_class_without_llm")
    assert printed() == (
        "Answer the question based on only the following context:\n"
        "Byzer-SQL speaks SQL only.\nQuestion: Byzer SQL是什么？\nAnswer:\n"
    )
    assert openai.requests == []


@pytest.mark.contract("PROMPT-09")
def test_a_prompt_class_gives_an_object(notebook: Notebook, openai: OpenAIStandIn, printed: Printed) -> None:
    fields = ("byzer_retrieval", "byzer_llm", "byzer_agent", "byzer_perf", "byzer_evaluation")
    answer = "{" + ", ".join(f'"{name}": "-"' for name in fields) + ', "byzer_sql": "一套全SQL方言"}'
    openai.always = Act(reply=answer)
    notebook.run("s002_prompt_class_pydantic")
    assert printed().endswith("一套全SQL方言\n")


@pytest.mark.contract("PROMPT-04", "PROMPT-07")
def test_a_prompt_class_takes_its_arguments_from_a_dict(notebook: Notebook, openai: OpenAIStandIn) -> None:
    notebook.run("s002_prompt_class_jinja")
    assert "3 pending tasks" in last_question(openai)


@pytest.mark.contract("PROMPT-06")
def test_a_prompt_class_writes_its_tasks_itself(notebook: Notebook, openai: OpenAIStandIn) -> None:
    notebook.run("s002_prompt_class_body")
    assert "- Task: Reply to emails | Due: 2024-03-08" in last_question(openai)


@pytest.mark.contract("PROMPT-01")
def test_a_prompt_function_names_its_model(notebook: Notebook, openai: OpenAIStandIn) -> None:
    assert notebook.run("s004_hello_llm") == "你好，我是byzerllm，你是谁？"


@pytest.mark.contract("PROMPT-08")
@pytest.mark.parametrize("name", ["s004_hello_llm_prompt", "s004_other_model_prompt"])
def test_its_prompt_is_shown_whatever_its_model(notebook: Notebook, name: str) -> None:
    assert notebook.run(name) == "你好，我是byzerllm，你是谁？"


def test_no_key_reaches_the_names_of_a_notebook_as_text(notebook: Notebook, openai: OpenAIStandIn) -> None:
    notebook.run("s003_hello")
    assert openai.key not in repr(notebook.names)
