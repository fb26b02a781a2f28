"""A gateway without a terminal: `python -m byzer_nb.serve.detached FOLDER`, started by `process.start`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from byzer_nb.serve.logs import print_into
from byzer_nb.serve.place import Place
from byzer_nb.serve.serving import give_up, serve

LOG = "gateway"


def main(words: Sequence[str]) -> int:
    """Serve what the order in the folder says; the exit code."""
    place = Place(Path(words[0]))
    print_into(place.log(LOG))
    try:
        serve(place.order(), is_quiet=True)
    except KeyboardInterrupt:
        return 0
    except Exception as failed:  # whoever waits for this process is told
        give_up(failed, place, LOG)
        raise
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
