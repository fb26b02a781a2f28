"""Models in this process, by name, for scripts and cells that need no cluster."""

from __future__ import annotations

from typing import Any

from byzer_nb._sync import run
from byzer_nb.client.local import shared_models
from byzer_nb.types import DeploySpec, ModelCard


def load(name: str, engine: str, *, path: str = "", **settings: Any) -> ModelCard:  # Any: settings of the engine
    """Answer to `name` in this process; every client and cell here finds it.

    For example `load("chat", "transformers", path="/models/qwen")` or `load("gpt", "saas/openai", api_key=key)`.
    """
    spec = DeploySpec(name=name, engine=engine, model_path=path, settings=settings)
    return run(shared_models().deploy(spec)).describe()


def unload(name: str) -> bool:
    """Close a model that was loaded here; false when there is none of that name."""
    return run(shared_models().undeploy(name))


def use(name: str) -> ModelCard:
    """Make a model the one that is meant when a prompt names none."""
    return shared_models().choose(name)
