"""`ByzerLLM` without a cluster: it is made at once, and the first call says what is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from byzer_nb import ByzerLLM
from byzer_nb.errors import NotConnectedError


@pytest.mark.parametrize(
    "call",
    [
        lambda llm: llm.chat_oai("hi"),
        lambda llm: list(llm.stream_chat_oai("hi")),
        lambda llm: llm.chat("chat", "hi"),
        lambda llm: llm.emb("emb", ["hi"]),
        lambda llm: llm.get_meta(),
        lambda llm: llm.setup_auto(),
        lambda llm: llm.deploy(model_path="", pretrained_model_type="saas/openai", udf_name="chat", infer_params={}),
        lambda llm: llm.undeploy(udf_name="chat"),
        lambda llm: llm.is_model_exist("chat"),
    ],
    ids=["chat_oai", "stream", "chat", "emb", "get_meta", "setup_auto", "deploy", "undeploy", "is_model_exist"],
)
def test_every_way_to_a_model_says_that_there_is_no_cluster(call: Callable[[ByzerLLM], Any]) -> None:
    llm = ByzerLLM.from_default_model("chat").setup_template("chat", "auto")
    with pytest.raises(NotConnectedError, match="connect_cluster") as refused:
        call(llm)
    assert isinstance(refused.value, RuntimeError)
    assert "SimpleByzerLLM" in refused.value.hint
