"""What the gateway counts, and the text in which Prometheus reads it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from byzer_nb import ScriptedEngine
from tests.serve.conftest import OpenGateway
from tests.serve.engines import LONG, SECRET, Watched, models
from tests.serve.gateways import RunningGateway, eventually
from tests.serve.sockets import Plain, chat, chat_body

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
CHAT = "/v1/chat/completions"


@pytest.fixture
def fresh(open_gateway: OpenGateway) -> RunningGateway:
    """A gateway that has counted nothing yet."""
    return open_gateway(
        models() | {'odd "name"\\ with\nall': ScriptedEngine("hi"), "endless": Watched(LONG, token_delay=1)}
    )


@pytest.fixture
def web(fresh: RunningGateway) -> Any:
    with httpx.Client(base_url=fresh.origin, timeout=30) as client:
        yield client


def samples(web: httpx.Client) -> Samples:
    """Every sample by its name and labels, as Prometheus' own reader has them."""
    answer = web.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found: Samples = {}
    kinds: dict[str, str] = {}
    for family in text_string_to_metric_families(answer.text):
        assert family.name not in kinds, "a family is told twice"
        kinds[family.name] = family.type
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in found, "a sample is told twice"
            found[key] = sample.value
    assert "unknown" not in kinds.values()
    return found


def value(found: Samples, name: str, **labels: str) -> float:
    """One sample; zero when there is none."""
    return found.get((name, tuple(sorted(labels.items()))), 0)


def ask(web: httpx.Client, model: str, **given: Any) -> httpx.Response:
    return web.post(CHAT, json={"model": model, "messages": [{"role": "user", "content": "one two three"}], **given})


def test_requests_are_counted_by_route_model_and_status(web: httpx.Client) -> None:
    for model in ("echo", "echo", "failing", "nobody", "limited"):
        ask(web, model)
    ask(web, "echo", stream=True)
    ask(web, "echo", temperature="hot")
    web.get("/nothing")
    found = samples(web)

    def counted(model: str, status: str, route: str = CHAT) -> float:
        return value(found, "byzer_nb_requests_total", route=route, model=model, status=status)

    assert (counted("echo", "200"), counted("failing", "502"), counted("limited", "429")) == (3, 1, 1)
    assert (counted("", "404"), counted("", "400"), counted("", "404", "(nowhere)")) == (1, 1, 1)
    assert value(found, "byzer_nb_requests_running") == 1  # the one that asks


def test_tokens_are_counted_as_the_answers_tell_them(web: httpx.Client) -> None:
    usage = [ask(web, "echo").json()["usage"] for _ in range(3)]
    found = samples(web)
    read = value(found, "byzer_nb_tokens_total", model="echo", kind="read")
    written = value(found, "byzer_nb_tokens_total", model="echo", kind="written")
    assert (read, written) == (sum(u["prompt_tokens"] for u in usage), sum(u["completion_tokens"] for u in usage))
    ask(web, "echo", stream=True)
    assert value(samples(web), "byzer_nb_tokens_total", model="echo", kind="written") == written * 4 / 3


@pytest.mark.parametrize("name", ["byzer_nb_request_seconds", "byzer_nb_first_token_seconds"])
def test_times_stand_in_buckets_that_only_grow(web: httpx.Client, name: str) -> None:
    for _ in range(5):
        ask(web, "echo", stream=True)
    found = samples(web)
    buckets = {
        dict(labels)["le"]: count for (each, labels), count in found.items()
        if each == f"{name}_bucket" and dict(labels)["model"] == "echo"
    }  # fmt: skip
    bounds = sorted(buckets, key=float)
    assert [buckets[bound] for bound in bounds] == sorted(buckets.values())
    assert bounds[-1] == "+Inf"
    assert buckets["+Inf"] == value(found, f"{name}_count", model="echo") == 5
    assert 0 < value(found, f"{name}_sum", model="echo") < 60


def test_those_who_hang_up_are_counted(fresh: RunningGateway, web: httpx.Client) -> None:
    with Plain(fresh) as plain:
        plain.send(chat(chat_body("endless", stream=True)))
        assert fresh.engines["endless"].has_begun.wait(5)
        assert value(samples(web), "byzer_nb_requests_running") == 2
    assert fresh.engines["endless"].was_stopped.wait(5)
    assert eventually(lambda: value(samples(web), "byzer_nb_clients_gone_total") == 1)
    found = samples(web)
    assert value(found, "byzer_nb_requests_total", route=CHAT, model="endless", status="gone") == 1


def test_name_with_quotes_and_lines_is_one_label(web: httpx.Client) -> None:
    name = 'odd "name"\\ with\nall'
    assert ask(web, name).status_code == 200
    assert value(samples(web), "byzer_nb_requests_total", route=CHAT, model=name, status="200") == 1


def test_names_that_callers_make_up_leave_nothing(web: httpx.Client) -> None:
    ask(web, "nobody")
    web.get("/v1/models/nobody")
    web.get("/nowhere")
    samples(web)
    before = samples(web)
    for number in range(200):
        ask(web, f"made-up-{number}")
        web.get(f"/v1/models/made-up-{number}")
        web.get(f"/made-up-{number}")
        web.request("MADEUP", f"/made-up-{number}")
    assert set(samples(web)) == set(before)
    assert "made-up" not in web.get("/metrics").text


def test_list_of_requests_tells_the_pace_and_nothing_that_was_said(web: httpx.Client) -> None:
    ask(web, "echo", stream=True)
    ask(web, "failing")
    rows = web.get("/requests").json()["data"]
    mine, failing, echo = rows
    assert (mine["route"], mine["status"]) == ("/requests", "reading")
    assert (failing["status"], failing["error"], failing["model"]) == ("502", "ModelCallError", "failing")
    assert (echo["status"], echo["stream"], echo["model"]) == ("200", True, "echo")
    assert echo["tokens"] > 0
    assert 0 < echo["first_token_seconds"] <= echo["seconds"]
    assert "one two three" not in str(rows)
    assert SECRET not in str(rows)
