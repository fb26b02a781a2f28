"""What the gateway says about itself."""

from __future__ import annotations

import httpx
import pytest

import byzer_nb


@pytest.mark.contract("SERVE-01")
def test_health_is_an_empty_200(http: httpx.Client) -> None:
    answer = http.get("/health")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.contract("SERVE-01")
def test_version_is_that_of_the_package(http: httpx.Client) -> None:
    assert http.get("/version").json() == {"version": byzer_nb.__version__}
