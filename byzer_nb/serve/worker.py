"""One process of several: `python -m byzer_nb.serve.worker FOLDER NUMBER SOCKET...`, run by the supervisor."""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from byzer_nb.serve.logs import print_into
from byzer_nb.serve.place import Place
from byzer_nb.serve.serving import give_up, serve_here

QUIET = "--quiet"


def main(words: Sequence[str]) -> int:
    """Serve on the sockets that were handed over; the exit code."""
    folder, worker, *numbers = [word for word in words if word != QUIET]
    place = Place(Path(folder))
    if QUIET in words:
        print_into(place.log(worker))
    try:
        sockets = [socket.socket(fileno=int(number)) for number in numbers]
        serve_here(place.order(), place, sockets, worker=int(worker), parent=True)
    except KeyboardInterrupt:
        return 0
    except Exception as failed:  # whoever waits for this process is told
        give_up(failed, place, worker)
        raise
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
