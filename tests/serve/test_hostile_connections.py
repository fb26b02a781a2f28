"""Connections of clients that are broken, slow, or mean: none of them stays, and none fails the gateway."""

from __future__ import annotations

import time

import pytest

from byzer_nb import ScriptedEngine
from tests.serve.conftest import OpenGateway
from tests.serve.engines import LONG, Forgetting, Watched
from tests.serve.gateways import RunningGateway, eventually
from tests.serve.sockets import CHAT, Plain, chat, chat_body

BODY = chat_body()


@pytest.fixture
def impatient(open_gateway: OpenGateway) -> RunningGateway:
    """A gateway that waits for a head one second and for a body or a reader half a second, and takes small bodies."""
    models = {"echo": Forgetting(), "endless": Watched("word " * 400_000), "slow": Watched(LONG, token_delay=0.05)}
    return open_gateway(models, head_seconds=1, stall_seconds=0.5, largest_body=4096, keep_alive_seconds=1)


def answers(gateway: RunningGateway) -> bool:
    """Whether it still does what it is there for."""
    with Plain(gateway) as other:
        other.send(chat(BODY))
        return other.answer()[0] == 200


SMUGGLED: dict[str, bytes] = {
    "two lengths": CHAT + b"content-length: %d\r\ncontent-length: 5\r\n\r\n" % len(BODY) + BODY,
    "two equal lengths": CHAT + b"content-length: %d\r\n" % len(BODY) * 2 + b"\r\n" + BODY,
    "length and chunks": CHAT
    + b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
    "chunks and length": CHAT
    + b"transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
    "unknown encoding": CHAT + b"transfer-encoding: nothing\r\n\r\n" + BODY,
    "encoding twice": CHAT + b"transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n",
    "a negative length": CHAT + b"content-length: -1\r\n\r\n" + BODY,
    "a length in words": CHAT + b"content-length: many\r\n\r\n" + BODY,
    "a huge length": CHAT + b"content-length: " + b"9" * 30 + b"\r\n\r\n" + BODY,
    "a hexadecimal length": CHAT + b"content-length: 0x10\r\n\r\n" + BODY,
    "a space before the colon": CHAT + b"content-length : %d\r\n\r\n" % len(BODY) + BODY,
    "a zero byte in a header": CHAT + b"x: a\x00b\r\ncontent-length: 0\r\n\r\n",
    "a bare line feed in a header": b"GET /health HTTP/1.1\nhost: localhost\nx: a\n b\n\n\x00",
    "a wrong chunk": CHAT + b"transfer-encoding: chunked\r\n\r\nzz\r\n" + BODY,
    "a huge chunk": CHAT + b"transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n" + BODY,
    "no method": b" / HTTP/1.1\r\n\r\n",
    "an unknown method": b"BREW /health HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "http/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "http/9": b"GET /health HTTP/9.9\r\n\r\n",
    "an address without a slash": b"GET health HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "the star": b"OPTIONS * HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "a whole url": b"GET http://elsewhere/health HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "a tunnel": b"CONNECT elsewhere:443 HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "a socket of the web": b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\n"
    b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
    b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "a long address": b"GET /" + b"a" * 300_000 + b" HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "odd bytes in the address": b"GET /v1/models/%ff%fe%00%0d%0a HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "dots in the address": b"GET /v1/models/../../../etc/passwd HTTP/1.1\r\nhost: localhost\r\n\r\n",
}


@pytest.mark.parametrize("said", SMUGGLED.values(), ids=SMUGGLED)
def test_head_that_could_be_read_two_ways_never_fails_the_gateway(impatient: RunningGateway, said: bytes) -> None:
    with Plain(impatient) as plain:
        plain.send(said)
        status, _, _ = plain.answer()
        assert status < 500
    assert answers(impatient)


@pytest.mark.parametrize("name", ["two lengths", "length and chunks", "chunks and length", "unknown encoding"])
def test_smuggled_request_is_refused_and_its_connection_ends(gateway: RunningGateway, name: str) -> None:
    with Plain(gateway) as plain:
        plain.send(SMUGGLED[name])
        assert plain.answer()[0] == 400
        assert plain.has_ended()


