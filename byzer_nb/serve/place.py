"""The folder of a gateway in the run directory, by which other processes of its owner find it."""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from byzer_nb._home import home_folder
from byzer_nb.errors import GatewayError
from byzer_nb.serve.back_door import SUFFIX
from byzer_nb.serve.order import Order, read_order, write_private
from byzer_nb.serve.settings import ServeSettings

FAILURE = ".failed"
ACCOUNTS = "accounts"
SERVING = "serving.json"
LOCK_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Serving:
    """What a gateway has written down about itself. A quiet one has no terminal, and prints into logs."""

    pid: int
    address: str
    since: float
    workers: int
    keys: tuple[str, ...]
    cluster: str
    is_quiet: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """Why a process did not start."""

    message: str
    hint: str = ""


class Place:
    """Where one gateway has its order, its logs, and the doors of its processes.

    It is alive for as long as a process holds the lock of the folder, which no process can forget to let go.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, settings: ServeSettings) -> Place:
        """The place of what listens there."""
        host = re.sub(r"[^\w.-]", "_", settings.host) or "all"
        return cls(gateways_folder() / f"{host}-{settings.port}")

    def make(self) -> None:
        """Have the folder; nobody else can look into it."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as failed:
            raise GatewayError(
                f"The run directory {str(self.folder)!r} cannot be made: {failed.strerror}.",
                hint="Name another one: export BYZER_NB_HOME=/a/folder/of/yours",
            ) from None

    # -- who holds it ---------------------------------------------------------------------------------------------

    @contextmanager
    def held(self, order: Order, *, is_quiet: bool) -> Iterator[None]:
        """Be the gateway of this place for the time of the block."""
        self.make()
        with open(self.folder / "lock", "a") as lock:
            if not self._locked(lock):
                raise already(order.settings)
            self.clear()
            order.write(self.order_path)
            self._write(order, is_quiet=is_quiet)
            try:
                yield
            finally:
                self.clear()

    def is_alive(self) -> bool:
        """Whether a process serves here, or is about to."""
        with suppress(FileNotFoundError), open(self.folder / "lock", "a") as lock:
            return not _is_free(lock, fcntl.LOCK_SH)
        return False

    def is_taken(self) -> bool:
        """The same, and not only for the moment in which a process ends."""
        end = time.monotonic() + LOCK_SECONDS
        while self.is_alive():
            if time.monotonic() > end:
                return True
            time.sleep(0.02)
        return False

    def _locked(self, lock: IO[str]) -> bool:
        end = time.monotonic() + LOCK_SECONDS
        while not _is_free(lock, fcntl.LOCK_EX):
            if time.monotonic() > end:
                return False
            time.sleep(0.02)  # somebody who looks whether it is alive holds it for a moment
        return True

    def clear(self) -> None:
        """Take away what a gateway leaves, but for its logs and its order."""
        self.tidy()
        (self.folder / SERVING).unlink(missing_ok=True)

    def tidy(self) -> None:
        """The same, but for what it said of itself, which stays when it ended without being told to."""
        for pattern in (f"*{SUFFIX}", f"*{FAILURE}", ACCOUNTS):
            for path in self.folder.glob(pattern):
                path.unlink(missing_ok=True)

    # -- what is written down -------------------------------------------------------------------------------------

    @property
    def order_path(self) -> Path:
        """Where the order is."""
        return self.folder / "order.json"

    def order(self) -> Order:
        """What is served here."""
        return read_order(self.order_path)

    def _write(self, order: Order, *, is_quiet: bool) -> None:
        settings = order.settings
        serving = Serving(
            pid=os.getpid(),
            address=settings.address,
            since=time.time(),
            workers=settings.workers,
            keys=tuple(key.name for key in settings.keys),
            cluster=order.ray_address,
            is_quiet=is_quiet,
        )
        write_private(self.folder / SERVING, msgspec.json.encode(serving))

    def serving(self) -> Serving | None:
        """What the gateway says of itself; nothing when there is none."""
        return self._said() if self.is_alive() else None

    def lost(self) -> Serving | None:
        """What one said that is no more, and did not take it back: it was killed, or fell."""
        return None if self.is_alive() else self._said()

    def _said(self) -> Serving | None:
        with suppress(FileNotFoundError, msgspec.DecodeError):
            return msgspec.json.decode((self.folder / SERVING).read_bytes(), type=Serving)
        return None

    def door(self, worker: int) -> Path:
        """The back door of a process."""
        return self.folder / f"{worker}{SUFFIX}"

    def log(self, name: str) -> Path:
        """What a process prints, where it has no terminal."""
        return self.folder / f"{name}.log"

    @property
    def accounts(self) -> Path:
        """What keys have used up, where several processes count it together."""
        return self.folder / ACCOUNTS

    def tell_failure(self, name: str, failure: Failure) -> None:
        """Say why a process did not start."""
        write_private(self.folder / f"{name}{FAILURE}", msgspec.json.encode(failure))

    def failure(self) -> Failure | None:
        """Why one did not, if it said so."""
        for path in sorted(self.folder.glob(f"*{FAILURE}")):
            return msgspec.json.decode(path.read_bytes(), type=Failure)
        return None


def already(settings: ServeSettings) -> GatewayError:
    """The error for a second gateway at one place, ready to be raised."""
    return GatewayError(
        f"Port {settings.port} is in use: a gateway of yours serves at {settings.address} already.",
        hint="It finds new models by itself. Serve at another --port, or end that one: %llm_serve --stop, or Ctrl-C.",
    )


def _is_free(lock: IO[str], kind: int) -> bool:
    """Take the lock if that can be done at once; it is let go with the file."""
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def gateways_folder() -> Path:
    """Where all places are."""
    return home_folder(make=False) / "gateways"


def places() -> list[Place]:
    """All of them, in order."""
    return [Place(folder) for folder in sorted(gateways_folder().glob("*/"))]


def living_places() -> list[Place]:
    """The places that are alive; what is left of others is cleared away, but for their logs and how they ended."""
    alive = []
    for place in places():
        if place.is_alive():
            alive.append(place)
        else:
            place.tidy()
    return alive
