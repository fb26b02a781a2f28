"""Gateways as processes of their own: start one, find those that run, end them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from byzer_nb.errors import GatewayError
from byzer_nb.serve.back_door import OUTSIDE, Siblings, ask
from byzer_nb.serve.detached import LOG
from byzer_nb.serve.gathering import Row, decoded, rows_of, summed
from byzer_nb.serve.order import Order
from byzer_nb.serve.place import Place, Serving, already, living_places, places
from byzer_nb.serve.ports import check_free
from byzer_nb.serve.supervisor import KILL_SECONDS, LOOK_SECONDS, START_SECONDS

_children: dict[int, subprocess.Popen[bytes]] = {}  # started by this process, which has to hear of their ends
_started: set[int] = set()  # by this process, whether they run or not


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """A gateway that runs, and the models that answer there."""

    place: Place
    serving: Serving
    models: tuple[str, ...]

    @property
    def address(self) -> str:
        """Where clients find it."""
        return self.serving.address


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost:
    """A gateway that ended without being told to."""

    place: Place
    serving: Serving

    @property
    def port(self) -> int:
        """Where it listened."""
        return self.place.order().settings.port

    @property
    def log(self) -> Path | None:
        """Where it spoke last; one that was started in a terminal spoke there."""
        logs = self.place.folder.glob("*.log") if self.serving.is_quiet else ()
        return max(logs, key=lambda path: path.stat().st_mtime, default=None)


async def start(order: Order) -> Served:
    """Start a gateway that goes on without this process, and wait until it answers."""
    place = Place.of(order.settings)
    if await asyncio.to_thread(place.is_taken):
        raise already(order.settings)
    check_free(order.settings)
    place.make()
    place.clear()
    order.write(place.order_path)
    child = _spawned(order, place)
    try:
        async with asyncio.timeout(START_SECONDS):
            while (served := await _served(place, is_whole=True)) is None:
                if child.poll() is not None:
                    raise _not_started(place, child.returncode)
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        _end_group(child.pid, signal.SIGKILL)
        if await _ended(place, child.pid, KILL_SECONDS):
            place.clear()
        raise GatewayError(
            f"The gateway did not answer within {START_SECONDS:g} s.", hint=f"Its log: {place.log(LOG)}"
        ) from None
    except BaseException:  # half a gateway is of no use to anybody
        _end_group(child.pid, signal.SIGTERM)
        raise
    return served


def _spawned(order: Order, place: Place) -> subprocess.Popen[bytes]:
    child = subprocess.Popen(
        [sys.executable, "-m", "byzer_nb.serve.detached", str(place.folder)],
        stdin=subprocess.PIPE if order.ends_with_its_parent else subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # so that the stop button of a notebook does not reach it
    )
    _children[child.pid] = child
    _started.add(child.pid)
    return child


def _not_started(place: Place, code: int) -> GatewayError:
    failure = place.failure()
    if failure is not None:
        return GatewayError(failure.message, hint=failure.hint or f"Its log: {place.log(LOG)}")
    return GatewayError(f"The gateway ended with {code} before it answered.", hint=f"Its log: {place.log(LOG)}")


async def list_served() -> list[Served]:
    """Every gateway of this user on this machine that answers."""
    _reap()
    found = [await _served(place) for place in living_places()]
    return [each for each in found if each is not None]


def list_lost() -> list[Lost]:
    """Every gateway of this user on this machine that ended without being told to, and was not started again.

    Of those that end with their kernel only this kernel's own, for the others had no reason to stay.
    """
    found = []
    for place in places():
        serving = place.lost()
        if serving is not None and (serving.pid in _started or not place.order().ends_with_its_parent):
            found.append(Lost(place=place, serving=serving))
    return found


def is_lost(served: Served) -> bool:
    """Whether one that ran has ended without being told to."""
    return served.place.lost() is not None


def was_started_here(served: Served) -> bool:
    """Whether this very process started it."""
    return served.serving.pid in _children


async def served_at(port: int) -> Served:
    """The one at a port; without one an error that names those that there are."""
    running = await list_served()
    for each in running:
        if each.place.order().settings.port == port:
            return each
    known = ", ".join(each.address for each in running)
    for lost in list_lost():
        if lost.port == port:
            raise GatewayError(
                f"The gateway at {lost.serving.address} has ended without being told to.",
                hint=f"Its log: {lost.log}" if lost.log else "What it said stands in its terminal.",
            )
    raise GatewayError(
        f"No gateway of yours serves at port {port}.",
        hint=f"There are: {known}" if known else "Start one: %llm_serve, or byzerllm serve in a terminal.",
    )


async def _served(place: Place, *, is_whole: bool = False) -> Served | None:
    serving = place.serving()
    if serving is None:
        return None
    models: list[str] | None = None
    for worker in range(serving.workers):
        said = await ask(place.door(worker), "ready")
        if said is not None:
            models = msgspec.json.decode(said, type=list[str])
        elif is_whole:
            return None
    return None if models is None else Served(place=place, serving=serving, models=tuple(models))


async def requests_of(place: Place) -> list[Row] | None:
    """The requests of a gateway, from all its processes; nothing when none of them answers any more."""
    said = await Siblings(place.folder, worker=OUTSIDE).ask("requests")
    return rows_of(map(decoded, said)) if said else None


async def metrics_of(place: Place) -> str:
    """The counters of a gateway, over all its processes."""
    return summed(await Siblings(place.folder, worker=OUTSIDE).ask("metrics")).decode()


async def stop(place: Place) -> None:
    """End a gateway; its running answers are finished first, unless that takes longer than the order allows."""
    serving = place.serving()
    if serving is None:
        _reap()
        if place.lost() is not None:
            place.clear()
        return
    is_detached = _is_leader(serving.pid)
    with suppress(ProcessLookupError):
        os.kill(serving.pid, signal.SIGTERM)
    patience = place.order().settings.drain_seconds + 2 * KILL_SECONDS
    if not await _ended(place, serving.pid, patience) and place.is_alive():
        with suppress(ProcessLookupError):
            os.kill(serving.pid, signal.SIGKILL)
        if is_detached:
            _end_group(serving.pid, signal.SIGKILL)
        if await _ended(place, serving.pid, KILL_SECONDS):
            place.clear()


async def restart(place: Place) -> Served:
    """End a gateway and start it again with the same order."""
    order = place.order()
    await stop(place)
    return await start(order)


async def _ended(place: Place, pid: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while place.is_alive() or not _is_gone(pid):
        if time.monotonic() > end:
            return False
        await asyncio.sleep(LOOK_SECONDS)
    return True


def _is_gone(pid: int) -> bool:
    _reap()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def _is_leader(pid: int) -> bool:
    with suppress(ProcessLookupError):
        return os.getpgid(pid) == pid
    return False


def _end_group(pid: int, sign: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, sign)


def _reap() -> None:
    """Forget the children that have ended."""
    for pid, child in list(_children.items()):
        if child.poll() is not None:
            if child.stdin is not None:
                child.stdin.close()
            del _children[pid]
