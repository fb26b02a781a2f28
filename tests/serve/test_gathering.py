"""What several processes tell is shown as one."""

from __future__ import annotations

import pytest

from byzer_nb.serve.gathering import rows_of, summed

pytestmark = pytest.mark.contract("SERVE-01")

ONE = b"""# TYPE running gauge
running 1
# TYPE requests_total counter
requests_total{route="/a b",status="200"} 3
# TYPE seconds histogram
seconds_bucket{model="x",le="+Inf"} 3
seconds_sum{model="x"} 0.500000
"""
OTHER = b"""# TYPE running gauge
running 2
# TYPE requests_total counter
requests_total{route="/a b",status="200"} 4
requests_total{route="/a b",status="404"} 1
# TYPE seconds histogram
seconds_bucket{model="y",le="+Inf"} 2
seconds_sum{model="x"} 0.250000
"""


def test_counts_add_up_and_stay_in_their_families() -> None:
    assert summed([ONE, OTHER]).decode() == (
        "# TYPE running gauge\n"
        "running 3\n"
        "# TYPE requests_total counter\n"
        'requests_total{route="/a b",status="200"} 7\n'
        'requests_total{route="/a b",status="404"} 1\n'
        "# TYPE seconds histogram\n"
        'seconds_bucket{model="x",le="+Inf"} 3\n'
        'seconds_sum{model="x"} 0.750000\n'
        'seconds_bucket{model="y",le="+Inf"} 2\n'
    )


def test_one_process_alone_tells_what_it_tells() -> None:
    assert summed([ONE]) == ONE


def test_running_requests_come_first_and_then_the_last_that_ended() -> None:
    def row(name: str, *, arrived: float, seconds: float = 1.0, status: str = "200") -> dict[str, object]:
        return {"id": name, "arrived": arrived, "seconds": seconds, "status": status}

    here = [row("late", arrived=9, status="answering"), row("old", arrived=1), row("long", arrived=2, seconds=6)]
    there = [row("early", arrived=3, status="waiting"), row("new", arrived=5), row("left", arrived=1, status="gone")]
    ids = [each["id"] for each in rows_of([here, there])]
    assert ids[:4] == ["early", "late", "long", "new"]
    assert set(ids[4:]) == {"old", "left"}
