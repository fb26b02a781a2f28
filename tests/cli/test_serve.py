"""`byzerllm serve` and `byzerllm key`: what the flags mean, who gets in, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from shlex import split

import httpx
import pytest
import yaml

from byzer_nb.serve.keys import hash_of, read_keys
from tests.cli.conftest import Command
from tests.cli.head_node import SCRIPTS, free_ports
from tests.cli.processes import arguments_of

KEY = "canary-4f9d2b7e61a05c38"
OURS = ("BYZERLLM_API_KEY", "BYZERLLM_APISERVER_HTTP_TIMEOUT", "BYZER_NB_LANG", "RAY_ADDRESS")
SEED = "byzerllm.utils.client.entrypoints.openai.api_server"
MODELS = "- {name: echo, type: saas/scripted}\n- {name: slow, type: saas/scripted, settings: {token_delay: 5}}\n"

pytestmark = pytest.mark.contract("CLI-10")


class Gateway:
    """The command, started as in a terminal; its outcome is what it prints when it answers."""

    def __init__(self, words: list[str], folder: Path, environment: dict[str, str]) -> None:
        kept = {name: value for name, value in os.environ.items() if name not in OURS}
        home = {"BYZER_NB_HOME": str(folder / "home"), "LANG": "C.UTF-8"}
        self.process = subprocess.Popen(
            words,
            cwd=folder,
            env={**kept, **home, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def outcome(self) -> str:
        """What it says when it answers, up to the line that tries it out."""
        assert self.process.stdout is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith(("  try", "{")):
            line = self.process.stdout.readline()
            if not line:
                raise AssertionError(f"It does not start.\n{self.process.communicate()[1]}")
            lines.append(line)
        return "".join(lines)

    def end(self, sign: int = signal.SIGTERM) -> tuple[int, str]:
        """Its exit code and what it said to the person at the terminal."""
        if self.process.poll() is None:
            self.process.send_signal(sign)
        err = self.process.communicate(timeout=60)[1]
        return self.process.returncode, err


Start = Callable[..., Gateway]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the command on a free port, without a cluster; all of them end with the test."""
    (tmp_path / "models.yaml").write_text(MODELS)
    with ExitStack() as stack:

        def start(line: str = "", *, by: tuple[str, ...] = (f"{SCRIPTS}/byzerllm", "serve"), **env: str) -> Gateway:
            no_ray = "--no-ray" if "-m" in by else "--no_ray"
            words = [*by, no_ray, "--models", "models.yaml", *split(line)]
            gateway = Gateway(words, tmp_path, env)
            stack.callback(gateway.end)
            return gateway

        yield start


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


def asked(port: int, *, key: str = "", **options: object) -> httpx.Response:
    """A question to the model that echoes."""
    body = {"model": "echo", "messages": [{"role": "user", "content": "a parrot"}], **options}
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body, headers=headers, timeout=60)


# -- mistakes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--port", "80000"), "argument --port: '80000' is no port; ports go from 1 to 65535."),
        (("--port", "0"), "'0' is no port; ports go from 1 to 65535."),
        (("--port", "-1"), "'-1' is no port; ports go from 1 to 65535."),
        (("--port", "http"), "'http' is no port; ports go from 1 to 65535."),
        (("--ssl_keyfile", "k"), "TLS needs both files; --ssl_certfile is missing."),
        (("--ssl_certfile", "c"), "TLS needs both files; --ssl_keyfile is missing."),
        (("--host", "0.0.0.0"), "Without a key this machine alone is served, and not 0.0.0.0."),
        (("--host", ""), "Without a key this machine alone is served, and not every address."),
        (("--allowed_methods", '["GET"]'), "No page may call unless it is named: add --allowed_origins."),
        (("--allow_credentials",), "add --allowed_origins"),
        (("--allowed_origins", "[1]"), "argument --allowed_origins: '[1]' is no list"),
        (("--workers", "0"), "'0' is no whole number of at least 1."),
        (("--timeout", "0"), "--timeout must be above 0."),
        (("--timeout", "soon"), "argument --timeout: 'soon' is no number of at least 0."),
        (("--uvicorn_log_level", "loud"), "argument --uvicorn_log_level: invalid choice: 'loud'"),
        (("--prot", "8000"), "There is no flag '--prot'. Did you mean '--port'?"),
    ],
)
def test_a_mistake_of_usage_is_told_and_is_2(command: Command, words: tuple[str, ...], told: str) -> None:
    done = command("byzerllm", "serve", "--no_ray", *words)
    assert (done.code, done.out) == (2, "")
    assert "usage: byzerllm serve" in done.err
    assert told in done.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--ssl_keyfile", "/no/k", "--ssl_certfile", "/no/c"), "MissingFileError: There is no file '/no/k'."),
        (("--keys", "/no/keys.yaml"), "MissingFileError: The file of keys '/no/keys.yaml' cannot be read"),
        (("--models", "/no/models.yaml"), "MissingFileError: The file of models '/no/models.yaml' cannot be read"),
        (("--host", "192.0.2.1", "--api_key", KEY), "GatewayError: '192.0.2.1' is no address of this machine."),
    ],
)
def test_what_is_not_there_is_told_in_two_lines_and_is_1(
    command: Command, words: tuple[str, ...], told: str, port: int
) -> None:
    done = command("byzerllm", "serve", "--no_ray", "--port", str(port), *words)
    assert (done.code, done.out) == (1, "")
    assert told in done.err
    assert KEY not in done.err
    assert "Traceback" not in done.err


