"""Models that a serving process holds itself: a list in a YAML file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from byzer_nb._registry import nearest
from byzer_nb.engines import ENGINES
from byzer_nb.errors import BadInputError
from byzer_nb.serve.listed import Fields, Listing
from byzer_nb.types import DeploySpec, Secret
from byzer_nb.types.secret import with_secrets

_EXAMPLE = "{name: gpt, type: saas/openai, settings: {model: gpt-4o, api_key: '${OPENAI_API_KEY}'}}"
_MODELS = Listing(what="model", fields=("name", "type", "path", "settings"), example=_EXAMPLE)
_VARIABLE = re.compile(r"\$\{(\w+)\}")


def read_models(path: Path) -> list[DeploySpec]:
    """The models that a file lists; a value `${NAME}` in the settings is taken from the environment."""
    specs = [_spec(given) for given in _MODELS.read(path)]
    if not specs:
        raise BadInputError(f"The file of models {str(path)!r} lists nothing.", hint=f"A list of: {_EXAMPLE}")
    return specs


def _spec(given: Fields) -> DeploySpec:
    settings = given.get("settings") or {}
    if not isinstance(settings, Mapping):
        raise BadInputError(
            f"The settings of the model {given['name']!r} are no values by name.", hint=f"For example: {_EXAMPLE}"
        )
    kind = given.get("type", "")
    if kind not in ENGINES.names():
        known = ENGINES.names()
        raise BadInputError(
            f"The model {given['name']!r} has the unknown type {kind!r}.",
            hint=nearest(str(kind), known) + "Known: " + ", ".join(known),
        )
    return DeploySpec(
        name=given["name"],
        engine=kind,
        model_path=str(given.get("path", "")),
        settings={str(name): _filled(value) for name, value in with_secrets(settings).items()},
    )


def _filled(value: Any) -> Any:  # Any: values of YAML
    if isinstance(value, Secret):
        return Secret(_VARIABLE.sub(_variable, value.reveal()))
    if isinstance(value, Mapping):
        return {str(name): _filled(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each) for each in value]
    if isinstance(value, str) and _VARIABLE.search(value):
        return Secret(_VARIABLE.sub(_variable, value))
    return value


def _variable(found: re.Match[str]) -> str:
    name = found[1]
    if name not in os.environ:
        raise BadInputError(
            f"A model is to take {name} from the environment, which has none.", hint=f"Set it first: export {name}=..."
        )
    return os.environ[name]
