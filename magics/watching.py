"""A table of a deployed model that stays up to date while other cells run."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future
from typing import Any

from IPython.display import display

from byzer_nb._lang import say
from byzer_nb._sync import background_loop
from byzer_nb.cluster.inspection import pulse
from byzer_nb.errors import ByzerError
from byzer_nb.types.pool import PoolPulse

from .footer import small

LONGEST_SECONDS = 3600.0  # somebody who forgot it is not watched for

_running: dict[str, Future[None]] = {}


def start(name: str, *, every: float) -> None:
    """Show the model below this cell and repaint it; an earlier view of it stops."""
    stop(name)
    handle = display({"text/html": small("…"), "text/plain": "…"}, raw=True, display_id=True)
    _running[name] = asyncio.run_coroutine_threadsafe(_watch(name, handle, every), background_loop())


def stop(name: str) -> None:
    """End the view of a model; what it showed last stays."""
    watching = _running.pop(name, None)
    if watching is not None:
        watching.cancel()


def stop_all() -> None:
    """End every view."""
    for name in list(_running):
        stop(name)


async def _watch(name: str, handle: Any, every: float) -> None:  # Any: display handles have no types
    before: PoolPulse | None = None
    end = time.monotonic() + LONGEST_SECONDS
    why = say(en="not watched any more: an hour is over", zh="已停止刷新：超过一小时")
    try:
        while time.monotonic() < end:
            now = await pulse(name)
            handle.update(_bundle(now, before, note=""), raw=True)
            before = now
            await asyncio.sleep(every)
    except asyncio.CancelledError:
        why = say(en="not watched any more", zh="已停止刷新")
        raise
    except Exception as gone:  # it was undeployed, or the cluster has ended, in whatever way Ray says so
        why = gone.message if isinstance(gone, ByzerError) else type(gone).__name__
    finally:
        if before is not None:
            handle.update(_bundle(before, None, note=why), raw=True)


def _bundle(now: PoolPulse, before: PoolPulse | None, *, note: str) -> dict[str, str]:
    facts = [say(en=f"{now.stat.waiting} waiting", zh=f"排队 {now.stat.waiting}")]
    if before is not None:
        answers, tokens = now.answers_per_second(before), now.tokens_per_second(before)
        facts.append(say(en=f"{answers:.1f} answers/s", zh=f"每秒 {answers:.1f} 个回答"))
        facts.append(say(en=f"{tokens:.0f} tokens/s", zh=f"每秒 {tokens:.0f} 个 token"))
    half, most = (now.first_token_quantile(share) * 1000 for share in (0.5, 0.95))
    facts.append(
        say(en=f"first token {half:.0f} ms (p95 {most:.0f})", zh=f"首个 token {half:.0f} ms（p95 {most:.0f}）")
    )
    facts.append(say(en=f"{now.errors()} errors", zh=f"错误 {now.errors()}"))
    line = " · ".join([*facts, *([note] if note else [])])
    html = now.stat._repr_mimebundle_()["text/html"]
    return {"text/html": f"{html}<div>{small(line)}</div>", "text/plain": f"{now.stat!r}\n{line}"}
