"""The console scripts on a real cluster."""

from __future__ import annotations

import base64
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.cli.head_node import Cluster, end, free_ports, head_node
from tests.cli.processes import arguments_of
from tests.standins.openai import OpenAIStandIn
from tests.standins.vendor import KEY

pytestmark = pytest.mark.timeout(600)  # a busy machine may need several tries to start Ray

ANY_PART = KEY.removeprefix("sk-")[:12]
SCRIPTED = "--pretrained_model_type saas/scripted --cpus_per_worker 0.001"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with head_node() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def echo(cluster: Cluster) -> str:
    """A model that says what it is told, with three workers; it was deployed by the command line."""
    done = cluster.run(f"byzerllm deploy --model echo --num_workers 3 --worker_concurrency 2 {SCRIPTED}")
    assert (done.code, done.out) == (0, "Deployed echo: saas/scripted, 3 × 2 slots.\n"), done.err
    # Progress is on stderr, a line for each change, and so is the banner.
    assert done.err.startswith("Command Line Arguments:\n")
    assert re.search(r"^echo: placing, \d of 3 workers placed, \d ready \(\d+ s\)$", done.err, re.MULTILINE)
    assert re.search(r"^echo: ready, 3 of 3 workers placed, 3 ready \(\d+ s\)$", done.err, re.MULTILINE)
    return "echo"


@pytest.mark.contract("CLI-03", "CLI-08")
def test_a_name_that_is_deployed_stays_as_it_is(cluster: Cluster, echo: str) -> None:
    done = cluster.run(f"byzerllm deploy --model {echo} --num_workers 1 {SCRIPTED}")
    assert (done.code, done.out) == (0, "echo is already deployed; nothing was changed.\n")
    stat = cluster.run(f"byzerllm stat --model {echo}")
    assert stat.code == 0
    shown = json.loads(stat.out)
    assert list(shown) == [
        "total_workers", "busy_workers", "idle_workers", "load_balance_strategy", "total_requests", "state",
        "worker_max_concurrency", "workers_last_work_time",
    ]  # fmt: skip
    assert (shown["total_workers"], shown["state"], shown["worker_max_concurrency"]) == (3, [2, 2, 2], 2)
    assert stat.out == json.dumps(shown, indent=4) + "\n"


@pytest.mark.contract("CLI-07", "CLI-12")
def test_only_the_answer_is_on_stdout(cluster: Cluster, echo: str) -> None:
    asked = cluster.run(f"byzerllm query --model {echo}", "--query", "你好,  who are you?")
    assert (asked.code, asked.out) == (0, "你好,  who are you?\n")
    chatted = cluster.run(f"easy-byzerllm chat {echo} hi")
    assert (chatted.code, chatted.out) == (0, "hi\n")
    as_json = cluster.run(f"byzerllm query --model {echo} --query hi --template qwen --json")
    answer = json.loads(as_json.out)
    assert (answer["model"], answer["output"], answer["metadata"]["finish_reason"]) == ("echo", "hi", "stop")


@pytest.mark.contract("CLI-10", "SERVE-06")
@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_deployed_is_served(cluster: Cluster, echo: str, workers: int) -> None:
    [port] = free_ports(1)
    serving = cluster.start(f"byzerllm serve --port {port} --workers {workers} --json")
    assert serving.stdout is not None
    told = json.loads(serving.stdout.readline())
    assert (told["address"], told["models"]) == (f"http://127.0.0.1:{port}", [echo])
    body = {"model": echo, "messages": [{"role": "user", "content": "a parrot"}]}
    answer = httpx.post(f"{told['address']}/v1/chat/completions", json=body, timeout=60).json()
    assert answer["choices"][0]["message"]["content"] == "a parrot"
    serving.send_signal(signal.SIGTERM)
    assert end(serving).code == 0


@pytest.mark.contract("CLI-07", "CLI-08", "CLI-12")
def test_an_unknown_model_is_named_and_those_that_run_are_listed(cluster: Cluster, echo: str) -> None:
    for line in ("byzerllm query --model nope --query hi", "byzerllm stat --model nope", "easy-byzerllm chat nope hi"):
        done = cluster.run(line)
        assert (done.code, done.out) == (1, "")
        failed, hint = done.err.splitlines()[-2:]
        assert "nope" in failed
        assert "echo" in hint


@pytest.mark.contract("CLI-07")
def test_the_answer_goes_to_a_file(cluster: Cluster, echo: str, tmp_path: Path) -> None:
    text = tmp_path / "answer.txt"
    done = cluster.run(f"byzerllm query --model {echo} --query", "Grüße", "--output_file", str(text))
    assert (done.code, done.out) == (0, "")
    assert text.read_text(encoding="utf-8") == "Grüße"
    sound = tmp_path / "answer.wav"
    spoken = base64.b64encode(b"RIFF\x00\xff").decode()
    assert cluster.run(f"byzerllm query --model {echo} --query {spoken} --output_file {sound}").code == 0
    assert sound.read_bytes() == b"RIFF\x00\xff"


@pytest.mark.contract("CLI-08")
def test_stat_goes_on_until_it_is_stopped(cluster: Cluster, echo: str) -> None:
    watching = cluster.start(f"byzerllm stat --model {echo} --interval 0.1 --json")
    assert watching.stdout is not None
    shown = [json.loads(watching.stdout.readline()) for _ in range(3)]
    assert all(each["total_workers"] == 3 for each in shown)
    watching.send_signal(signal.SIGINT)
    done = end(watching)
    assert done.code == 130
    assert "Traceback" not in done.err


