"""The sandbox inside a worker of Ray: what is shut in there stays shut in, and the worker and its cluster live on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from byzer_nb.cluster import session

CANARY = "sk-canary-in-the-worker"
CODE = {
    "time": "while True: pass",
    "memory": "return len('x' * 10_000_000_000)",
    "output": "while True: print('x' * 1_000_000)",
    "refused": "return open('/proc/self/environ').read()",
}


class Shell:
    """An actor that runs code as `impl` does."""

    def run(self, source: str) -> tuple[str, str]:
        """The word for how it ended, and what there was to see of it."""
        from byzer_nb.errors import SandboxError
        from byzer_nb.sandbox import Limits, run_function

        try:
            result = run_function(source, "f", {}, limits=Limits(wall_seconds=3, cpu_seconds=30))
        except SandboxError as stopped:
            return stopped.reason, f"{stopped} {stopped.output}"
        return "value", repr(result.value)

    def processes(self) -> int:
        """How many children it has."""
        return len(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


@pytest.mark.contract("STRUCT-16")
def test_what_is_shut_in_stays_shut_in_and_the_worker_lives_on(cluster: session.Connection) -> None:
    ray = session.connected()
    worker = ray.remote(Shell).options(num_cpus=0, runtime_env={"env_vars": {"SECRET_KEY": CANARY}}).remote()
    before = ray.get(worker.processes.remote())
    for expected, body in CODE.items():
        reason, seen = ray.get(worker.run.remote(f"def f():\n    {body}\n"), timeout=60)
        assert reason == expected, seen
        assert CANARY not in seen
    assert ray.get(worker.run.remote("def f():\n    return sum(range(10))\n"), timeout=60) == ("value", "45")
    assert ray.get(worker.processes.remote()) == before
    ray.kill(worker)
