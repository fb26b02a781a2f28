"""The sockets of a gateway: bound before anything else is done, so that a port that is taken is told at once."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack

from byzer_nb.errors import BadInputError, GatewayError
from byzer_nb.serve.settings import ServeSettings

ALL = "0.0.0.0"


def bound(settings: ServeSettings) -> list[list[socket.socket]]:
    """For each process the sockets that it will listen on; all together have the one port of the settings.

    Each process has sockets of its own, among which the kernel deals out the connections: those of a process that died
    vanish with it, and the others get what comes.
    """
    addresses = _addresses(settings)
    _free(settings, addresses)
    with ExitStack() as undo:
        found: list[list[socket.socket]] = []
        port = settings.port
        for _ in range(settings.workers):
            found.append([])
            for family, host in addresses:
                bound_now = _socket(settings, family, host, port, is_shared=settings.workers > 1)
                undo.callback(bound_now.close)
                port = bound_now.getsockname()[1]
                found[-1].append(bound_now)
        undo.pop_all()
    return found


def bound_again(settings: ServeSettings) -> list[socket.socket]:
    """The sockets for a process that takes the place of one that died."""
    return [_socket(settings, family, host, settings.port, is_shared=True) for family, host in _addresses(settings)]


def check_free(settings: ServeSettings) -> None:
    """Raise when the port is taken."""
    _free(settings, _addresses(settings))


def _addresses(settings: ServeSettings) -> list[tuple[int, str]]:
    try:
        found = socket.getaddrinfo(settings.host or ALL, settings.port, type=socket.SOCK_STREAM)
    except socket.gaierror as unknown:
        raise BadInputError(
            f"There is no host {settings.host!r} here: {unknown.strerror}.", hint="Such as --host 0.0.0.0"
        ) from None
    return list(dict.fromkeys((int(family), str(address[0])) for family, _, _, _, address in found))


def _free(settings: ServeSettings, addresses: list[tuple[int, str]]) -> None:
    """Sockets that share a port do not notice a stranger that shares it too, so one that does not is tried first."""
    for family, host in addresses:
        _socket(settings, family, host, settings.port, is_shared=False).close()


def _socket(settings: ServeSettings, family: int, host: str, port: int, *, is_shared: bool) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((host, port))
    except OSError as failed:
        made.close()
        raise _told(settings, failed) from None
    return made


def _told(settings: ServeSettings, failed: OSError) -> GatewayError:
    port = settings.port
    if failed.errno == errno.EADDRINUSE:
        other = port + 1 if port < 65535 else port - 1
        return GatewayError(
            f"Port {port} is in use.",
            hint=f"Take another one, --port {other}; or end what listens there: ss -ltnp 'sport = :{port}' names it.",
        )
    if failed.errno == errno.EACCES:
        return GatewayError(f"Port {port} is for administrators.", hint="Take one above 1023: --port 8000")
    if failed.errno == errno.EADDRNOTAVAIL:
        return GatewayError(
            f"{settings.host!r} is no address of this machine.",
            hint="Leave --host out for this machine alone; --host 0.0.0.0 is every address that it has.",
        )
    return GatewayError(f"Port {port} of {settings.host!r} cannot be listened on: {failed.strerror}.")
