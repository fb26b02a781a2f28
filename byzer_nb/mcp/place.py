"""Where a server is: a command that starts it here, or an address; and how it may be shown."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from yarl import URL

from byzer_nb.errors import BadInputError, ByzerError, WrongTypeError
from byzer_nb.types import Secret
from byzer_nb.types.masking import MASK
from byzer_nb.types.secret import names_a_secret, with_secrets

SCHEMES = ("http", "https")
LONGEST = 100  # characters of a command that are shown


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Either a command or an address; `secrets` are the keys that were given along with it."""

    command: tuple[str, ...] = field(default=(), repr=False)
    address: URL | None = field(default=None, repr=False)
    environment: Mapping[str, Secret] = field(default_factory=dict)
    headers: Mapping[str, Secret] = field(default_factory=dict)
    secrets: tuple[Secret, ...] = ()

    @property
    def shown(self) -> str:
        """The command or the address without what may be a key in it."""
        if self.address is not None:
            return f"{self.address.scheme}://{self.host}"
        return _shortened(" ".join(_shown_words(self.command)))

    @property
    def host(self) -> str:
        """Host, port and path of the address."""
        assert self.address is not None
        return f"{self.address.authority}{self.address.path}".rstrip("/")

    @property
    def called(self) -> str:
        """The server as an error names it."""
        if self.address is not None:
            return f"The MCP server at {self.host}"
        program, *rest = _shown_words(self.command)
        return f"The MCP server {_shortened(' '.join([os.path.basename(program), *rest]))!r}"


def read_place(
    command: str | Sequence[str],
    *,
    env: Mapping[str, str | Secret] | None,
    headers: Mapping[str, str | Secret] | None,
    key: str | Secret,
) -> Place | ByzerError:
    """What was given, checked; or what is wrong with it, without the frames that hold the keys."""
    try:
        return _read(command, env=env, headers=headers, key=key)
    except ByzerError as wrong:
        return wrong.with_traceback(None)


def _read(
    command: str | Sequence[str],
    *,
    env: Mapping[str, str | Secret] | None,
    headers: Mapping[str, str | Secret] | None,
    key: str | Secret,
) -> Place:
    environment = _secrets(env, "env")
    wanted = _secrets(headers, "headers")
    if key:
        wanted["Authorization"] = Secret(f"Bearer {Secret(key).reveal()}")
    if isinstance(command, str) and command.strip().lower().startswith(("http://", "https://")):
        if environment:
            raise BadInputError("env is for a server that is started here, and this one has an address.")
        return Place(address=_address(command.strip()), headers=wanted, secrets=tuple(_keys_in(wanted)))
    if wanted:
        raise BadInputError(
            "headers and key are for a server with an address, and this one is a command.",
            hint="Give it what it needs with env={...}.",
        )
    hidden = tuple(value for name, value in with_secrets(_revealed(environment)).items() if isinstance(value, Secret))
    return Place(command=_words(command), environment=environment, secrets=hidden)


def _words(command: str | Sequence[str]) -> tuple[str, ...]:
    if isinstance(command, str):
        try:
            words = shlex.split(command, posix=os.name != "nt")
        except ValueError as reason:
            raise BadInputError(
                f"The command of the MCP server cannot be read: {reason}.", hint="Give a list."
            ) from None
    elif isinstance(command, Sequence) and all(isinstance(word, str | os.PathLike) for word in command):
        words = [os.fspath(word) for word in command]
    else:
        raise WrongTypeError(
            f"An MCP server is a command or an address, not a {type(command).__name__}.",
            hint='McpServer("npx -y some-server"), McpServer(["python", "server.py"]) or McpServer("https://host/mcp")',
        )
    if not words or not words[0]:
        raise BadInputError(
            "The command of the MCP server is empty.", hint='For example: McpServer("npx -y some-server")'
        )
    return tuple(words)


def _address(text: str) -> URL:
    try:
        url = URL(text)
    except ValueError:
        url = URL()
    if url.user is not None or url.password is not None:
        raise BadInputError("The address must not carry a user name or a password.", hint="Use key= or headers=.")
    if url.scheme not in SCHEMES or not url.host:
        shown = text.partition("?")[0][:80]
        raise BadInputError(f"This is no address of a server: {shown!r}.", hint="For example: https://host/mcp")
    return url.with_fragment(None)


def _secrets(given: Mapping[str, str | Secret] | None, name: str) -> dict[str, Secret]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise WrongTypeError(f"{name} is a dict of names and texts, not a {type(given).__name__}.")
    for key, value in given.items():
        if not isinstance(key, str) or not isinstance(value, str | Secret):
            raise WrongTypeError(f"{name}[{key!r}] is a text, not a {type(value).__name__}.")
    return {key: Secret(value) for key, value in given.items()}


def _revealed(given: Mapping[str, Secret]) -> dict[str, str]:
    return {name: value.reveal() for name, value in given.items()}


def _keys_in(headers: Mapping[str, Secret]) -> Iterator[Secret]:
    """The keys that headers hold, without the word that says of what kind they are."""
    for value in headers.values():
        yield Secret(value.reveal().rpartition(" ")[2])


def _shortened(words: str) -> str:
    words = " ".join(words.split())
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"


def _shown_words(command: Sequence[str]) -> Iterator[str]:
    """The words of a command; what follows `--token`, or looks like a key, is hidden."""
    is_secret = False
    for word in command:
        name, equals, _ = word.partition("=")
        if is_secret or isinstance(with_secrets({"": word})[""], Secret):
            yield MASK
        elif equals and names_a_secret(name):
            yield f"{name}={MASK}"
        else:
            yield word
        is_secret = word.startswith("-") and not equals and names_a_secret(word)
