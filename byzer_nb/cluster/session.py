"""The connection of this process to a Ray cluster."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from byzer_nb._display import Displayed, key_value_table
from byzer_nb.errors import BadInputError, NotConnectedError, UnreachableError

NAMESPACE = "default"  # where the documents look for models by name
WORKERS_NAMESPACE = "byzer_nb"  # where the workers of all models have their names
AUTO = "auto"
LOCAL = "local"
CLIENT_PREFIX = "ray://"
KNOCK_SECONDS = 3.0
SLOW_SERVER = "Starting Ray client server failed"
NOBODY = "Could not find any running Ray instance"  # how Ray says so
TOKEN_HINT = (
    "Does it want a token, or the same version of Ray? RAY_AUTH_MODE and RAY_AUTH_TOKEN_PATH must be set alike on both "
    "sides before anything is imported."
)
START_HINT = "Start one with: ray start --head, or a private one in this process with address='local'."


class NoClusterError(UnreachableError):
    """No cluster runs here; one that lets nobody in is another matter."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Connection(Displayed):
    """Which cluster this process is in, and how much of it is free. `way` is how the connection came about."""

    address: str
    way: str
    nodes: int
    cpus: float
    free_cpus: float
    gpus: float
    free_gpus: float

    def __repr__(self) -> str:
        gpus = f", {self.free_gpus:g} of {self.gpus:g} GPUs" if self.gpus else ""
        nodes = f" on {self.nodes} nodes" if self.nodes > 1 else ""
        return f"{self.way} {self.address}: {self.free_cpus:g} of {self.cpus:g} CPUs{gpus} free{nodes}"

    def _html(self) -> str:
        facts: dict[str, object] = {
            "cluster": f"{self.way} {self.address}",
            "nodes": self.nodes,
            "free CPUs": f"{self.free_cpus:g} of {self.cpus:g}",
            "free GPUs": f"{self.free_gpus:g} of {self.gpus:g}",
        }
        return key_value_table(facts)


def connect(address: str = AUTO, *, init_options: Mapping[str, Any] | None = None) -> Connection:
    """Join a cluster; a second time does nothing.

    `auto` is the cluster that runs on this machine, `local` a private one that ends with this process, `host:port` one
    that this machine is a node of, and `ray://host:port` one that is reached from outside.
    """
    if not isinstance(address, str) or not address:
        raise BadInputError(
            f"{address!r} is no address of a cluster.", hint="Write 'auto', 'local', 'host:6379' or 'ray://host:10001'."
        )
    if not is_connected():
        if address not in (AUTO, LOCAL):
            _knock(address)
            _use_token_if_there()
        _join(_ray(), address, dict(init_options or {}))
    return connection()


def connect_or_start() -> Connection:
    """Join the cluster of this machine, or start a private one, which ends with this process or by `end_started`."""
    global _was_started
    try:
        return connect()
    except NoClusterError:
        found = connect(LOCAL)
        _was_started = True
        return found


def end_started() -> None:
    """End the private cluster that `connect_or_start` started, if it did."""
    global _was_started
    if _was_started:
        _was_started = False
        disconnect()


def disconnect() -> None:
    """Leave the cluster; a private one ends."""
    ray = sys.modules.get("ray")
    if ray is not None:
        ray.shutdown()


def connected() -> ModuleType:
    """Ray, if this process is in a cluster, however it got there."""
    ray = sys.modules.get("ray")
    if ray is None or not ray.is_initialized():
        raise not_connected()
    return ray


def is_connected() -> bool:
    """Whether this process is in a cluster; Ray is not imported for it."""
    ray = sys.modules.get("ray")
    return ray is not None and bool(ray.is_initialized())


def not_connected() -> NotConnectedError:
    """The error for work that needs a cluster, ready to be raised."""
    return NotConnectedError(
        "This process is not connected to a Ray cluster: connect_cluster was not called.",
        hint="Call connect_cluster() or ray.init(address='auto', namespace='default'); without a cluster use "
        "SimpleByzerLLM or byzer_nb.load: the same methods, with the models in this process.",
    )


def connection() -> Connection:
    """The cluster of this process at this moment."""
    ray = connected()
    total, free = ray.cluster_resources(), ray.available_resources()
    return Connection(
        address=_address(ray),
        way=_way,
        nodes=sum(bool(node["Alive"]) for node in ray.nodes()),
        cpus=total.get("CPU", 0.0),
        free_cpus=free.get("CPU", 0.0),
        gpus=total.get("GPU", 0.0),
        free_gpus=free.get("GPU", 0.0),
    )


_way = "joined"
_was_started = False


def _ray() -> ModuleType:
    # Ray asks about usage statistics and warns of future defaults; a library has no business to let it.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    return import_module("ray")


def _join(ray: ModuleType, address: str, options: dict[str, Any]) -> None:
    global _way
    is_new = address == LOCAL
    wanted = {"namespace": NAMESPACE, "log_to_driver": False, "ignore_reinit_error": True, "logging_level": "error"}
    wanted |= ({"include_dashboard": False} if is_new else {}) | options
    try:
        try:
            ray.init(address=address, **wanted)
        except ConnectionError as failed:
            # Each client from outside gets a server of its own, which a busy head does not always start in time.
            if SLOW_SERVER not in str(failed):
                raise
            ray.init(address=address, **wanted)
    except (ConnectionError, RuntimeError) as failed:
        if NOBODY in str(failed):
            raise NoClusterError(f"No Ray cluster was found at {address!r}.", hint=START_HINT) from failed
        why = next(filter(None, map(str.strip, str(failed).splitlines())), type(failed).__name__)
        if is_new:
            raise UnreachableError(f"A private Ray cluster did not start: {why}", hint="Try it once more.") from failed
        raise UnreachableError(f"The Ray cluster at {address!r} lets nobody in: {why}", hint=TOKEN_HINT) from failed
    _way = "started" if is_new else "joined"
    if not options.get("log_to_driver"):
        # Without logs Ray still prints the deaths of workers, into whatever cell runs just then.
        ray._private.worker._worker_logs_enabled = False


def _knock(address: str) -> None:
    """Raise at once when nobody listens: Ray itself would try for half a minute."""
    host, _, port = address.removeprefix(CLIENT_PREFIX).rpartition(":")
    if not host or not port.isdigit():
        raise BadInputError(
            f"{address!r} is no address of a cluster.", hint="Write 'auto', 'local', 'host:6379' or 'ray://host:10001'."
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK_SECONDS).close()
    except OSError as nobody:
        raise UnreachableError(f"Nothing listens at {address!r}.", hint=START_HINT) from nobody


def _use_token_if_there() -> None:
    """Let an explicit address use the token that `auto` would use by itself."""
    if "RAY_AUTH_MODE" in os.environ:
        return
    path = os.environ.get("RAY_AUTH_TOKEN_PATH", "")
    if os.environ.get("RAY_AUTH_TOKEN") or (Path(path) if path else Path.home() / ".ray" / "auth_token").exists():
        os.environ["RAY_AUTH_MODE"] = "token"
        if "ray" in sys.modules:  # it has read the environment already
            import_module("ray._raylet").Config.initialize("")


def _address(ray: ModuleType) -> str:
    with contextlib.suppress(RuntimeError, AttributeError):
        return str(ray.get_runtime_context().gcs_address)
    return "over ray://"
