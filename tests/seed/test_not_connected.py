"""`ByzerLLM` without a cluster: it is made at once, and the first call says what is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from byzer_nb import ByzerLLM, connect_cluster
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
    llm = ByzerLLM.from_default_model("chat", auto_connect_cluster=False).setup_template("chat", "auto")
    with pytest.raises(NotConnectedError, match="connect_cluster") as refused:
        call(llm)
    assert isinstance(refused.value, RuntimeError)
    assert "SimpleByzerLLM" in refused.value.hint


@pytest.mark.contract("CORE-01", "CORE-11")
@pytest.mark.parametrize("connect", [connect_cluster, lambda: ByzerLLM.from_default_model("chat")])
def test_connecting_where_nothing_runs_says_what_to_type(
    connect: Callable[[], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))  # where the addresses of running clusters would stand
    with pytest.raises(ConnectionError, match="No Ray cluster was found at 'auto'") as nobody:
        connect()
    assert "ray start --head" in nobody.value.hint  # type: ignore[attr-defined]
