"""Talking to models, wherever they run: one client over a transport."""

from byzer_nb.client.client import AsyncClient, Client
from byzer_nb.client.local import LocalTransport, shared_models
from byzer_nb.client.reachable import ReachableModels, reachable_models
from byzer_nb.client.transport import Transport

__all__ = [
    "AsyncClient",
    "Client",
    "LocalTransport",
    "ReachableModels",
    "Transport",
    "reachable_models",
    "shared_models",
]
