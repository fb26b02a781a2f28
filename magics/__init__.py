"""What `%load_ext byzer_nb` adds to a notebook: one file a magic, and helpers that begin with an underscore."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["register", "unregister"]


def register(shell: Any) -> None:  # Any: IPython has no types
    """Add the magics to a shell; doing it twice is harmless."""
    for magics in _classes():
        shell.register_magics(magics)


def unregister(shell: Any) -> None:
    """Take from a shell exactly what `register` added."""
    for name in ("watching", "following"):
        if (going_on := sys.modules.get(f"{__name__}.{name}")) is not None:
            going_on.stop_all()
    manager = shell.magics_manager
    for magics in _classes():
        added = manager.registry.pop(magics.__name__, None)
        if added is None:
            continue
        for kind, names in added.magics.items():
            for name, function in names.items():
                if manager.magics[kind].get(name) == function:  # somebody else may have taken the name since
                    del manager.magics[kind][name]


def _classes() -> list[type[Any]]:  # Any: IPython has no types
    from .connect import ConnectMagics
    from .deploy import DeployMagics
    from .models import ModelMagics
    from .prompt import PromptMagics
    from .serve import ServeMagics
    from .use import UseMagics

    return [ConnectMagics, DeployMagics, ModelMagics, PromptMagics, ServeMagics, UseMagics]
