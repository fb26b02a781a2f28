"""Models on a real Ray cluster: they start, answer, are found, survive deaths, and leave nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from byzer_nb import Client
from byzer_nb._sync import run
from byzer_nb.cluster import directory, inspection, session
from byzer_nb.cluster.deployment import DeployStep, Ended, deploy, undeploy
from byzer_nb.errors import (
    BadInputError,
    ByzerError,
    MissingModelError,
    MissingSettingError,
    UnknownModelError,
    UnreachableError,
)
from byzer_nb.types import DeploySpec
from byzer_nb.types.pool import PoolSpec
from tests.cluster.conftest import Deploy

SCRIPTED = DeploySpec(name="echo", engine="saas/scripted")


def eventually(holds: object, seconds: float = 30) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


@pytest.mark.contract("CORE-07", "CORE-09")
def test_a_deployed_model_answers_and_is_found(deployed: Deploy, client: Client) -> None:
    model = deployed("echo", workers=2, slots=3)
    assert repr(model) == "DeployedModel('echo', 'saas/scripted', 2 × 3 slots)"
    assert directory.names() == ["echo"]
    assert client.chat("hello", model="echo").text == "hello"
    assert "".join(delta.text for delta in client.stream("one two", model="echo")) == "one two"
    assert client.describe(model="echo") == model.card
    assert client.models() == ["echo"]


@pytest.mark.contract("CORE-08")
def test_undeploying_frees_the_name_and_what_it_held(deployed: Deploy, cluster: session.Connection) -> None:
    before = session.connection().free_cpus
    deployed("echo", cpus=1)
    eventually(lambda: session.connection().free_cpus < before - 0.9)
    assert run(undeploy("echo")) == Ended(pool=PoolSpec(cpus=1))
    assert not directory.exists("echo")
    eventually(lambda: session.connection().free_cpus > before - 0.1)
    assert run(undeploy("echo")) is None


def test_the_steps_of_a_deployment_are_told(deployed: Deploy, cluster: session.Connection) -> None:
    steps: list[DeployStep] = []
    run(deploy(SCRIPTED, PoolSpec(workers=2, cpus=0.001), on_step=steps.append))
    phases = list(dict.fromkeys(step.phase for step in steps))
    assert phases[:2] == ["checking", "placing"]
    assert phases[-1] == "ready"
    assert (steps[-1].placed, steps[-1].ready, steps[-1].workers) == (2, 2, 2)
    run(undeploy("echo"))


def test_a_name_that_is_taken_is_refused_or_replaced(deployed: Deploy, client: Client) -> None:
    deployed("echo", reply="first")
    assert client.chat("x", model="echo").text == "first"
    with pytest.raises(BadInputError, match="'echo' is already deployed"):
        deployed("echo", reply="second")
    assert client.chat("x", model="echo").text == "first"
    second = DeploySpec(name="echo", engine="saas/scripted", settings={"reply": "second"})
    run(deploy(second, PoolSpec(cpus=0.001), replace=True))
    assert client.chat("x", model="echo").text == "second"  # through connections that the first one had


@pytest.mark.contract("CORE-07")
@pytest.mark.parametrize(
    ("spec", "pool", "error", "message"),
    [
        (DeploySpec(name="gpt", engine="saas/openai"), PoolSpec(), MissingSettingError, "api_key"),
        (DeploySpec(name="m", engine="numpy", model_path="/nowhere"), PoolSpec(), MissingModelError, "'/nowhere'"),
        (SCRIPTED, PoolSpec(cpus=64), BadInputError, "a worker wants 64 CPU, and no node has more than 2"),
        (SCRIPTED, PoolSpec(cpus=1, workers=3), BadInputError, "its workers want 3 CPU, and the cluster has 2"),
        (SCRIPTED, PoolSpec(gpus=1), BadInputError, "a worker wants 1 GPU, and the cluster has none"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_started(
    cluster: session.Connection, spec: DeploySpec, pool: PoolSpec, error: type[ByzerError], message: str
) -> None:
    with pytest.raises(error, match=message):
        run(deploy(spec, pool))
    assert directory.names() == []


@pytest.mark.contract("CORE-07")
def test_a_worker_that_cannot_load_is_told_in_its_own_words_and_nothing_is_left(
    cluster: session.Connection, tmp_path: Path
) -> None:
    with pytest.raises(MissingModelError, match=r"'config.json' is missing"):
        run(deploy(DeploySpec(name="m", engine="numpy", model_path=str(tmp_path)), PoolSpec(workers=2, cpus=0.001)))
    assert directory.names() == []
    assert directory.workers("m") == []


def test_a_deployment_that_is_interrupted_leaves_nothing(cluster: session.Connection) -> None:
    async def interrupted() -> None:
        async with asyncio.timeout(0.5):
            await deploy(SCRIPTED, PoolSpec(workers=2, cpus=0.001))

    with pytest.raises(TimeoutError):
        run(interrupted())
    assert directory.names() == []
    assert directory.workers("echo") == []


@pytest.mark.contract("CORE-10")
def test_an_unknown_model_is_named_with_those_that_run(deployed: Deploy, client: Client) -> None:
    deployed("echo")
    with pytest.raises(UnknownModelError, match="Model ecco not deployed") as unknown:
        client.chat("x", model="ecco")
    assert unknown.value.hint == "Did you mean 'echo'? Running: echo"


@pytest.mark.contract("CORE-09")
def test_an_empty_name_is_no_name(cluster: session.Connection) -> None:
    assert directory.exists("nope") is False
    with pytest.raises(BadInputError, match="not empty"):
        directory.exists("")


def pid_of(name: str, index: int = 0) -> int:
    """The process of a worker."""
    handle = directory.handle(directory.worker_name(name, index), session.WORKERS_NAMESPACE)
    assert handle is not None
    pid: int = session.connected().get(handle.process_id.remote())
    return pid


def test_a_killed_worker_comes_back_at_its_index_and_its_log_tells_both_lives(deployed: Deploy, client: Client) -> None:
    deployed("echo", workers=2, token_delay=0.05)
    stream = client.stream("one two three four five six", model="echo")
    assert next(stream).text == "one"
    busy = next(each.index for each in run(inspection.stat("echo")).workers if each.running)
    os.kill(pid_of("echo", busy), signal.SIGKILL)
    with pytest.raises(UnreachableError, match=f"Worker {busy} of 'echo' ended in the middle"):
        list(stream)
    assert client.chat("still", model="echo").text == "still"  # by the other one, at once
    eventually(lambda: all(each.is_up for each in run(inspection.stat("echo")).workers))
    assert [each.restarts for each in run(inspection.stat("echo")).workers] == [int(i == busy) for i in (0, 1)]
    assert {client.chat("x", model="echo").text for _ in range(4)} == {"x"}


def test_the_next_request_does_not_notice_that_a_worker_died(
    deployed: Deploy, client: Client, capfd: pytest.CaptureFixture[str]
) -> None:
    deployed("echo", workers=2)
    for _ in range(4):  # so that connections to both are kept
        assert client.chat("x", model="echo").text == "x"
    os.kill(pid_of("echo", 0), signal.SIGKILL)
    assert [client.chat("y", model="echo").text for _ in range(4)] == ["y"] * 4
    eventually(lambda: all(each.is_up for each in run(inspection.stat("echo")).workers))
    time.sleep(1)  # Ray tells of a death a little later
    printed = capfd.readouterr()
    assert "died" not in printed.out + printed.err


def test_a_killed_router_comes_back_to_the_same_workers(deployed: Deploy, client: Client) -> None:
    deployed("echo", token_delay=0.1)
    worker = pid_of("echo")
    router = directory.router("echo")
    stream = client.stream("one two three four five six seven eight", model="echo")
    assert next(stream).text == "one"
    os.kill(session.connected().get(router.process_id.remote()), signal.SIGKILL)
    assert "".join(delta.text for delta in stream) == " two three four five six seven eight"
    assert client.chat("again", model="echo").text == "again"
    assert pid_of("echo") == worker
    eventually(lambda: run(inspection.stat("echo")).free_slots() == [1])


def test_what_a_worker_prints_is_kept_for_those_who_ask(deployed: Deploy, capfd: pytest.CaptureFixture[str]) -> None:
    deployed("tiny", engine="byzer-tiny", nonsense=1)  # warned of in the worker
    lines = run(inspection.log("tiny", 0))
    assert any("nonsense" in line for line in lines)
    assert "nonsense" not in capfd.readouterr().out


def test_a_key_is_in_no_file_and_no_process_list(
    deployed: Deploy, client: Client, ray_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    canary = "canary-7f3a9c-of-a-key"
    model = deployed("gpt", engine="saas/openai", api_key=canary, base_url="http://127.0.0.1:9/v1", max_retries=0)
    with pytest.raises(UnreachableError) as failed:
        client.chat("hello", model="gpt")
    printed = capfd.readouterr()
    log = run(inspection.log("gpt", 0))
    shown = f"{printed.out}{printed.err}{failed.value!r}{failed.value.hint}{model!r}{model._html()}{log}"
    assert canary not in shown + repr(run(inspection.stat("gpt")))
    for path in [*Path("/proc").glob("[0-9]*/cmdline"), *ray_folder.rglob("*")]:
        with suppress(OSError):  # processes and log files come and go, and sockets are no files
            if path.is_file():
                assert canary.encode() not in path.read_bytes(), path


OTHER_PROCESS = """
import ray, sys
ray.init(address=sys.argv[1], namespace="default", ignore_reinit_error=True, log_to_driver=False)
from byzer_nb import ByzerLLM
llm = ByzerLLM()
print(llm.is_model_exist("echo"), llm.is_model_exist("nope"))
llm.setup_default_model_name("echo")
print(llm.chat_oai([{"role": "user", "content": "from elsewhere"}])[0].output)
print([item[0] for item in llm.stream_chat_oai("a b", delta_mode=True)])
"""


@pytest.mark.contract("CORE-02", "CORE-03")
def test_another_process_finds_it_after_a_plain_ray_init_and_takes_no_cpu(
    deployed: Deploy, cluster: session.Connection
) -> None:
    deployed("echo")
    free = session.connection().free_cpus
    done = subprocess.run(
        [sys.executable, "-c", OTHER_PROCESS, cluster.address],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "RAY_AUTH_MODE": "token"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-3:] == ["True False", "from elsewhere", "['a', ' b', '']"]
    assert session.connection().free_cpus == free
