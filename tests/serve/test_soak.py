"""Thousands of requests leave nothing behind."""

from __future__ import annotations

import pytest

from benchmarks.gateway_soak import Soaked, soak

COUNT = 2_000


@pytest.mark.timeout(600)
async def test_thousands_of_streams_and_failures_leave_nothing_behind() -> None:
    soaked: Soaked = await soak(COUNT, COUNT)
    warm, end = soaked.warm, soaked.end
    assert sum(soaked.statuses.values()) == 2 * COUNT * 0.9
    assert set(soaked.statuses) == {200, 400, 404, 413, 500, 502}
    assert (end.running, end.engines) == (0, 0)
    assert end.files <= warm.files
    assert end.tasks <= warm.tasks
    assert end.megabytes - warm.megabytes < 20
