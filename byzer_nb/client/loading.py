"""Models in this process, by name, for scripts and cells that need no cluster."""

from __future__ import annotations

from dataclasses import dataclass, fields
from html import escape
from typing import Any

from byzer_nb._sync import run
from byzer_nb.client.local import shared_models
from byzer_nb.client.reachable import reachable_models
from byzer_nb.client.ready import check_engine
from byzer_nb.errors import WrongTypeError
from byzer_nb.types import DeploySpec, Engine, ModelCard
from byzer_nb.types.secret import with_secrets


def load(name: str, engine: str | Engine, *, path: str = "", **settings: Any) -> ModelCard:  # Any: the engine's own
    """Answer to `name` in this process; every client and cell here finds it.

    For example `load("chat", "transformers", path="/models/qwen")` or `load("gpt", "saas/openai", api_key=key)`. A
    ready engine, such as a `ScriptedEngine` in a test, is taken as it is and stays yours to close. Calls that name no
    model go to the newest one, unless `use` chose another.
    """
    settings = with_secrets(settings)  # at once: tracebacks may show the variables of this frame
    before = reachable_models().default_model()
    if isinstance(engine, str):
        spec = DeploySpec(name=name, engine=engine, model_path=path, settings=settings)
        return _loaded(name, run(shared_models().deploy(spec)), before=before)
    if path or settings:
        raise WrongTypeError("A ready engine takes no settings.", hint=f"Write: load({name!r}, engine)")
    run(shared_models().add(name, engine))
    return _loaded(name, engine, before=before)


def unload(name: str) -> bool:
    """Close a model that was loaded here; false when there is none of that name."""
    return run(shared_models().undeploy(name))


def use(model: str | Engine) -> ModelCard:
    """Make a model the one that is meant when a prompt names none; a ready engine answers to its own name."""
    if isinstance(model, str):
        return run(reachable_models().choose(model))
    check_engine(model)
    name = model.describe().model
    load(name, model)
    return run(reachable_models().choose(name))


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class LoadedModel(ModelCard):
    """The card of a model that was just loaded; it also says so when unnamed prompts go elsewhere from now on."""

    name: str
    instead_of: str = ""

    def __repr__(self) -> str:
        return "\n".join(filter(None, [ModelCard.__repr__(self), self._news()]))

    def _html(self) -> str:
        return f"{ModelCard._html(self)}<small>{escape(self._news())}</small>"

    def _news(self) -> str:
        if not self.instead_of:
            return ""
        return (
            f"Prompts without a model name now go to {self.name!r}; byzer_nb.use({self.instead_of!r}) goes back to "
            f"{self.instead_of}."
        )


def _loaded(name: str, engine: Engine, *, before: str) -> LoadedModel:
    governed = shared_models().governed(name)
    card = engine.describe() if governed is None else governed.policy.on(engine.describe())
    now = reachable_models().default_model()
    facts = {each.name: getattr(card, each.name) for each in fields(ModelCard)}
    return LoadedModel(**facts, name=name, instead_of=before if now == name != before else "")
