"""Deploying from a cell: what is shown, what is left, and prompts that reach the cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from IPython.core.interactiveshell import InteractiveShell

from byzer_nb._sync import run
from byzer_nb.cluster import directory, session
from byzer_nb.cluster.deployment import undeploy
from tests.cluster.test_on_ray import eventually
from tests.magics.conftest import cell, shell

Cell = Callable[[str], str]

__all__ = ["cell", "shell"]  # fixtures


@pytest.fixture(autouse=True)
def clean(cluster: session.Connection) -> Iterator[None]:
    """No model is left behind."""
    yield
    for name in directory.names():
        run(undeploy(name))


@pytest.mark.contract("NB-02")
def test_connecting_says_where_and_what_is_free(cell: Cell, cluster: session.Connection) -> None:
    assert cell("%llm_connect") == f"Started a private cluster at {cluster.address} · 2/2 CPU free · 0 models\n"
    assert "not in this version" in cell("%llm_connect http://127.0.0.1:8000/v1")


@pytest.mark.contract("NB-03")
def test_a_cell_deploys_and_prompts_reach_the_model(cell: Cell, shell: InteractiveShell) -> None:
    shown = cell("%%llm_deploy talker --type saas/scripted --workers 2 --concurrency 3 --default\nreply: Good day\n")
    phases = [line.partition(" ")[0] for line in shown.splitlines() if " · " in line]
    assert phases[0] == "checking"
    assert phases[-1] == "ready"
    assert "DeployedModel('talker', 'saas/scripted', 2 × 3 slots)" in shown
    answer = cell("%prompt Hello").splitlines()
    assert answer[0] == "Good day"
    assert answer[1].startswith("talker, worker ")
    assert cell("%prompt -m talker Hello").startswith("Good day")
    assert cell("%llm_undeploy talker") == "talker is undeployed: 2 workers ended, 0.02 CPU free again.\n"
    assert cell("%prompt Hello").splitlines()[1].startswith("byzer-tiny")


@pytest.mark.contract("NB-03")
def test_the_bundled_model_is_deployed_by_its_name_alone(cell: Cell) -> None:
    assert "'byzer-tiny', 1 × 1 slots" in cell("%llm_deploy byzer-tiny")
    assert "byzer-tiny, worker 0" in cell("%prompt -m byzer-tiny Hello")


@pytest.mark.contract("NB-03")
def test_a_variable_of_the_environment_is_a_secret(
    cell: Cell, shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_REPLY", "hidden-words")
    shown = cell("%%llm_deploy t --type saas/scripted\nmodel: ${MY_REPLY}\n")
    assert "hidden-words" not in shown.replace("'t'", "")
    missing = cell("%%llm_deploy u --type saas/openai\napi_key: ${MY_REPLI}\n")
    assert "There is no variable MY_REPLI in the environment." in missing
    assert "Did you mean 'MY_REPLY'?" in missing
    assert not directory.exists("u")


@pytest.mark.contract("NB-03")
@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("%llm_deploy", "The model needs a name"),
        ("%llm_deploy chat", "It is not said what 'chat' is."),
        ("%llm_deploy chat --type saas/openai", "saas/openai needs the setting api_key."),
        ("%llm_deploy chat --type saas/opnai", "unknown pretrained_model_type 'saas/opnai'"),
        ("%llm_deploy chat --path /nowhere", "There is nothing at '/nowhere'."),
        ("%llm_deploy chat --type saas/scripted --workers two", "--workers takes a number, not 'two'."),
        ("%llm_deploy chat --type saas/scripted --workers 0", "workers is a whole number of at least 1, not 0."),
        ("%llm_deploy chat --type saas/scripted --cpus 3", "'chat' does not fit into the cluster"),
        ("%llm_deploy chat --type saas/scripted --balance random", "the ways are lru, round_robin"),
        ("%%llm_deploy chat --type saas/scripted\n- a\n", "The cell holds no settings."),
        ("%%llm_deploy chat --type saas/scripted\na: [\n", "The cell is no YAML"),
        ("%llm_undeploy", "Which model?"),
        ("%llm_stat nope", "Model nope not deployed"),
        ("%llm_stat", "Which model?"),
    ],
)
def test_a_mistake_is_two_lines_and_leaves_nothing(cell: Cell, code: str, told: str) -> None:
    printed = [line for line in cell(code).splitlines() if " · " not in line and line]
    assert told in printed[0]
    assert len(printed) == 2
    assert directory.names() == []


@pytest.mark.contract("NB-03")
def test_a_model_that_does_not_load_shows_the_log_of_its_worker(cell: Cell, tmp_path: object) -> None:
    printed = cell(f"%llm_deploy chat --path {tmp_path} --backend numpy")
    assert "'config.json' is missing" in printed
    assert directory.names() == []


def test_a_name_that_is_taken_is_refused_or_replaced(cell: Cell) -> None:
    cell("%llm_deploy t --type saas/scripted")
    assert "already deployed" in cell("%llm_deploy t --type saas/scripted")
    assert "DeployedModel('t'" in cell("%llm_deploy t --type saas/scripted --replace")


@pytest.mark.contract("NB-04")
def test_stat_is_a_table_or_the_dict_of_the_documents(cell: Cell, shell: InteractiveShell) -> None:
    cell("%llm_deploy t --type saas/scripted --workers 2")
    cell("%prompt -m t Hello")
    shown = cell("%llm_stat t")
    assert "total_requests=[1, 0]" in shown
    shell.run_cell("found = %llm_stat t --json")
    assert shell.user_ns["found"]["total_requests"] == [1, 0]
    html = shell.run_cell("%llm_stat t").result._repr_mimebundle_()["text/html"]
    assert html.count("<tr>") == 3
    assert "0/1" in html


@pytest.mark.contract("NB-03")
def test_the_models_of_kernel_and_cluster_stand_in_one_table(cell: Cell) -> None:
    cell("%llm_deploy there --type saas/scripted --concurrency 5")
    cell("import byzer_nb; _ = byzer_nb.load('here', 'saas/scripted')")
    lines = cell("%llm_models").splitlines()
    rows = [" ".join(line.split()) for line in lines if "saas/scripted" in line]
    assert rows == ["here saas/scripted this kernel", "there saas/scripted cluster 1 × 5 0"]
    assert "→ there" in cell("%llm_use there\n%llm_use")


@pytest.mark.contract("NB-03")
def test_undeploying_what_does_not_run_says_so_with_the_nearest_name(cell: Cell) -> None:
    cell("%llm_deploy talker --type saas/scripted")
    assert cell("%llm_undeploy talkr") == "talkr is not deployed. Did you mean 'talker'?\n"


@pytest.mark.contract("NB-04")
def test_a_watched_model_is_repainted_until_it_is_stopped(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    painted: list[str] = []

    class Handle:
        def update(self, bundle: dict[str, str], raw: bool) -> None:
            painted.append(bundle["text/plain"])

    monkeypatch.setattr("byzer_nb.magics.watching.display", lambda *_, **__: Handle())  # where a notebook would be
    cell("%llm_deploy t --type saas/scripted --workers 2")
    cell("%llm_stat t --watch 0.2")
    cell("%prompt -m t one two three")
    eventually(lambda: any("total_requests=[1, 0]" in each and "3 tokens" not in each for each in painted))
    eventually(lambda: any(" answers/s" in each and "first token" in each for each in painted))
    cell("%llm_stat t --stop")
    eventually(lambda: painted[-1].endswith("not watched any more"))
    seen = len(painted)
    time.sleep(0.6)
    assert len(painted) == seen
    assert "0.2: --watch 2" in cell("%llm_stat t --watch 0.01")


@pytest.mark.contract("NB-04")
def test_watching_ends_with_the_model(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    painted: list[str] = []

    class Handle:
        def update(self, bundle: dict[str, str], raw: bool) -> None:
            painted.append(bundle["text/plain"])

    monkeypatch.setattr("byzer_nb.magics.watching.display", lambda *_, **__: Handle())
    cell("%llm_deploy t --type saas/scripted")
    cell("%llm_stat t --watch 0.2")
    eventually(lambda: bool(painted))
    cell("%llm_undeploy t")
    eventually(lambda: "Model t not deployed" in painted[-1])


@pytest.mark.contract("NB-03")
def test_without_waiting_the_cell_ends_at_once_and_the_model_comes(
    cell: Cell, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = cell("%llm_deploy t --type saas/scripted --no-wait --default")
    assert "t is deployed meanwhile" in shown
    assert "ready" not in shown
    eventually(lambda: directory.exists("t") and "t" in cell("%llm_models"))
    eventually(lambda: "t, worker 0" in cell("%prompt Hello"))


@pytest.mark.contract("NB-03")
def test_without_waiting_a_failure_is_told_where_the_phases_are(cell: Cell, capsys: pytest.CaptureFixture[str]) -> None:
    shown = cell("%llm_deploy t --path /nowhere --no-wait")
    printed = [shown]
    eventually(lambda: bool(printed.append(capsys.readouterr().out)) or "There is nothing at" in "".join(printed))
    assert not directory.exists("t")
