"""A private Ray cluster for the tests of this folder, and models on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

import pytest

from byzer_nb import Client
from byzer_nb._sync import run
from byzer_nb.client.deployed import RayTransport
from byzer_nb.cluster import directory, session
from byzer_nb.cluster.deployment import DeployedModel, deploy, undeploy
from byzer_nb.types import DeploySpec
from byzer_nb.types.pool import PoolSpec

Deploy = Callable[..., DeployedModel]


@pytest.fixture(scope="package")
def ray_folder() -> Iterator[Path]:
    """Where the cluster and its workers write."""
    folder = Path(mkdtemp(prefix="ray-", dir="/tmp"))  # short: the paths of its sockets have a limit
    yield folder
    rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="package")
def cluster(ray_folder: Path) -> Iterator[session.Connection]:
    """Two CPUs on loop-back; it ends with the tests of this folder."""
    session.disconnect()  # a test before that failed may have left this process in a cluster of its own
    patch = pytest.MonkeyPatch()
    patch.setenv("BYZER_NB_HOME", str(ray_folder / "home"))
    options = {"num_cpus": 2, "num_gpus": 0, "_temp_dir": str(ray_folder), "_node_ip_address": "127.0.0.1"}
    yield session.connect("local", init_options=options)
    session.disconnect()
    patch.undo()


@pytest.fixture
def deployed(cluster: session.Connection) -> Iterator[Deploy]:
    """Deploys scripted models, which echo; all are gone afterwards."""

    def deployed(name: str = "echo", *, engine: str = "saas/scripted", path: str = "", **given: Any) -> DeployedModel:
        layout = {key: given.pop(key) for key in list(given) if key in PoolSpec.__dataclass_fields__}
        spec = DeploySpec(name=name, engine=engine, model_path=path, settings=given)
        return run(deploy(spec, PoolSpec(**{"cpus": 0.001, **layout})))

    yield deployed
    for name in directory.names():
        run(undeploy(name))


@pytest.fixture
def client(cluster: session.Connection) -> Iterator[Client]:
    """A client with connections of its own."""
    transport = RayTransport()
    yield Client(transport)
    run(transport.close())
