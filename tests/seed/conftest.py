"""A provider on this machine, and clients of the documents that talk to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from byzer_nb import SimpleByzerLLM
from byzer_nb._sync import run
from byzer_nb.client import shared_models
from byzer_nb.providers.scripted import Script, ScriptedEngine
from byzer_nb.seed import alias
from byzer_nb.types import ModelCard
from tests.standins.openai import OpenAIStandIn

Deploy = Callable[..., None]
AddScripted = Callable[..., ScriptedEngine]


@pytest.fixture
def openai() -> Iterator[OpenAIStandIn]:
    """OpenAI in process; without an act it echoes."""
    with OpenAIStandIn(models=["gpt-4o"]) as standin:
        yield standin


@pytest.fixture
def deploy(openai: OpenAIStandIn) -> Iterator[Deploy]:
    """Deploys a model of the stand-in with a client; every name is free again afterwards."""
    deployed: list[tuple[SimpleByzerLLM, str]] = []

    def deploy(llm: SimpleByzerLLM, name: str, **saas: Any) -> None:
        usual = {"base_url": openai.url, "api_key": openai.key, "model": "gpt-4o", "max_retries": 0}
        params = {f"saas.{key}": value for key, value in (usual | saas).items()}
        llm.deploy(model_path="", pretrained_model_type="saas/openai", udf_name=name, infer_params=params)
        deployed.append((llm, name))

    yield deploy
    for llm, name in deployed:
        llm.undeploy(name)


@pytest.fixture
def llm(deploy: Deploy) -> SimpleByzerLLM:
    """A client whose default model is `chat` on the stand-in."""
    llm = SimpleByzerLLM(default_model_name="chat")
    deploy(llm, "chat")
    return llm


class LocalScripted(ScriptedEngine):
    """A scripted engine that counts as weights on this machine."""

    architectures: tuple[str, ...] = ("LlamaForCausalLM",)
    has_chat_template = True

    def describe(self) -> ModelCard:
        """The card of a local model."""
        card = super().describe()
        able = replace(
            card.capabilities,
            chat_template=self.has_chat_template,
            options=card.capabilities.options | {"stop_token_ids", "repetition_penalty", "top_k"},
        )
        return replace(
            card,
            engine="transformers",
            is_local=True,
            context_length=4096,
            architectures=self.architectures,
            capabilities=able,
        )


@pytest.fixture
def add_scripted() -> Iterator[AddScripted]:
    """Puts a scripted engine under a name that every client finds."""
    names: list[str] = []

    def add(
        name: str, script: Script | None = None, *, kind: type[ScriptedEngine] = ScriptedEngine, **more: Any
    ) -> ScriptedEngine:
        engine = kind(script, **more)
        run(shared_models().add(name, engine))
        names.append(name)
        return engine

    yield add
    for name in names:
        run(shared_models().undeploy(name))


@pytest.fixture
def byzerllm() -> Iterator[ModuleType]:
    """The alias, installed for one test."""
    alias.install()
    import byzerllm

    yield byzerllm
    alias.uninstall()
