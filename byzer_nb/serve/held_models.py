"""Models that a serving process holds itself: a list in a YAML file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from byzer_nb._registry import nearest
from byzer_nb.engines import ENGINES
from byzer_nb.errors import BadInputError, MissingFileError
from byzer_nb.types import DeploySpec, Secret
from byzer_nb.types.secret import with_secrets

FIELDS = ("name", "type", "path", "settings")
_EXAMPLE = "{name: gpt, type: saas/openai, settings: {model: gpt-4o, api_key: '${OPENAI_API_KEY}'}}"
_VARIABLE = re.compile(r"\$\{(\w+)\}")


def read_models(path: Path) -> list[DeploySpec]:
    """The models that a file lists; a value `${NAME}` in the settings is taken from the environment."""
    try:
        listed = yaml.safe_load(path.expanduser().read_text(encoding="utf-8"))
    except OSError as missing:
        raise MissingFileError(f"The file of models {str(path)!r} cannot be read: {missing.strerror}.") from missing
    except yaml.YAMLError:  # its words quote the line, in which a key may stand
        raise BadInputError(f"The file of models {str(path)!r} is no YAML.", hint=f"A list of: {_EXAMPLE}") from None
    if not isinstance(listed, list) or not listed:
        raise BadInputError(f"The file of models {str(path)!r} is no list.", hint=f"A list of: {_EXAMPLE}")
    specs = [_spec(each, position) for position, each in enumerate(listed)]
    names = [spec.name for spec in specs]
    for name in names:
        if names.count(name) > 1:
            raise BadInputError(f"Two models in {str(path)!r} are called {name!r}.", hint="Give each its own name.")
    return specs


def _spec(given: object, position: int) -> DeploySpec:
    if not isinstance(given, Mapping):
        raise BadInputError(f"Model {position} is no set of fields.", hint=f"For example: {_EXAMPLE}")
    for name in given:
        if name not in FIELDS:
            hint = nearest(str(name), FIELDS) + "Known: " + ", ".join(FIELDS)
            raise BadInputError(f"Model {position} has an unknown field {name!r}.", hint=hint)
    settings = given.get("settings") or {}
    if not isinstance(settings, Mapping) or not isinstance(given.get("name"), str):
        raise BadInputError(
            f"Model {position} needs a name, a type, and settings by name.", hint=f"For example: {_EXAMPLE}"
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
