"""What holds for a model whichever engine it has: who steps in, how much may be asked of it, what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from byzer_nb.errors import BadInputError
from byzer_nb.types.deploy import DeploySpec
from byzer_nb.types.engine import ModelCard, Price

SETTINGS = ("fallback", "requests_per_minute", "tokens_per_minute", "price")


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """The settings of a spec that no engine reads; 0 limits nothing."""

    fallback: tuple[str, ...] = ()
    requests_per_minute: float = 0
    tokens_per_minute: float = 0
    price: Price | None = None

    def on(self, card: ModelCard) -> ModelCard:
        """The card with what the policy says about the model."""
        if not self.fallback and self.price is None:
            return card
        return replace(card, fallback=self.fallback, price=self.price)


def read_policy(spec: DeploySpec) -> Policy:
    """The policy of a spec; what cannot work is refused by name."""
    given = spec.settings
    return Policy(
        fallback=_names(given.get("fallback")),
        requests_per_minute=_number(given, "requests_per_minute"),
        tokens_per_minute=_number(given, "tokens_per_minute"),
        price=_price(given.get("price")),
    )


def _names(found: Any) -> tuple[str, ...]:  # Any: as the user wrote it
    names = found.split(",") if isinstance(found, str) else found or ()
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise BadInputError(
            f"fallback is a list of deployed models, not {found!r}.", hint="For example: fallback='second,third'"
        )
    return tuple(name.strip() for name in names if name.strip())


def _number(given: Mapping[str, Any], name: str) -> float:
    found = given.get(name)
    if found in (None, ""):
        return 0
    try:
        number = float(str(found))
    except ValueError:
        number = -1
    if number < 0 or not isfinite(number):
        raise BadInputError(f"{name} must be a number of at least 0, not {found!r}.", hint=f"For example: {name}=60")
    return number


def _price(found: Any) -> Price | None:  # Any: as the user wrote it
    if found in (None, ""):
        return None
    halves = found.split("/") if isinstance(found, str) else found
    try:
        read, written = (float(half) for half in halves)
    except (TypeError, ValueError):
        read = written = -1
    if min(read, written) < 0:
        raise BadInputError(
            f"price is what a million tokens cost, read and written, not {found!r}.", hint="For example: price='2.5/10'"
        )
    return Price(read=read, written=written)
