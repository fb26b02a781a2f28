"""What to run, under which name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from byzer_nb.errors import BadInputError, WrongTypeError

PREFIX = "saas."  # of one dialect; it ends at the face that reads it


@dataclass(frozen=True, kw_only=True, slots=True)
class DeploySpec:
    """An engine, its weights and its settings, and the name that calls will use.

    `engine` is a provider (`saas/openai`), a backend (`transformers`, `numpy`) or `byzer-tiny`. `settings` are the
    engine's own, without the prefixes of the faces; secrets stand in it as `Secret`.
    """

    name: str
    engine: str
    model_path: str = ""
    settings: dict[str, Any] = field(default_factory=dict, repr=False)  # Any: each engine reads and checks its own

    def __post_init__(self) -> None:
        for what, value in (("name", self.name), ("engine", self.engine)):
            if not isinstance(value, str):
                raise WrongTypeError(f"The {what} of a model is a string, not {value!r}.")
        if not self.name:
            raise BadInputError(
                "A deployed model needs a name.", hint=f"Write: load('chat', {self.engine or 'saas/openai'!r}, ...)"
            )
        if not self.engine:
            raise BadInputError(
                f"The model {self.name!r} needs an engine.", hint=f"Write: load({self.name!r}, 'saas/openai', ...)"
            )
        for setting in self.settings:
            bare = str(setting).removeprefix(PREFIX)
            if bare != setting:
                raise BadInputError(
                    f"A setting has its bare name here, and {setting!r} has a prefix.",
                    hint=f"Write {bare} without {PREFIX!r}: load({self.name!r}, {self.engine!r}, {bare}=...)",
                )
