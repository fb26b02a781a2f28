"""The transport of a process that joined no cluster: every way to a model ends in the same clear error."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from byzer_nb.errors import NotConnectedError
from byzer_nb.types import ChatRequest, Delta, EmbedReply, EmbedRequest, ModelCard


class NotConnected:
    """Raises `NotConnectedError` whatever it is asked."""

    async def models(self) -> list[str]:
        raise no_cluster()

    async def describe(self, model: str) -> ModelCard:
        raise no_cluster()

    async def chat(self, model: str, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        for _ in ():
            yield Delta()  # never; it makes this an async generator, as the protocol wants
        raise no_cluster()

    async def embed(self, model: str, request: EmbedRequest) -> EmbedReply:
        raise no_cluster()

    async def tokenize(self, model: str, text: str) -> tuple[int, ...]:
        raise no_cluster()

    def default_model(self) -> str:
        raise no_cluster()


def no_cluster() -> NotConnectedError:
    """The error, ready to be raised."""
    return NotConnectedError(
        "ByzerLLM is not connected to a Ray cluster: connect_cluster was not called.",
        hint="Without a cluster use SimpleByzerLLM: the same methods, with the models in this process.",
    )
