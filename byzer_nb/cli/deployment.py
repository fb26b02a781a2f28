"""What is to run on the cluster, in the words of the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from byzer_nb.cli.messages import did_you_mean, say
from byzer_nb.errors import BadInputError

if TYPE_CHECKING:
    from byzer_nb.types import DeploySpec
    from byzer_nb.types.pool import PoolSpec

BACKENDS = ("vllm", "transformers", "deepspeed", "llama_cpp")
DEFAULT_BACKEND = "transformers"


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """What is to run, as the command line says it. Without `slots` the backend decides."""

    name: str
    pretrained_model_type: str
    infer_params: Mapping[str, Any]  # Any: each engine reads and checks its own
    model_path: str = ""
    infer_backend: str = ""
    workers: int = 1
    slots: int | None = None
    cpus: float = 0.01
    gpus: float = 0.0

    def specs(self) -> tuple[DeploySpec, PoolSpec]:
        """The same for the cluster; what is wrong in itself is said here, before anything is started."""
        from byzer_nb.seed.deployments import spec_of
        from byzer_nb.seed.infer_params import read_infer_params
        from byzer_nb.seed.setup import Setup
        from byzer_nb.types.pool import PoolSpec

        if self.infer_backend not in ("", *BACKENDS):
            raise BadInputError(
                say(
                    en=f"{self.infer_backend!r} is no backend; the backends are {', '.join(BACKENDS)}.",
                    zh=f"{self.infer_backend!r} 不是推理后端；可用的有 {', '.join(BACKENDS)}。",
                ),
                hint=did_you_mean(self.infer_backend, BACKENDS),
            )
        chosen = Setup().setup_infer_backend(self.infer_backend or DEFAULT_BACKEND).sys_conf
        is_saas = self.pretrained_model_type.startswith("saas/")
        spec = spec_of(
            self.name,
            self.pretrained_model_type,
            model_path=_absolute(self.model_path),
            settings=read_infer_params(self.infer_params),
            infer_backend=chosen["infer_backend"],
        )
        slots = self.slots or (1 if is_saas else chosen["workerMaxConcurrency"])
        return spec, PoolSpec(workers=self.workers, slots=slots, cpus=self.cpus, gpus=self.gpus)


def _absolute(path: str) -> str:
    """A path that means the same to a worker, whose folder is another; one that is not here may be on its node."""
    here = Path(path).expanduser()
    return str(here.absolute()) if path and here.exists() else path
