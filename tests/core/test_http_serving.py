"""The lean server: who comes in, what is answered and how."""

from __future__ import annotations

import logging
import socket
import time

import pytest

from tests.core.served import KEY, LARGEST, TOKEN, Serve, Served, eventually, post
from tests.serve.sockets import Plain

LINES = b"".join(b"line %d\n" % number for number in range(20))


def asked(served: Served, said: bytes) -> tuple[int, bytes]:
    """Status and body of the answer to something on a connection of its own."""
    with Plain(served) as plain:
        plain.send(said)
        status, _, body = plain.answer()
        return status, body


def works(served: Served) -> bool:
    """Whether it still does what it is there for."""
    return asked(served, post("/echo", b"hello")) == (200, b"hello")


# -- answers ----------------------------------------------------------------------------------------------------------


def test_requests_of_a_kept_connection_are_answered_one_after_the_other(served: Served) -> None:
    with Plain(served) as plain:
        for number in range(50):
            plain.send(post("/echo", b"%d" % number, more=b"Lease: 7-\r\n"))
            status, headers, body = plain.answer()
            assert (status, body, headers[b"content-type"]) == (200, b"7-%d" % number, b"text/plain")


def test_request_that_comes_letter_by_letter_is_whole_in_the_end(served: Served) -> None:
    with Plain(served) as plain:
        for letter in post("/echo", b"hello"):
            plain.send(bytes([letter]))
            time.sleep(0.0005)
        assert plain.answer()[2] == b"hello"


def test_body_in_chunks_is_a_body_and_what_stands_behind_it_is_no_header(served: Served) -> None:
    with Plain(served) as plain:
        plain.send(b"POST /echo HTTP/1.1\r\nhost: x\r\n" + KEY + b"transfer-encoding: chunked\r\n\r\n")
        plain.send(b"3\r\nabc\r\n" * 2 + b"0\r\nlease: 7\r\n\r\n")
        assert plain.answer()[2] == b"abcabc"


def test_large_body_goes_there_and_back(served: Served) -> None:
    body = bytes(range(256)) * 3000
    assert asked(served, post("/echo", body)) == (200, body)


def test_client_that_asks_for_a_word_before_the_body_gets_it(served: Served) -> None:
    with Plain(served) as plain:
        plain.send(post("/echo", announced=5, more=b"expect: 100-continue\r\n"))
        assert plain.answer()[0] == 100
        plain.send(b"hello")
        assert plain.answer()[2] == b"hello"


def test_client_that_says_it_is_the_last_one_is_told_so(served: Served) -> None:
    with Plain(served) as plain:
        plain.send(post("/echo", more=b"connection: close\r\n") + post("/echo"))
        assert plain.answer()[1][b"connection"] == b"close"
        assert plain.has_ended()
        assert plain.until(b"!") == b""


# -- streams ----------------------------------------------------------------------------------------------------------


def test_lines_that_are_there_at_once_come_in_one_piece_with_the_head_and_the_end(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port)) as plain:
        for _ in range(50):
            plain.sendall(post("/lines", LINES))
            head, _, body = plain.recv(65536).partition(b"\r\n\r\n")
            assert b"transfer-encoding: chunked" in head.lower()
            assert body == b"%x\r\n%b\r\n0\r\n\r\n" % (len(LINES), LINES)


def test_lines_with_pauses_come_one_by_one(served: Served) -> None:
    with Plain(served) as plain:
        plain.send(post("/steps", LINES))
        assert plain.answer()[1][b"content-type"] == b"application/x-ndjson"
        chunks = plain.until(b"\r\n0\r\n\r\n").split(b"\r\n")
        assert b"".join(chunks[1::2]) == LINES
        assert len(chunks[1::2]) > 10
        plain.send(post("/echo", b"next"))
        assert plain.answer()[2] == b"next"


def test_stream_of_nothing_has_an_end(served: Served) -> None:
    with Plain(served) as plain:
        plain.send(post("/lines") + post("/lines", b"\n"))
        assert plain.answer()[0] == 200
        assert plain.until(b"0\r\n\r\n") == b"0\r\n\r\n"
        assert plain.answer()[0] == 200
        assert plain.until(b"0\r\n\r\n") == b"1\r\n\n\r\n0\r\n\r\n"


