"""The models that are deployed on the cluster, by name."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from byzer_nb._registry import nearest
from byzer_nb.cluster.session import NAMESPACE, WORKERS_NAMESPACE, connected
from byzer_nb.errors import BadInputError, UnknownModelError

MODEL_KEY = "byzer_nb:model:"  # before a model's name in Ray's table of keys
SEPARATOR = "#"  # between the name of a model and the index of a worker


def names() -> list[str]:
    """Every deployed model, sorted."""
    actors = connected().util.list_named_actors(all_namespaces=True)
    alive = {each["name"] for each in actors if each["namespace"] == NAMESPACE}
    noted = {key.decode().removeprefix(MODEL_KEY) for key in _notes()._internal_kv_list(MODEL_KEY.encode())}
    return sorted(alive & noted)


def note(name: str) -> None:
    """Remember that the actor of this name is a model's router; other people's actors have names there too."""
    _notes()._internal_kv_put((MODEL_KEY + name).encode(), b"", overwrite=True)


def forget(name: str) -> None:
    """The model has ended."""
    _notes()._internal_kv_del((MODEL_KEY + name).encode())


def _notes() -> ModuleType:
    connected()
    return import_module("ray.experimental.internal_kv")


def exists(name: str) -> bool:
    """Whether a model of that name is deployed."""
    check_name(name)
    return name in names()


def router(name: str) -> Any:  # Any: the handle of an actor
    """The router of a model."""
    check_name(name)
    found = handle(name)
    if found is None or name not in names():
        known = names()
        raise UnknownModelError(
            f"Model {name} not deployed: the cluster runs no model of that name.",
            hint=nearest(name, known) + ("Running: " + ", ".join(known) if known else "No model runs there."),
        )
    return found


def handle(name: str, namespace: str = NAMESPACE) -> Any | None:  # Any: the handle of an actor
    """The actor of that name, if there is one."""
    try:
        return connected().get_actor(name, namespace=namespace)
    except ValueError:
        return None


def worker_name(model: str, index: int) -> str:
    """The name of a worker's actor."""
    return f"{model}{SEPARATOR}{index}"


def workers(name: str) -> list[Any]:  # Any: handles of actors
    """Every worker of a model that is there, also one whose router is not."""
    actors = connected().util.list_named_actors(all_namespaces=True)
    own = [
        each["name"]
        for each in actors
        if each["namespace"] == WORKERS_NAMESPACE and each["name"].rpartition(SEPARATOR)[0] == name
    ]
    return [found for each in own if (found := handle(each, WORKERS_NAMESPACE)) is not None]


def check_name(name: object) -> None:
    """Raise unless a model on the cluster can have this name."""
    if not isinstance(name, str) or not name:
        raise BadInputError(f"The name of a model is a text that is not empty, not {name!r}.")
