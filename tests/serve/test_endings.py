"""How answers end before their time: the client leaves, the time is over, the gateway stops."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openai import OpenAI

from tests.serve.conftest import OpenGateway
from tests.serve.engines import LONG, Watched
from tests.serve.gateways import RunningGateway, eventually
from tests.serve.sockets import Plain, chat, chat_body

HELLO: Any = [{"role": "user", "content": "hi"}]
SOON = 1.0  # seconds in which an engine is free again, as is promised; of its own it would go on for ten


@pytest.fixture
def slow(gateway: RunningGateway) -> Watched:
    """The slow model of the shared gateway, as if new."""
    engine: Watched = gateway.engines["slow"]
    engine.forget()
    return engine


# -- the client leaves ------------------------------------------------------------------------------------------------


@pytest.mark.contract("SERVE-02", "SERVE-03")
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("count", [1, 3])
def test_hang_up_stops_the_model(gateway: RunningGateway, slow: Watched, stream: bool, count: int) -> None:
    with Plain(gateway) as plain:
        plain.send(chat(chat_body("slow", stream=stream, n=count)))
        assert eventually(lambda: slow.running == count)
    assert eventually(lambda: slow.stopped == count, seconds=SOON)
    assert slow.running == 0
    assert eventually(lambda: gateway.is_at_rest)


def test_stream_that_is_left_early_stops_the_model(openai: OpenAI, slow: Watched) -> None:
    with openai.chat.completions.create(model="slow", messages=HELLO, stream=True) as stream:
        for piece in stream:
            if piece.choices[0].delta.content:
                break
    assert slow.was_stopped.wait(SOON)


def test_client_that_ran_out_of_patience_stops_the_model(gateway: RunningGateway, slow: Watched) -> None:
    with httpx.Client(base_url=gateway.origin, timeout=0.5) as client, pytest.raises(httpx.ReadTimeout):
        client.post("/v1/chat/completions", json={"model": "slow", "messages": HELLO})
    assert slow.was_stopped.wait(SOON)


def test_hang_up_is_told_in_the_list_of_requests(gateway: RunningGateway, http: httpx.Client, slow: Watched) -> None:
    with Plain(gateway) as plain:
        plain.send(chat(chat_body("slow", stream=True)))
        assert slow.has_begun.wait(5)
    assert slow.was_stopped.wait(5)

    def states() -> list[str]:
        return [row["status"] for row in http.get("/requests").json()["data"] if row["model"] == "slow"]

    assert eventually(lambda: states()[0] == "gone")


# -- the time is over -------------------------------------------------------------------------------------------------


@pytest.fixture
def hasty(open_gateway: OpenGateway) -> RunningGateway:
    """A gateway that waits half a second for an answer."""
    return open_gateway({"slow": Watched(LONG, token_delay=0.05)}, timeout=0.5)


@pytest.mark.contract("SERVE-09")
def test_answer_that_takes_too_long_is_a_504(hasty: RunningGateway) -> None:
    answer = httpx.post(f"{hasty.base_url}/chat/completions", json={"model": "slow", "messages": HELLO}, timeout=30)
    assert answer.status_code == 504
    assert answer.json()["error"]["type"] == "timeout_error"
    assert "longer than this gateway waits" in answer.json()["error"]["message"]
    assert hasty.engines["slow"].was_stopped.wait(5)


@pytest.mark.contract("SERVE-09", "SERVE-03")
def test_stream_that_takes_too_long_says_so_and_ends(hasty: RunningGateway) -> None:
    body = {"model": "slow", "messages": HELLO, "stream": True}
    answer = httpx.post(f"{hasty.base_url}/chat/completions", json=body, timeout=30)
    events = [event.removeprefix("data: ") for event in answer.text.removesuffix("\n\n").split("\n\n")]
    assert answer.status_code == 200
    assert json.loads(events[1])["choices"][0]["delta"]["content"]
    assert json.loads(events[-1])["error"]["code"] == "timeout"
    assert hasty.engines["slow"].was_stopped.wait(5)


# -- the gateway stops ------------------------------------------------------------------------------------------------


@pytest.fixture
def stopping(open_gateway: OpenGateway) -> RunningGateway:
    """A gateway that is going to be stopped while it answers."""
    return open_gateway({"slow": Watched(LONG, token_delay=0.05)}, drain_seconds=20)


def streamed(gateway: RunningGateway, heard: list[str], begun: threading.Event) -> None:
    """Take in a stream of 40 words."""
    body = {"model": "slow", "messages": HELLO, "stream": True, "max_tokens": 40}
    with httpx.stream("POST", f"{gateway.base_url}/chat/completions", json=body, timeout=30) as answer:
        for line in answer.iter_lines():
            heard.append(line)
            begun.set()


@pytest.fixture
def running_stream(stopping: RunningGateway) -> Iterator[tuple[list[str], threading.Thread]]:
    """A stream of which the first words are here."""
    heard: list[str] = []
    begun = threading.Event()
    reading = threading.Thread(target=streamed, args=(stopping, heard, begun))
    reading.start()
    assert begun.wait(10)
    yield heard, reading
    reading.join(30)


def test_running_stream_finishes_when_the_gateway_is_asked_to_stop(
    stopping: RunningGateway, running_stream: tuple[list[str], threading.Thread]
) -> None:
    heard, reading = running_stream
    stopping.ask_to_stop()
    reading.join(30)
    words = [json.loads(line[6:])["choices"][0]["delta"] for line in heard if line.startswith("data: {")]
    assert sum(bool(word.get("content")) for word in words) == 40
    assert "data: [DONE]" in heard
    assert eventually(lambda: not stopping.is_running)


def test_nobody_new_is_let_in_meanwhile(
    stopping: RunningGateway, running_stream: tuple[list[str], threading.Thread]
) -> None:
    stopping.ask_to_stop()

    def is_closed() -> bool:
        try:
            httpx.get(f"{stopping.origin}/health")
        except httpx.ConnectError:
            return True
        return False

    assert eventually(is_closed)
    assert running_stream[1].is_alive()


def test_stream_longer_than_the_patience_of_a_stop_is_broken_off(open_gateway: OpenGateway) -> None:
    gateway = open_gateway({"slow": Watched(LONG, token_delay=0.05)}, drain_seconds=1)
    with Plain(gateway) as plain:
        plain.send(chat(chat_body("slow", stream=True)))
        plain.until(b"data: ")
        gateway.ask_to_stop()
        assert plain.has_ended()
    assert eventually(lambda: not gateway.is_running)
    assert gateway.engines["slow"].running == 0