def test_reader_who_is_far_behind_holds_the_stream_back_and_gets_all_of_it(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=15) as plain:
        plain.sendall(post("/endless"))
        assert eventually(served.stands_still)
        held_at, zeros = served.sent, 0
        while zeros < (held_at + 10) * 10_000:
            zeros += plain.recv(65536).count(0)
        assert served.sent > held_at
    assert served.was_stopped.wait(15)


def test_reader_who_stands_still_is_dropped(serve: Serve) -> None:
    served = serve(stall_seconds=0.3)
    with Plain(served) as plain:
        plain.send(post("/endless"))
        assert served.was_stopped.wait(15)
        assert plain.has_ended()


def test_slow_reader_is_not_taken_for_one_who_stands_still(serve: Serve) -> None:
    served = serve(stall_seconds=1)
    with socket.create_connection(("127.0.0.1", served.port), timeout=15) as plain, plain.makefile("rb") as slowly:
        plain.sendall(post("/huge"))
        for _ in range(22):
            time.sleep(0.1)
            assert served.tasks() == 1
            assert len(slowly.read(1_000_000)) == 1_000_000


def test_whole_answer_that_nobody_reads_is_dropped(serve: Serve) -> None:
    served = serve(stall_seconds=0.3)
    with Plain(served) as plain:
        plain.send(post("/huge"))
        assert served.has_begun.wait(15)
        assert eventually(lambda: served.tasks() == 0)


# -- who comes in -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key", [b"", b"authorization: Bearer wrong\r\n", b"authorization: " + TOKEN.encode() + b"\r\n"]
)
@pytest.mark.parametrize("line", [b"POST /echo", b"GET /echo", b"POST /nothing"])
def test_without_the_token_nobody_comes_in_and_no_body_is_awaited(served: Served, line: bytes, key: bytes) -> None:
    with Plain(served) as plain:
        plain.send(line + b" HTTP/1.1\r\nhost: x\r\n" + key + b"content-length: 500000\r\n\r\n")
        status, headers, body = plain.answer()
        assert (status, body, headers[b"connection"]) == (401, b"The token is missing or wrong.\n", b"close")
        assert plain.has_ended()
    assert not served.has_begun.is_set()


def test_client_that_is_refused_while_it_sends_still_reads_why(served: Served) -> None:
    body = bytes(8_000_000)
    for said, status in ((post("/echo", body).replace(KEY, b""), 401), (post("/echo", body), 413)):
        with Plain(served) as plain:
            assert plain.send(said)
            assert plain.answer()[0] == status


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (post("/nothing"), 404),
        (post("/ech"), 404),
        (post("/echo").replace(b"POST", b"GET"), 405),
        (post("/echo").replace(b"1.1", b"1.0"), 505),
        (post("/echo", more=b"connection: upgrade\r\nupgrade: websocket\r\n"), 505),
        (post("/echo", announced=LARGEST + 1), 413),
        (post("/echo", more=b"x: " + b"y" * 70_000 + b"\r\n"), 431),
        (post("/" + "a" * 70_000), 431),
    ],
)
def test_what_is_not_served_is_refused_and_the_connection_ends(served: Served, said: bytes, status: int) -> None:
    with Plain(served) as plain:
        plain.send(said)
        assert plain.answer()[0] == status
        assert plain.has_ended()
    assert works(served)