@pytest.mark.contract("CLI-03", "CLI-13")
def test_the_model_that_is_here_already_answers(cluster: Cluster) -> None:
    deployed = cluster.run("byzerllm deploy --model tiny --pretrained_model_type byzer-tiny --json")
    assert json.loads(deployed.out) == {
        "model": "tiny", "status": "deployed", "engine": "byzer-tiny", "workers": 1, "slots": 1,
    }  # fmt: skip
    answered = cluster.run("byzerllm query --model tiny", "--query", "Hello, who are you?")
    assert "byzer-tiny" in answered.out
    assert cluster.run("easy-byzerllm undeploy tiny").out == "Undeployed tiny.\n"


@pytest.mark.contract("CLI-06")
def test_a_second_undeploy_says_that_it_is_not_running(cluster: Cluster) -> None:
    assert cluster.run(f"byzerllm deploy --model short {SCRIPTED}").code == 0
    first = cluster.run("byzerllm undeploy --model short --force --json")
    assert (first.code, json.loads(first.out)) == (0, {"model": "short", "status": "undeployed"})
    second = cluster.run("byzerllm undeploy --model short")
    assert (second.code, second.out) == (0, "short is not running.\n")


@pytest.mark.contract("CLI-01", "CLI-05")
def test_a_file_deploys_and_a_chinese_terminal_reads_chinese(cluster: Cluster, tmp_path: Path) -> None:
    path = tmp_path / "deploy.yml"
    path.write_text(
        "model: ENV {{NAME}}\npretrained_model_type: saas/scripted\ninfer_params: {reply: 'ENV {{WORDS}}'}\n",
        encoding="utf-8",
    )
    words = {"NAME": "fixed", "WORDS": "from the file", "LANG": "zh_CN.UTF-8"}
    done = cluster.run(f"byzerllm deploy --file {path}", **words)
    assert (done.code, done.out) == (0, "已部署 fixed：saas/scripted，1 × 1 个并发。\n"), done.err
    assert cluster.run("easy-byzerllm chat fixed hi").out == "from the file\n"
    assert cluster.run("byzerllm undeploy --model fixed", **words).out == "已停止 fixed。\n"


@pytest.mark.contract("CLI-03")
def test_a_provider_without_a_key_is_told_which_setting_is_missing(cluster: Cluster) -> None:
    done = cluster.run("byzerllm deploy --model keyless --pretrained_model_type saas/openai")
    assert done.code == 1
    assert "saas.api_key is required for SaaS models" in done.err
    assert "--infer_params saas.api_key='${NAME}'" in done.err


@pytest.mark.contract("CLI-01")
def test_where_nobody_listens_it_says_so(cluster: Cluster) -> None:
    [port] = free_ports(1)
    words = cluster.words("byzerllm stat --model echo")
    words[-1] = f"127.0.0.1:{port}"
    done = subprocess.run(words, env=dict(cluster.environment), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert f"Nothing listens at '127.0.0.1:{port}'." in done.stderr


@pytest.mark.contract("CLI-01", "CLI-03")
def test_an_interrupted_deployment_leaves_nothing_behind(cluster: Cluster) -> None:
    deploying = cluster.start(f"byzerllm deploy --model half --num_workers 4 {SCRIPTED}")
    assert deploying.stderr is not None
    for line in deploying.stderr:
        if line.startswith("half: placing"):
            break
    deploying.send_signal(signal.SIGINT)
    done = end(deploying)
    assert (done.code, done.out) == (130, "")
    assert "Traceback" not in done.err
    assert cluster.run("byzerllm undeploy --model half").out == "half is not running.\n"


@pytest.mark.contract("CLI-02", "CLI-11", "CLI-12")
def test_a_key_is_used_and_seen_nowhere(cluster: Cluster) -> None:
    with OpenAIStandIn() as provider:
        deploying = cluster.start(
            "easy-byzerllm deploy deepseek-chat --alias ds --token", KEY, "--base_url", provider.url
        )
        arguments = arguments_of(deploying.pid, when="******")
        deployed = end(deploying)
        assert (deployed.code, deployed.out) == (0, "Deployed ds: saas/openai, 1 × 1000 slots.\n"), deployed.err
        assert "token               : ******" in deployed.err
        chatted = cluster.run("easy-byzerllm chat ds", "who are you?")
        assert (chatted.code, chatted.out) == (0, "who are you?\n"), chatted.err
        assert {each.headers["Authorization"] for each in provider.requests} == {f"Bearer {KEY}"}
        assert {each.body["model"] for each in provider.requests} == {"deepseek-chat"}
        provider.key = "another"  # it then quotes both ends of the key that it was given
        refused = cluster.run("easy-byzerllm chat ds hi --debug")
        assert refused.code == 1
    assert cluster.run("easy-byzerllm undeploy ds").code == 0
    seen = [arguments, *(text for done in (deployed, chatted, refused) for text in (done.out, done.err))]
    jobs = _jobs(cluster)
    seen += [jobs, *_written(cluster.folder)]
    assert [text for text in seen if ANY_PART in text] == []
    assert "--token=******" in arguments
    assert "--token=******" in jobs  # Ray writes down the arguments of every driver


def _jobs(cluster: Cluster) -> str:
    """What Ray knows of the drivers that joined it."""
    code = f"import ray; ray.init({cluster.address!r}, logging_level='error'); print(ray._private.state.jobs())"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env=cluster.environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return ran.stdout


def _written(folder: Path) -> Iterator[str]:
    """Everything that the cluster wrote to its files."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.read_bytes().decode("latin-1")
