"""A thousand streams at once through one worker, from a provider that takes its time."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from byzer_nb._sync import run
from byzer_nb.client import AsyncClient
from byzer_nb.client.deployed import RayTransport
from byzer_nb.cluster import directory, session
from byzer_nb.cluster.deployment import deploy, undeploy
from byzer_nb.types import DeploySpec
from byzer_nb.types.pool import PoolSpec
from tests.standins.openai import OpenAIStandIn
from tests.standins.vendor import Act

STREAMS = 1_000
WORDS = [f" word{number}" for number in range(12)]
PER_SECOND = 3.0


@pytest.fixture
def slow(cluster: session.Connection) -> Iterator[str]:
    """The name of a model at a provider that says three words a second."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8_192)), hard))
    with OpenAIStandIn() as openai:
        openai.always = Act(reply=WORDS, rate=PER_SECOND)
        settings = {"api_key": openai.key, "base_url": openai.url, "model": "gpt-4o", "max_retries": 0}
        spec = DeploySpec(name="slow", engine="saas/openai", settings=settings)
        run(deploy(spec, PoolSpec(cpus=0.001, slots=STREAMS)))
        yield spec.name
        run(undeploy(spec.name))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def open_files(process: int) -> int:
    """How many file handles a process has open."""
    return len(list(Path(f"/proc/{process}/fd").iterdir()))


def megabytes(process: int) -> float:
    """The memory that a process has in use."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


async def round_of_streams(client: AsyncClient, model: str) -> list[float]:
    """When each stream ended, counted from the start; each must have brought every word."""
    loop = asyncio.get_running_loop()
    started = loop.time()

    async def one() -> float:
        text = "".join([delta.text async for delta in client.stream("go", model=model)])
        assert text == "".join(WORDS)
        return loop.time() - started

    return await asyncio.gather(*[one() for _ in range(STREAMS)])


async def test_a_thousand_streams_through_one_worker_all_end_and_leave_nothing(slow: str) -> None:
    (worker,) = directory.workers(slow)
    process = await worker.process_id.remote()
    transport = RayTransport()
    client = AsyncClient(transport)
    await client.chat("warm up", model=slow)
    files, memory, slowest = [], [], []
    for _ in range(3):
        ends = await round_of_streams(client, slow)
        slowest.append(max(ends) / min(ends))
        files.append(open_files(process))
        memory.append(megabytes(process))
    await transport.close()
    assert sorted(slowest)[1] < 2.5  # fair: nobody waits for the others to end, whatever else the machine did once
    assert files[-1] < files[0] * 1.1  # connections that wait for a next call, and no others
    assert memory[-1] < memory[0] + 20, memory
