"""What models cost: a table as data, which anybody can extend.

The table of the package is a list of public prices at a date; providers change theirs without a word, so what matters
is set by the user: `price="2.5/10"` when a model is deployed, or a file of one's own in the same form.
"""

from __future__ import annotations

import json
import os
import re
from functools import cache
from importlib.resources import files
from pathlib import Path

from byzer_nb.errors import BadInputError
from byzer_nb.types import Price

OWN_FILE = "BYZER_NB_PRICES"
USUAL_FILE = "~/.byzer_nb/prices.json"
_DATE = re.compile(r"-(\d{4}-?\d{2}-?\d{2}|\d{4}|latest)(-v\d+(:\d+)?)?$")


def price_of(model: str) -> Price | None:
    """The price of a model by its provider's name for it; one with a date costs as much as the one without."""
    table = prices()
    bare = model.rpartition("/")[2].lower()
    for name in (model, model.lower(), bare, _DATE.sub("", bare)):
        if name in table:
            return table[name]
    return None


@cache
def prices() -> dict[str, Price]:
    """Every price that is known; the user's own file wins."""
    table = _read((files("byzer_nb.client") / "prices.json").read_text(encoding="utf-8"), "prices.json")
    own = Path(os.environ.get(OWN_FILE, USUAL_FILE)).expanduser()
    if own.is_file():
        table |= _read(own.read_text(encoding="utf-8"), str(own))
    return table


def _read(text: str, where: str) -> dict[str, Price]:
    try:
        models = json.loads(text)["models"]
        return {name: Price(read=float(read), written=float(written)) for name, (read, written) in models.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise BadInputError(
            f"The price table {where!r} cannot be read: {wrong}.",
            hint='It looks like: {"models": {"my-model": [2.5, 10]}}, in dollars for a million tokens in and out.',
        ) from wrong
