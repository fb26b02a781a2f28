"""How much code in the sandbox may use."""

from __future__ import annotations

from dataclasses import dataclass, fields

from byzer_nb.errors import BadInputError, WrongTypeError

MEBIBYTE = 1 << 20
LEAST_MEMORY = 64 * MEBIBYTE


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Upper bounds of one run; a run that reaches one ends with a `SandboxError` that names it.

    `memory_bytes` is address space, of which Python itself takes about 30 MiB, and a package such as numpy much more.
    `output_bytes` counts what is printed to both streams, `result_bytes` the result as JSON.
    """

    wall_seconds: float = 10.0
    cpu_seconds: float = 5.0  # the kernel counts whole seconds, so it is rounded up
    memory_bytes: int = 512 * MEBIBYTE
    output_bytes: int = MEBIBYTE
    result_bytes: int = 8 * MEBIBYTE

    def __post_init__(self) -> None:
        for each in fields(self):
            value: object = getattr(self, each.name)
            if not isinstance(value, int | float) or isinstance(value, bool):
                raise WrongTypeError(f"{each.name} is a number, not {value!r}.")
            if not 0 < value < float("inf"):
                raise BadInputError(
                    f"{each.name} must be above 0 and finite, not {value!r}.", hint=f"Try {each.default!r}."
                )
        if self.memory_bytes < LEAST_MEMORY:
            raise BadInputError(
                f"memory_bytes must be at least {LEAST_MEMORY}, which Python needs to start, not {self.memory_bytes!r}."
            )
