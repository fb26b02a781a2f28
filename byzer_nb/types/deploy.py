"""What to run, under which name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from byzer_nb.errors import BadInputError, WrongTypeError


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
            raise BadInputError("A deployed model needs a name.", hint="For example: udf_name='chat'")
        if not self.engine:
            raise BadInputError(
                f"The model {self.name!r} needs a type.", hint="For example: pretrained_model_type='saas/openai'"
            )
