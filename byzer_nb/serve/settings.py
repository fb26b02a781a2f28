"""How a gateway is set up."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from byzer_nb.errors import BadInputError, MissingFileError
from byzer_nb.serve.keys import KeyEntry

LOOP_BACK = "127.0.0.1"
PORT = 8000
MEGABYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Cors:
    """Which pages of other origins may call, from a browser; without one none may."""

    origins: tuple[str, ...] = ("*",)
    methods: tuple[str, ...] = ("*",)
    headers: tuple[str, ...] = ("*",)
    credentials: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ServeSettings:
    """Where a gateway listens, who may come in, and how long it waits for whom.

    `served_model_name` is the one model that answers whatever a request names. `timeout` is for a whole answer, in
    seconds; `stall_seconds` for a client that does not read, or does not send what it announced; `head_seconds` for the
    head of a request. Of the answers at /v1/responses the newest `kept_bytes` are kept, for `kept_seconds`; each
    process keeps those that it gave, and has its share of the bytes.
    """

    host: str = LOOP_BACK
    port: int = PORT
    keys: tuple[KeyEntry, ...] = ()
    cors: Cors | None = None
    ssl_keyfile: str = ""
    ssl_certfile: str = ""
    served_model_name: str = ""
    prompt_template: str = "auto"
    response_role: str = "assistant"
    timeout: float = 600.0
    stall_seconds: float = 60.0
    head_seconds: float = 20.0
    keep_alive_seconds: float = 5.0
    drain_seconds: float = 30.0
    largest_body: int = 64 * MEGABYTE
    kept_bytes: int = 256 * MEGABYTE
    kept_seconds: float = 24 * 3600.0
    workers: int = 1
    log_level: str = "info"

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise BadInputError(f"There is no port {self.port}; ports go from 1 to 65535.", hint="Such as --port 8000.")
        if bool(self.ssl_keyfile) != bool(self.ssl_certfile):
            missing = "--ssl_certfile" if self.ssl_keyfile else "--ssl_keyfile"
            raise BadInputError(f"TLS needs both files, and {missing} is missing.", hint="Give both, or none.")
        for path in filter(None, (self.ssl_keyfile, self.ssl_certfile)):
            if not Path(path).is_file():
                raise MissingFileError(f"There is no file {path!r}.", hint="Give the PEM files of key and certificate.")
        if not self.keys and not is_loop_back(self.host):
            raise BadInputError(
                f"Without a key the gateway listens on this machine alone, not on {self.host!r}.",
                hint="Set one with --api_key (or the variable BYZERLLM_API_KEY), or leave --host out.",
            )
        for name in (
            "timeout",
            "stall_seconds",
            "head_seconds",
            "largest_body",
            "kept_bytes",
            "kept_seconds",
            "workers",
        ):
            if not getattr(self, name) > 0:
                raise BadInputError(f"{name} must be above 0, not {getattr(self, name)!r}.")

    @property
    def address(self) -> str:
        """Where clients find it."""
        scheme = "https" if self.ssl_certfile else "http"
        host = LOOP_BACK if self.host in ("", "0.0.0.0", "::") else self.host
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"


def is_loop_back(host: str) -> bool:
    """Whether nobody outside this machine gets to a host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name, which may lead anywhere; or nothing, which is every address
        return False
