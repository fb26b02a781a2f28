"""byzer_nb: the whole life of a language model in a notebook.

    %load_ext byzer_nb        the magics, and `import byzerllm` for older notebooks
    byzer_nb.prompt           a docstring becomes a prompt, a function call an answer
    byzer_nb.Client           talk to any model by its name

Names are loaded when they are first used, so importing this package is quick and opens nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from byzer_nb.client import AsyncClient as AsyncClient
    from byzer_nb.client import Client as Client
    from byzer_nb.client.ledger import ledger as ledger
    from byzer_nb.client.loading import load as load
    from byzer_nb.client.loading import unload as unload
    from byzer_nb.client.loading import use as use
    from byzer_nb.errors import ByzerError as ByzerError
    from byzer_nb.mcp import McpServer as McpServer
    from byzer_nb.prompts.ask import ask as ask
    from byzer_nb.prompts.meta import MetaHolder as MetaHolder
    from byzer_nb.prompts.value_stream import stream_values as stream_values
    from byzer_nb.providers.scripted import ScriptedEngine as ScriptedEngine
    from byzer_nb.seed.connecting import connect_cluster as connect_cluster
    from byzer_nb.seed.image import Audio as Audio
    from byzer_nb.seed.image import Image as Image
    from byzer_nb.seed.llm import ByzerLLM as ByzerLLM
    from byzer_nb.seed.llm import SimpleByzerLLM as SimpleByzerLLM
    from byzer_nb.seed.model_list import get_llm_names as get_llm_names
    from byzer_nb.seed.model_list import get_model_info as get_model_info
    from byzer_nb.seed.model_list import get_single_llm as get_single_llm
    from byzer_nb.seed.prompting import prompt as prompt
    from byzer_nb.seed.prompting import prompt_lazy as prompt_lazy
    from byzer_nb.seed.showing import show as show
    from byzer_nb.types import ChatOptions as ChatOptions

__version__ = "0.1.0"

_PLACES = {
    "AsyncClient": "byzer_nb.client",
    "Audio": "byzer_nb.seed.image",
    "ByzerError": "byzer_nb.errors",
    "ByzerLLM": "byzer_nb.seed.llm",
    "ChatOptions": "byzer_nb.types",
    "Client": "byzer_nb.client",
    "Image": "byzer_nb.seed.image",
    "McpServer": "byzer_nb.mcp",
    "MetaHolder": "byzer_nb.prompts.meta",
    "ScriptedEngine": "byzer_nb.providers.scripted",
    "SimpleByzerLLM": "byzer_nb.seed.llm",
    "ask": "byzer_nb.prompts.ask",
    "connect_cluster": "byzer_nb.seed.connecting",
    "get_llm_names": "byzer_nb.seed.model_list",
    "get_model_info": "byzer_nb.seed.model_list",
    "get_single_llm": "byzer_nb.seed.model_list",
    "ledger": "byzer_nb.client.ledger",
    "load": "byzer_nb.client.loading",
    "prompt": "byzer_nb.seed.prompting",
    "prompt_lazy": "byzer_nb.seed.prompting",
    "show": "byzer_nb.seed.showing",
    "stream_values": "byzer_nb.prompts.value_stream",
    "unload": "byzer_nb.client.loading",
    "use": "byzer_nb.client.loading",
}

__all__ = sorted([*_PLACES, "load_ipython_extension", "unload_ipython_extension"])


def __getattr__(name: str) -> Any:  # Any: whatever the name stands for
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(place), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*__all__, *(name for name in globals() if name.startswith("__"))])


def load_ipython_extension(shell: Any) -> None:  # Any: IPython has no types
    """What `%load_ext byzer_nb` does: the magics, and the alias `byzerllm`."""
    from byzer_nb.magics import register
    from byzer_nb.seed import alias

    register(shell)
    alias.install()


def unload_ipython_extension(shell: Any) -> None:
    """Take everything back: magics, alias, loaded models with their threads, connections, and the background loop.

    Models on a cluster go on; only a private cluster that the magics started ends.
    """
    from byzer_nb._sync import close_background_loop, run
    from byzer_nb.client import reachable_models
    from byzer_nb.cluster.session import end_started
    from byzer_nb.magics import unregister
    from byzer_nb.seed import alias

    unregister(shell)
    alias.uninstall()
    try:
        run(reachable_models().close())
    finally:
        end_started()
        close_background_loop()
