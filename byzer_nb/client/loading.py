"""Models in this process, by name, for scripts and cells that need no cluster."""

from __future__ import annotations

from typing import Any

from byzer_nb._sync import run
from byzer_nb.client.local import shared_models
from byzer_nb.errors import WrongTypeError
from byzer_nb.types import DeploySpec, Engine, ModelCard
from byzer_nb.types.secret import with_secrets


def load(name: str, engine: str | Engine, *, path: str = "", **settings: Any) -> ModelCard:  # Any: the engine's own
    """Answer to `name` in this process; every client and cell here finds it.

    For example `load("chat", "transformers", path="/models/qwen")` or `load("gpt", "saas/openai", api_key=key)`. A
    ready engine, such as a `ScriptedEngine` in a test, is taken as it is and stays yours to close.
    """
    settings = with_secrets(settings)
    if isinstance(engine, str):
        return run(
            shared_models().deploy(DeploySpec(name=name, engine=engine, model_path=path, settings=settings))
        ).describe()
    if path or settings:
        raise WrongTypeError("A ready engine takes no settings.", hint=f"Write: load({name!r}, engine)")
    run(shared_models().add(name, engine))
    return engine.describe()


def unload(name: str) -> bool:
    """Close a model that was loaded here; false when there is none of that name."""
    return run(shared_models().undeploy(name))


def use(model: str | Engine) -> ModelCard:
    """Make a model the one that is meant when a prompt names none; a ready engine answers to its own name."""
    if isinstance(model, str):
        return shared_models().choose(model)
    name = model.describe().model
    load(name, model)
    return shared_models().choose(name)
