"""Snippets of the seed documents on a real cluster, to the letter, with `ray.init`, `connect_cluster`, `ByzerLLM`."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from byzer_nb import ByzerLLM
from byzer_nb._sync import run
from byzer_nb.client.deployed import deployed_models
from byzer_nb.cluster import session
from byzer_nb.seed.responses import LLMRequest
from tests.seed.conftest import byzerllm
from tests.seed.snippets import Snippet

__all__ = ["byzerllm"]  # a fixture

MODELS = ("chat", "deepseek_chat", "sparkdesk_chat")
# Each with what it prints or asks for when the model echoes.
SNIPPETS = {
    "s002_prompt_class": "Byzer-SQL",
    "s002_prompt_class_body": "- Task: Reply to emails | Due: 2024-03-08",
    "s002_prompt_class_jinja": "Due: 2024-03-15",
    "s002_prompt_class_without_llm": "Byzer-SQL",
    "s003_chat_oai": "你好",
    "s003_hello": "你好, 你是谁",
    "s003_reminder_body": "- Task: Submit report | Due: 2024-03-10",
    "s003_reminder_loop": "Due: 2024-03-15",
    "s003_stream_deltas": "你",
    "s003_stream_prompt": "给我讲",
}


@pytest.fixture(scope="module")
def models(cluster: session.Connection) -> Iterator[ByzerLLM]:
    """Models that echo, deployed as the documents do it."""
    llm = ByzerLLM()
    llm.setup_gpus_per_worker(0).setup_num_workers(1).setup_cpus_per_worker(0.001)
    for name in MODELS:
        llm.deploy(model_path="", pretrained_model_type="saas/scripted", udf_name=name, infer_params={})
    yield llm
    for name in MODELS:
        llm.undeploy(name)
    run(deployed_models().close())


@pytest.mark.contract("COMPAT-01", "CORE-01", "CORE-02", "CORE-11")
@pytest.mark.parametrize("name", SNIPPETS)
def test_a_snippet_runs_to_the_letter(
    name: str, models: ByzerLLM, byzerllm: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {
        "__name__": "notebook",
        "LLMRequest": LLMRequest,
        "byzerllm": byzerllm,
        "chat_model_name": "chat",
        "context": "Byzer-SQL speaks SQL only.",
        "llm": models,
    }
    models.setup_default_model_name("chat")
    for part in [*Snippet(name).list_of("after"), name]:
        exec(compile(Snippet(part).text, part, "exec"), names)
    assert SNIPPETS[name] in capsys.readouterr().out
