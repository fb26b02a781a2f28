"""Deployments that go on while other cells run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import Future
from contextlib import aclosing

from byzer_nb._sync import background_loop
from byzer_nb.client import reachable_models
from byzer_nb.cluster.deployment import DeployedModel, DeployStep
from byzer_nb.errors import ByzerError

from .deploy_view import DeployView

Steps = AsyncGenerator[DeployStep | DeployedModel, None]

_running: set[Future[None]] = set()


def start(view: DeployView, name: str, steps: Steps, is_default: bool) -> None:
    """Show the steps of a deployment below this cell as they come; an error is told there too."""
    view.begin()
    following = asyncio.run_coroutine_threadsafe(_follow(view, name, steps, is_default), background_loop())
    _running.add(following)
    following.add_done_callback(_running.discard)


def stop_all() -> None:
    """Undo what is still being deployed."""
    for following in list(_running):
        following.cancel()


async def _follow(view: DeployView, name: str, steps: Steps, is_default: bool) -> None:
    try:
        async with aclosing(steps):
            async for step in steps:
                view.show(step)
    except Exception as failed:  # nobody waits for it, so the view is where it is told
        view.fail(f"{failed.message} {failed.hint}" if isinstance(failed, ByzerError) else repr(failed))
        return
    if is_default:
        await reachable_models().choose(name)
