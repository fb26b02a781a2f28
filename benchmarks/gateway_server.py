"""A gateway for the benchmark: `gateway_server.py PORT UPSTREAM [--ray]`."""

from __future__ import annotations

import sys

from byzer_nb._garbage import keep_what_is_loaded
from byzer_nb._sync import run
from byzer_nb.client import AsyncClient
from byzer_nb.client.local import LocalTransport
from byzer_nb.client.transport import Transport
from byzer_nb.serve.running import server
from byzer_nb.serve.settings import ServeSettings
from byzer_nb.types import DeploySpec
from byzer_nb.types.pool import PoolSpec

PACED_TOKENS = 200
PACE = 0.02
SLOTS = 128


def main(port: int, upstream: str, *, on_ray: bool) -> None:
    """Deploy the two models, and serve them."""
    settings = {"api_key": "sk-bench", "base_url": f"{upstream}/v1", "model": "bench"}
    specs = [
        DeploySpec(name="bench", engine="saas/openai", settings=settings),
        DeploySpec(name="paced", engine="saas/scripted", settings={"reply": Paced(), "token_delay": PACE}),
    ]
    transport = on_cluster(specs) if on_ray else in_process(specs)
    keep_what_is_loaded()  # as the gateway's own process does
    server(AsyncClient(transport), ServeSettings(port=port, log_level="warning")).run()


class Paced:
    """A script that says the same pieces at every call; it travels to the worker."""

    def __call__(self, request: object) -> list[str]:
        return [f"word{number} " for number in range(PACED_TOKENS)]


def in_process(specs: list[DeploySpec]) -> Transport:
    """Held in this process."""
    transport = LocalTransport()
    for spec in specs:
        run(transport.deploy(spec))
    return transport


def on_cluster(specs: list[DeploySpec]) -> Transport:
    """On a private Ray cluster, two workers each."""
    from byzer_nb.client.deployed import RayTransport
    from byzer_nb.cluster import session
    from byzer_nb.cluster.deployment import deploy

    session.connect("local", init_options={"num_cpus": 4})
    for spec in specs:
        run(deploy(spec, PoolSpec(workers=1, slots=SLOTS, cpus=0.001)))
    return RayTransport()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], on_ray="--ray" in sys.argv)
