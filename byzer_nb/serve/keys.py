"""Who may come in: keys by name, of which only a hash is kept, each with its limits and its budget."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from byzer_nb._rate_limit import RateLimit
from byzer_nb.errors import BadInputError
from byzer_nb.serve.listed import Fields, Listing

PREFIX = "bz-"
_EXAMPLE = "{name: ann, hash: 3f0c..., requests_per_minute: 60, tokens_per_minute: 100000, budget: 5.0}"
_KEYS = Listing(
    what="key", fields=("name", "hash", "requests_per_minute", "tokens_per_minute", "budget"), example=_EXAMPLE
)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyEntry:
    """A key as it is kept: its hash, and what its owner may use up. Zero limits nothing; `budget` is in US dollars."""

    name: str
    hash: str = field(repr=False)
    requests_per_minute: float = 0
    tokens_per_minute: float = 0
    budget: float = 0

    def __post_init__(self) -> None:
        if not self.name or len(self.hash) != 64:
            raise BadInputError("A key has a name and the SHA-256 hash of its text.", hint=f"For example: {_EXAMPLE}")
        for name in ("requests_per_minute", "tokens_per_minute", "budget"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
                raise BadInputError(f"{name} of the key {self.name!r} is a number of at least 0, not {value!r}.")


class Account(Protocol):
    """What a key has used up since the gateway started."""

    @property
    def spent(self) -> float:
        """US dollars so far."""
        ...

    def pay(self, dollars: float) -> None:
        """Count what an answer cost."""
        ...

    def take(self) -> float:
        """Begin a request if it may; otherwise the seconds after which to ask again."""
        ...

    def spend(self, tokens: int) -> None:
        """An answer is over, and took so many tokens."""
        ...


class OwnAccount:
    """The account of a key in the only process of a gateway."""

    def __init__(self, entry: KeyEntry) -> None:
        self._limit = RateLimit(requests=entry.requests_per_minute, tokens=entry.tokens_per_minute)
        self.spent = 0.0

    def pay(self, dollars: float) -> None:
        """Count what an answer cost."""
        self.spent += dollars

    def take(self) -> float:
        """Begin a request if it may; otherwise the seconds after which to ask again."""
        return self._limit.take()

    def spend(self, tokens: int) -> None:
        """An answer is over, and took so many tokens."""
        self._limit.spend(tokens)


class Guest:
    """Somebody with a key."""

    def __init__(self, entry: KeyEntry, account: Account) -> None:
        self.entry = entry
        self.account = account

    @property
    def name(self) -> str:
        """What the key is called."""
        return self.entry.name

    @property
    def is_broke(self) -> bool:
        """Whether the budget is used up."""
        return bool(self.entry.budget) and self.account.spent >= self.entry.budget


class Keyring:
    """All keys of a gateway; an empty one lets everybody in."""

    def __init__(self, entries: Sequence[KeyEntry], account: Callable[[KeyEntry, int], Account] | None = None) -> None:
        self._guests = [
            (entry.hash.encode(), Guest(entry, OwnAccount(entry) if account is None else account(entry, position)))
            for position, entry in enumerate(entries)
        ]

    def __bool__(self) -> bool:
        return bool(self._guests)

    def guest(self, key: str) -> Guest | None:
        """Whose key it is; every one is compared, so that time tells nothing."""
        given = hash_of(key).encode()
        found = None
        for known, guest in self._guests:
            if hmac.compare_digest(known, given):
                found = guest
        return found


def hash_of(key: str) -> str:
    """What is kept of a key. Keys are long and random, so that no slow hash is needed."""
    return sha256(key.encode()).hexdigest()


def new_key() -> str:
    """A key that nobody guesses."""
    return PREFIX + secrets.token_urlsafe(32)


def read_keys(path: Path) -> tuple[KeyEntry, ...]:
    """The keys that a YAML file lists."""
    return tuple(_entry(fields) for fields in _KEYS.read(path))


def _entry(fields: Fields) -> KeyEntry:
    if not isinstance(fields.get("hash"), str):
        raise BadInputError(f"The key {fields['name']!r} has no hash.", hint=f"For example: {_EXAMPLE}")
    return KeyEntry(**fields)
