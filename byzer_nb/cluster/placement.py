"""Whether the workers of a model fit into the cluster, asked before anything is started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from byzer_nb.cluster.session import connected
from byzer_nb.errors import BadInputError
from byzer_nb.types.pool import PoolSpec

KINDS = {"CPU": "cpus", "GPU": "gpus"}


def check_fit(name: str, pool: PoolSpec, *, freed: Mapping[str, float] | None = None) -> None:
    """Raise unless every worker can have its place now; `freed` is what a model gives back that is to be replaced."""
    ray = connected()
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    free = ray.available_resources()
    for kind, field in KINDS.items():
        each = getattr(pool, field)
        if not each:
            continue
        if each > max((node.get(kind, 0.0) for node in nodes), default=0.0):
            raise _shortage(name, f"a worker wants {each:g} {kind}, and {_largest(nodes, kind)}", field)
        wanted = each * pool.workers
        total = sum(node.get(kind, 0.0) for node in nodes)
        if wanted > total:
            raise _shortage(name, f"its workers want {wanted:g} {kind}, and the cluster has {total:g}", field)
        left = free.get(kind, 0.0) + (freed or {}).get(kind, 0.0)
        if wanted > left + 1e-6:
            raise _shortage(name, f"its workers want {wanted:g} {kind}, and {left:g} of {total:g} are free now", field)


def not_placed(name: str, pool: PoolSpec, seconds: float) -> BadInputError:
    """The error for workers that fitted in and then found no place."""
    return _shortage(
        name, f"Ray found no place with {pool.cpus:g} CPU and {pool.gpus:g} GPU for a worker in {seconds:g} s", "cpus"
    )


def _largest(nodes: Sequence[Mapping[str, float]], kind: str) -> str:
    most = max((node.get(kind, 0.0) for node in nodes), default=0.0)
    return f"no node has more than {most:g}" if most else "the cluster has none"


def _shortage(name: str, what: str, field: str) -> BadInputError:
    return BadInputError(
        f"{name!r} does not fit into the cluster: {what}.",
        hint=f"Give each worker less ({field}=...), start fewer, or undeploy another model.",
    )
