"""What models cost: a table as data, which anybody can extend.

The table of the package is a list of public prices at a date; providers change theirs without a word, so what matters
is set by the user: `price="2.5/10"` when a model is deployed, or a file of one's own in the same form.
"""

from __future__ import annotations

import json
import os
import re
import warnings
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from byzer_nb._home import home_folder
from byzer_nb.errors import BadInputError
from byzer_nb.types import Price

OWN_FILE = "BYZER_NB_PRICES"
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
    """Every price that is known; the user's own file wins. One that cannot be read costs no answer, only a warning."""
    table = _read(files("byzer_nb.client") / "prices.json")
    own = Path(os.environ.get(OWN_FILE) or home_folder(make=False) / "prices.json").expanduser()
    if own.is_file():
        try:
            table |= _read(own)
        except BadInputError as told:
            warnings.warn(f"{told} Until then only the usual prices hold.", stacklevel=2)
    return table


def _read(file: Path | Traversable) -> dict[str, Price]:
    try:
        models = json.loads(file.read_text(encoding="utf-8"))["models"]
        return {name: Price(read=float(read), written=float(written)) for name, (read, written) in models.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise BadInputError(
            f"The price table {str(file)!r} cannot be read: {wrong}.",
            hint='It looks like: {"models": {"my-model": [2.5, 10]}}, in dollars for a million tokens in and out.',
        ) from wrong
