"""Where the lines of a serving process go: to the terminal, or into a log that never grows beyond a limit."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from pathlib import Path

from byzer_nb.cluster.log_file import LogFile


def set_up_logging(level: str) -> None:
    """Our own lines and uvicorn's on standard error, with the time; prompts and answers are in none of them."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    for name in ("byzer_nb.serve", "byzer_nb.access", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(logging.DEBUG if level == "trace" else level.upper())


def print_into(path: Path) -> None:
    """Whatever this process prints from now on goes there, at most 4 MB with the file before it."""
    log = LogFile(path)
    threading.Thread(target=asyncio.run, args=(log.keep_small(),), name="byzer_nb-log", daemon=True).start()