def test_body_may_be_as_large_as_it_is_allowed_and_no_larger(served: Served) -> None:
    assert asked(served, post("/echo", bytes(LARGEST)))[0] == 200
    with Plain(served) as plain:
        plain.send(b"POST /echo HTTP/1.1\r\nhost: x\r\n" + KEY + b"transfer-encoding: chunked\r\n\r\n")
        for _ in range(LARGEST // 65536 + 1):
            plain.send(b"10000\r\n" + bytes(65536) + b"\r\n")
        assert plain.answer()[0] == 413


def test_head_without_an_end_is_refused(served: Served) -> None:
    with Plain(served) as plain:
        plain.send(b"POST /echo HTTP/1.1\r\n")
        for number in range(1000):
            plain.send(b"x-%d: %b\r\n" % (number, b"y" * 500))
        assert plain.answer()[0] == 431


MALFORMED: dict[str, bytes] = {
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "no method": b" / HTTP/1.1\r\n\r\n",
    "an unknown method": b"BREW /echo HTTP/1.1\r\n\r\n",
    "http/9": post("/echo").replace(b"1.1", b"9.9"),
    "a length in words": post("/echo").replace(b"length: 0", b"length: many"),
    "a negative length": post("/echo", announced=-1),
    "a huge length": post("/echo", announced=10**30),
    "two lengths": post("/echo", b"hello", more=b"content-length: 4\r\n"),
    "length and chunks": post("/echo", b"0\r\n\r\n", more=b"transfer-encoding: chunked\r\n"),
    "a wrong chunk": post("/echo", more=b"transfer-encoding: chunked\r\n").replace(b"content-length: 0\r\n", b"")
    + b"zz\r\n",
    "a zero byte in a header": post("/echo", more=b"x: a\x00b\r\n"),
    "a space before the colon": post("/echo", more=b"x : y\r\n"),
    "words behind the last request": post("/echo", more=b"x: y\r\n") + b"\x00\x01\x02",
}


@pytest.mark.parametrize("said", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_http_is_told_and_the_connection_ends(served: Served, said: bytes) -> None:
    with Plain(served) as plain:
        plain.send(said)
        status = plain.answer()[0]
        if status == 200:  # for what came before
            status = plain.answer()[0]
        assert status == 400
        assert plain.has_ended()
    assert works(served)


# -- one at a time ----------------------------------------------------------------------------------------------------


def test_requests_that_come_together_are_answered_in_order_and_one_at_a_time(served: Served) -> None:
    with Plain(served) as plain:
        bodies = [b"%d" % number * 1000 for number in range(300)]  # more than is read at a time
        plain.send(b"".join(post("/echo", body) for body in bodies))
        assert [plain.answer()[2] for _ in bodies] == bodies
    assert served.most_running == 1


def test_client_that_asks_and_asks_is_held_back(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=0.5) as plain:
        plain.sendall(post("/wait"))
        with pytest.raises(TimeoutError):
            plain.sendall(post("/echo", bytes(LARGEST)) * 50)


def test_what_is_refused_waits_for_the_answers_before_it(served: Served) -> None:
    with Plain(served) as plain:
        plain.send(post("/wait") + post("/echo", b"second") + post("/echo").replace(KEY, b""))
        time.sleep(0.05)
        served.go_on()
        assert [plain.answer()[::2] for _ in range(3)] == [
            (200, b"waited"),
            (200, b"second"),
            (401, b"The token is missing or wrong.\n"),
        ]
        assert plain.has_ended()


def test_word_before_a_body_waits_for_the_answer_before_it(served: Served) -> None:
    with Plain(served) as plain:
        plain.send(post("/wait") + post("/echo", announced=5, more=b"expect: 100-continue\r\n"))
        time.sleep(0.05)
        served.go_on()
        assert [plain.answer()[0] for _ in range(2)] == [200, 100]
        plain.send(b"hello")
        assert plain.answer()[2] == b"hello"
        plain.send(post("/wait") + post("/echo", b"hello", more=b"expect: 100-continue\r\n") + post("/echo"))
        assert [plain.answer()[0] for _ in range(3)] == [200, 200, 200]  # it did not wait for the word
        plain.send(post("/echo"))
        assert plain.answer()[0] == 200


# -- failures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "name"), [("/fail", b"ZeroDivisionError"), ("/break", b"ZeroDivisionError"), ("/mute", b"RuntimeError")]
)
def test_handler_that_fails_is_told_in_a_line_and_the_next_one_is_served(
    served: Served, path: str, name: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), Plain(served) as plain:
        plain.send(post("/echo") + post(path))
        assert plain.answer()[0] == 200
        status, _, body = plain.answer()
        assert (status, body) == (500, b"The server failed: %b.\n" % name)
        plain.send(post("/echo", b"next"))
        assert plain.answer()[2] == b"next"
    assert f"{path} failed: {name.decode()}" in caplog.text
    assert "what was asked" not in caplog.text


def test_stream_that_breaks_ends_without_its_end_after_what_came_before(served: Served) -> None:
    with Plain(served) as plain:
        plain.send(post("/break", b"late"))
        assert plain.answer()[0] == 200
        assert plain.until(b"0\r\n\r\n") == b"8\r\none two \r\n"


def test_handler_that_was_cancelled_by_itself_leaves_nobody_waiting(served: Served) -> None:
    with Plain(served) as plain:
        plain.send(post("/fail", b"cancel"))
        assert plain.has_ended()
    assert works(served)