def test_a_port_that_is_in_use_is_named(command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = command("byzerllm", "serve", "--no_ray", "--port", str(port))
    assert done.code == 1
    assert f"GatewayError: Port {port} is in use." in done.err
    assert f"--port {port + 1}" in done.err


def test_a_time_limit_in_the_environment_that_is_none_is_told(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BYZERLLM_APISERVER_HTTP_TIMEOUT", "soon")
    done = command("byzerllm", "serve", "--no_ray")
    assert (done.code, "BYZERLLM_APISERVER_HTTP_TIMEOUT: 'soon' is no number" in done.err) == (2, True)


# -- a gateway ----------------------------------------------------------------------------------------------------


def test_it_says_where_it_is_who_may_come_and_how_to_try_it(start: Start, port: int) -> None:
    gateway = start(f"--port {port}")
    told = gateway.outcome()
    assert told.startswith(f"Serving at http://127.0.0.1:{port}/v1; Ctrl-C ends it.\n")
    assert "everybody on this machine, without a key" in told
    assert "echo, slow" in told
    curl = told[told.index("curl ") :]
    tried = subprocess.run(["sh", "-c", curl], capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(tried.stdout)["choices"][0]["message"]["content"] == "Hello"
    code, err = gateway.end(signal.SIGINT)
    assert (code, err.splitlines()[-1]) == (130, "Stopped.")


def test_its_outcome_is_json_when_it_is_asked_for(start: Start, port: int) -> None:
    gateway = start(f"--port {port} --json --api_key {KEY}")
    told = json.loads(gateway.outcome())
    assert told == {
        "address": f"http://127.0.0.1:{port}",
        "models": ["echo", "slow"],
        "keys": ["api_key"],
        "pid": gateway.process.pid,
    }
    assert gateway.end(signal.SIGTERM)[0] == 0  # as a service is ended, in good order


@pytest.mark.contract("SERVE-07", "CLI-02")
def test_a_key_is_hidden_from_others_and_opens_the_door(start: Start, port: int) -> None:
    gateway = start(f"--port {port} --api_key {KEY} --workers 2")
    told = gateway.outcome()
    arguments = arguments_of(gateway.process.pid, when="******")
    children = Path(f"/proc/{gateway.process.pid}/task/{gateway.process.pid}/children").read_text().split()
    assert len(children) == 2
    for child in map(int, children):
        arguments += Path(f"/proc/{child}/cmdline").read_text() + Path(f"/proc/{child}/environ").read_text()
    assert "whoever has a key: api_key" in told
    assert "$BYZERLLM_API_KEY" in told
    assert asked(port, key=KEY).status_code == 200
    refused = asked(port, key="another")
    assert (refused.status_code, refused.json()) == (401, {"error": "Unauthorized"})
    assert asked(port).status_code == 401
    assert httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200
    assert httpx.get(f"http://127.0.0.1:{port}/metrics").status_code == 401
    code, err = gateway.end()
    assert code == 0
    assert KEY not in arguments + told + err
    assert f"/v1/chat/completions 200 who={'api_key'} model=echo" in err


@pytest.mark.contract("SERVE-07")
def test_a_key_of_the_environment_is_asked_for_too(start: Start, port: int) -> None:
    start(f"--port {port}", BYZERLLM_API_KEY=KEY).outcome()
    assert (asked(port, key=KEY).status_code, asked(port).status_code) == (200, 401)


@pytest.mark.contract("SERVE-07")
def test_keys_of_a_file_have_names_and_limits(start: Start, port: int, tmp_path: Path, command: Command) -> None:
    path = tmp_path / "keys.yaml"
    ann, bob = (
        command("byzerllm", "key", name, "--file", str(path), *limits).out.strip()
        for name, limits in (("ann", ()), ("bob", ("--requests_per_minute", "1")))
    )
    told = start(f"--port {port} --keys keys.yaml --host 0.0.0.0").outcome()
    assert "whoever has a key: ann, bob" in told
    assert [asked(port, key=ann).status_code for _ in range(3)] == [200, 200, 200]
    assert [asked(port, key=bob).status_code for _ in range(2)] == [200, 429]


@pytest.mark.contract("SERVE-07")
def test_with_both_files_it_speaks_tls(start: Start, port: int, tmp_path: Path) -> None:
    subprocess.run(
        split(
            "openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -days 1 -subj /CN=localhost "
            "-addext subjectAltName=IP:127.0.0.1"
        ),
        cwd=tmp_path,
        capture_output=True,
        check=True,
        timeout=60,
    )
    told = start(f"--port {port} --ssl_keyfile k.pem --ssl_certfile c.pem").outcome()
    assert f"https://127.0.0.1:{port}/v1" in told
    trusting = ssl.create_default_context(cafile=str(tmp_path / "c.pem"))
    assert httpx.get(f"https://127.0.0.1:{port}/v1/models", verify=trusting).status_code == 200
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{port}/v1/models")


@pytest.mark.contract("SERVE-08", "SERVE-09")
def test_flags_and_the_environment_set_it_up(start: Start, port: int) -> None:
    line = f"--port {port} --served_model_name echo --response_role bot --max_body 0.001 --template nonsense"
    gateway = start(line, BYZERLLM_APISERVER_HTTP_TIMEOUT="2")
    gateway.outcome()
    message = asked(port, model="whatever").json()["choices"][0]["message"]
    assert (message["role"], message["content"]) == ("bot", "a parrot")
    assert [each["id"] for each in httpx.get(f"http://127.0.0.1:{port}/v1/models").json()["data"]] == ["echo"]
    assert asked(port, user="x" * 2000).status_code == 413
    assert "There is no template 'nonsense'; the model's own is used." in gateway.end()[1]


@pytest.mark.contract("SERVE-09")
def test_an_answer_that_takes_too_long_is_a_504(start: Start, port: int) -> None:
    start(f"--port {port}", BYZERLLM_APISERVER_HTTP_TIMEOUT="0.3").outcome()
    late = asked(port, model="slow")
    assert (late.status_code, late.json()["error"]["code"]) == (504, "timeout")


@pytest.mark.contract("SERVE-07")
@pytest.mark.parametrize(
    ("flags", "allowed"),
    [
        ("", None),
        ("""--allowed_origins '["https://a.example"]'""", "https://a.example"),
        ("--allowed_origins '*'", "*"),
    ],
)
def test_pages_of_other_origins_may_call_only_where_that_is_said(
    start: Start, port: int, flags: str, allowed: str | None
) -> None:
    start(f"--port {port} {flags}").outcome()
    answer = httpx.get(f"http://127.0.0.1:{port}/health", headers={"Origin": "https://a.example"})
    assert answer.headers.get("access-control-allow-origin") == allowed


@pytest.mark.parametrize("module", ["byzer_nb.serve", SEED])
def test_the_modules_are_the_command_with_dashes_in_its_flags(start: Start, port: int, module: str) -> None:
    line = f"--port {port} --api-key {KEY} --served-model-name=echo --uvicorn-log-level error"
    gateway = start(line, by=(sys.executable, "-m", module))
    assert f"http://127.0.0.1:{port}/v1" in gateway.outcome()
    arguments = arguments_of(gateway.process.pid, when="******")
    assert f"-m {module}" in arguments
    assert asked(port, key=KEY, model="any").status_code == 200
    assert KEY not in arguments + gateway.end()[1]


# -- keys ---------------------------------------------------------------------------------------------------------


@pytest.mark.contract("SERVE-07")
def test_a_key_is_shown_once_and_kept_as_a_hash(command: Command) -> None:
    done = command("byzerllm", "key", "ann", "--requests_per_minute", "60", "--budget", "2.5")
    key, entry = done.out.split("\n", 1)
    assert done.code == 0
    assert yaml.safe_load(entry) == [{"name": "ann", "hash": hash_of(key), "requests_per_minute": 60.0, "budget": 2.5}]
    assert command("byzerllm", "key", "ann").out.split("\n", 1)[0] != key


@pytest.mark.contract("SERVE-07")
def test_keys_are_added_to_a_file_that_only_its_owner_reads(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    ann = command("byzerllm", "key", "ann", "--file", str(path)).out.strip()
    path.write_text(path.read_text() + "# who else?\n- {name: cid, hash: " + hash_of("cid") + "}")
    bob = command("byzerllm", "key", "bob", "--tokens_per_minute", "9", "--file", str(path)).out.strip()
    entries = read_keys(path)
    assert [(each.name, each.hash) for each in entries] == [
        ("ann", hash_of(ann)), ("cid", hash_of("cid")), ("bob", hash_of(bob)),
    ]  # fmt: skip
    assert entries[2].tokens_per_minute == 9
    assert "# who else?" in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    again = command("byzerllm", "key", "bob", "--file", str(path))
    assert (again.code, "has a key 'bob' already" in again.err) == (1, True)
