"""Short ways to make a call fail, and to look whether the error keeps the key to itself."""

from __future__ import annotations

import time
import traceback
import warnings
from typing import Any

import pytest

from byzer_nb.errors import ModelCallError
from byzer_nb.types import Engine
from tests.providers.asking import answered, asked
from tests.providers.conftest import MakeEngine
from tests.standins.vendor import KEY

FRAGMENT = 8  # characters of the key that would be a leak


def assert_no_key(error: BaseException, *, key: str = KEY) -> None:
    """The key is nowhere in the error, nor in what a curious traceback shows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # asking some objects for their repr warns
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
    # Frames of this file hold the key on purpose, as settings; those of the library must not.
    links: list[traceback.TracebackException | None] = [told]
    while links:
        if (link := links.pop()) is None:
            continue
        link.stack = traceback.StackSummary.from_list(
            [frame for frame in link.stack if "/tests/" not in frame.filename]
        )
        links += [link.__cause__, link.__context__]
    shown = "".join(told.format()) + str(error) + repr(error) + repr(error.args) + repr(vars(error))
    for cause in (error.__cause__, error.__context__):
        shown += repr(cause) + repr(getattr(cause, "__dict__", ""))
    for start in range(len(key) - FRAGMENT + 1):
        assert key[start : start + FRAGMENT] not in shown


async def failure(make_engine: MakeEngine, *, stream: bool, within: float = 2.0, **settings: Any) -> ModelCallError:
    """The error of one call, which must come in time and keep the key to itself."""
    engine = make_engine(**settings)
    started = time.perf_counter()
    with pytest.raises(ModelCallError) as caught:
        await answered(engine, asked(stream=stream))
    assert time.perf_counter() - started < within
    error = caught.value
    assert error.provider == "saas/openai"
    assert error.model == "chat"
    assert error.hint
    assert "'chat' (" in str(error)
    assert_no_key(error, key=settings.get("api_key", KEY))
    return error


async def words_and_error(engine: Engine) -> tuple[list[str], ModelCallError]:
    """What came of a stream before it failed, and how it failed."""
    words: list[str] = []
    try:
        async for delta in engine.chat(asked()):
            words.append(delta.text)
    except ModelCallError as error:
        assert_no_key(error)
        return words, error
    pytest.fail("The stream did not fail.")
