"""The ends of the lean server: clients that hang up or say nothing, and that nothing stays when it is closed."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from tests.core.served import Serve, Served, eventually, post
from tests.serve.sockets import Plain


@pytest.mark.parametrize("path", ["/wait", "/endless"])
@pytest.mark.parametrize("how", ["closed", "shut down", "closed after half a request more"])
def test_client_that_hangs_up_stops_what_is_done_for_it(served: Served, path: str, how: str) -> None:
    with socket.create_connection(("127.0.0.1", served.port)) as plain:
        plain.sendall(post(path))
        assert served.has_begun.wait(15)
        if how == "shut down":
            plain.shutdown(socket.SHUT_WR)
        elif how == "closed after half a request more":
            plain.sendall(post("/echo", announced=10))
            plain.close()
        else:
            plain.close()
        assert served.was_stopped.wait(15)
        assert eventually(lambda: served.tasks() == 0)


def test_closing_ends_idle_connections_at_once_and_lets_an_answer_be_given(serve: Serve) -> None:
    served = serve(goodbye_seconds=30)
    with Plain(served) as idle, Plain(served) as half, Plain(served) as busy:
        idle.send(post("/echo"))
        assert idle.answer()[0] == 200
        half.send(post("/echo", announced=10))
        busy.send(post("/wait") + post("/echo"))
        assert eventually(lambda: served.running == 1)
        closing = threading.Thread(target=served.close)
        closing.start()
        assert idle.has_ended()
        assert half.has_ended()
        served.go_on()
        assert busy.answer()[2] == b"waited"
        closing.join()
        assert busy.until(b"!") == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", served.port))


@pytest.mark.parametrize("path", ["/wait", "/endless", "/huge"])
def test_closing_cuts_off_what_does_not_end(serve: Serve, path: str) -> None:
    served = serve(goodbye_seconds=0.1)
    with Plain(served) as plain:
        plain.send(post(path))
        assert served.has_begun.wait(15)
        served.close()
        assert served.tasks() == 0
        assert plain.has_ended()
        served.close()


@pytest.mark.parametrize("path", ["/echo", "/wait", "/endless"])
def test_server_that_is_closed_is_forgotten_at_once(serve: Serve, path: str) -> None:
    served = serve(goodbye_seconds=0.1)
    with Plain(served) as plain, Plain(served):
        plain.send(post(path))
        assert served.has_begun.wait(15)
        assert path == "/wait" or plain.answer()[0] == 200
        assert served.is_forgotten_when_closed()


def test_time_of_a_long_answer_is_not_idle(serve: Serve) -> None:
    served = serve(idle_seconds=0.6)
    with Plain(served) as plain:
        plain.send(post("/wait"))
        time.sleep(1)
        served.go_on()
        assert plain.answer()[0] == 200
        time.sleep(0.3)
        plain.send(post("/echo"))
        assert plain.answer()[0] == 200


def test_idle_connection_ends_and_a_busy_one_does_not(serve: Serve) -> None:
    served = serve(idle_seconds=0.2)
    with Plain(served) as silent, Plain(served) as half, Plain(served) as idle, Plain(served) as busy:
        busy.send(post("/wait"))
        half.send(post("/echo", announced=10))
        idle.send(post("/echo"))
        assert idle.answer()[0] == 200
        assert all(plain.has_ended() for plain in (silent, half, idle))
        served.go_on()
        assert busy.answer()[2] == b"waited"