def test_several_requests_on_one_connection_are_answered_in_order(gateway: RunningGateway) -> None:
    with Plain(gateway) as plain:
        plain.send(chat(BODY) + b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n" + chat(chat_body("nobody")))
        assert [plain.answer()[0] for _ in range(3)] == [200, 200, 404]


def test_body_in_chunks_is_a_body(gateway: RunningGateway) -> None:
    with Plain(gateway) as plain:
        plain.send(CHAT + b"transfer-encoding: chunked\r\n\r\n")
        for letter in BODY:
            plain.send(b"1\r\n" + bytes([letter]) + b"\r\n")
        plain.send(b"0\r\n\r\n")
        assert plain.answer()[0] == 200


# -- sizes ------------------------------------------------------------------------------------------------------------


def test_body_that_is_announced_too_large_is_refused_before_it_comes(impatient: RunningGateway) -> None:
    with Plain(impatient) as plain:
        plain.send(chat(b"", announced=5_000_000_000))
        status, _, body = plain.answer()
        assert (status, b"body_too_large" in body) == (413, True)
    assert answers(impatient)


def test_body_that_grows_too_large_is_refused(impatient: RunningGateway) -> None:
    with Plain(impatient) as plain:
        plain.send(CHAT + b"transfer-encoding: chunked\r\n\r\n")
        for _ in range(8):
            plain.send(b"400\r\n" + b"x" * 1024 + b"\r\n")
        assert plain.answer()[0] == 413
    assert answers(impatient)


def test_largest_body_that_is_allowed_is_taken(impatient: RunningGateway) -> None:
    room = 4096 - len(BODY)
    fits = BODY + b" " * room
    with Plain(impatient) as plain:
        plain.send(chat(fits) + chat(fits + b" "))
        assert [plain.answer()[0], plain.answer()[0]] == [200, 413]


def test_head_without_an_end_is_refused(impatient: RunningGateway) -> None:
    with Plain(impatient) as plain:
        plain.send(b"GET /health HTTP/1.1\r\nhost: localhost\r\n")
        is_open = True
        for number in range(2_000):
            is_open = is_open and plain.send(b"x-header-%d: %s\r\n" % (number, b"y" * 500))
        assert not is_open  # a megabyte is more than a head may have
        assert plain.has_ended()
    assert answers(impatient)


# -- slow ones --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [b"", b"POST /v1/chat/compl", CHAT, CHAT + b"content-length: 10\r\n"])
def test_head_that_does_not_come_ends_the_connection(impatient: RunningGateway, said: bytes) -> None:
    with Plain(impatient) as plain:
        plain.send(said)
        assert plain.has_ended()


def test_head_that_comes_letter_by_letter_ends_the_connection(impatient: RunningGateway) -> None:
    with Plain(impatient) as plain:
        assert eventually(lambda: not (plain.send(b"a") and plain.send(b"b")) or bool(time.sleep(0.1)))
    assert answers(impatient)


@pytest.mark.parametrize("body", [BODY[:10], b""], ids=["half", "none"])
def test_body_that_stops_coming_is_refused(impatient: RunningGateway, body: bytes) -> None:
    with Plain(impatient) as plain:
        plain.send(chat(body, announced=len(BODY)))
        status, _, told = plain.answer()
        assert (status, b"body_incomplete" in told) == (408, True)
    assert answers(impatient)


def test_half_a_body_and_a_hang_up_leave_nothing(impatient: RunningGateway) -> None:
    for _ in range(20):
        with Plain(impatient) as plain:
            plain.send(chat(BODY[:10], announced=len(BODY)))
    assert eventually(lambda: impatient.is_idle)


@pytest.mark.contract("SERVE-09")
def test_idle_connection_is_closed(impatient: RunningGateway) -> None:
    with Plain(impatient) as plain:
        plain.send(chat(BODY))
        assert plain.answer()[0] == 200
        assert plain.has_ended()


def test_reader_that_stops_reading_is_dropped_and_the_model_with_him(impatient: RunningGateway) -> None:
    endless = impatient.engines["endless"]
    with Plain(impatient) as plain:
        plain.read_slowly()
        plain.send(chat(chat_body("endless", stream=True)))
        assert endless.was_stopped.wait(15)
    assert eventually(lambda: impatient.is_idle)
    assert endless.running == 0


def test_many_slow_clients_do_not_hold_up_the_others(impatient: RunningGateway) -> None:
    slow = [Plain(impatient) for _ in range(100)]
    for number, plain in enumerate(slow):
        plain.send((CHAT, chat(BODY[:9], announced=len(BODY)), b"")[number % 3])
    assert answers(impatient)
    assert all(plain.has_ended() for plain in slow)
    for plain in slow:
        plain.__exit__(None, None, None)
    assert eventually(lambda: impatient.is_idle)


def test_stalled_whole_answer_does_not_stay(open_gateway: OpenGateway) -> None:
    running = open_gateway(
        {"long": ScriptedEngine(lambda _: ["x" * 30_000_000])}, stall_seconds=0.5, timeout=2, keep_alive_seconds=1
    )
    with Plain(running) as plain:
        plain.read_slowly()
        plain.send(chat(chat_body("long")))
        assert eventually(lambda: running.is_idle, seconds=20)
