"""byzer-tiny: the model that comes with the package and answers without a key, a network or a GPU."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Self

from byzer_nb.backends.numpy_engine import NumpyEngine
from byzer_nb.types import DeploySpec

WEIGHTS = Path(__file__).parents[1] / "weights" / "byzer-tiny"


class ByzerTiny(NumpyEngine):
    """The numpy engine on the bundled weights, or on weights of the same kind when the spec names a folder."""

    @classmethod
    def from_spec(cls, spec: DeploySpec) -> Self:
        """The engine with its weights loaded; it takes the settings of the numpy engine."""
        return super().from_spec(replace(spec, model_path=spec.model_path or str(WEIGHTS)))
