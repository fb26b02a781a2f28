"""How a JSON text under way can be ended soon: what keeps an answer whole when its tokens run out.

The grammar engine says which bytes may follow, not how far the end is. So the end is walked to on a matcher that knows
bytes only: out of every string, object and array at the first chance, through what the schema demands on the way. While
the model writes, the end that was found last mostly still serves, and is looked for again only where it does not.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLTokenizer

_END = 256  # the token after the bytes, for the end of the text
_QUOTE, _BACKSLASH = b'"\\'
_CLOSERS = b"}],"  # a comma where nothing may be closed: what comes next is demanded
_NUMBER = b"0123456789-.e"
# What a value begins with: null first, for what is not known, then the short kinds; arrays and objects may go on.
_BEGINNINGS = b'n0123456789"tf-[{'

_LONGEST = 4096  # bytes of an end
_WIDEST = 12  # bytes of a token
_WALKS = 8
_FEW = 8  # bytes to choose from: the names of properties, rather than free text
_WIDTH = 24  # places in a string or number that are followed at once
_TWINS = 2  # of those, places that look the same
_ROUNDS = 6  # and where the same may follow as before
_FURTHEST = 512  # bytes up to the end of one string or number
_SUFFIXES = 32
_EXITS = 64


@cache
def byte_vocabulary() -> LLTokenizer:
    """A vocabulary with a token for each byte."""
    from llguidance import LLTokenizer, TokenizerWrapper

    return LLTokenizer(TokenizerWrapper(_Bytes()))


class _Bytes:
    eos_token_id = _END
    bos_token_id = None
    tokens = (*(bytes([byte]) for byte in range(256)), b"<end>")
    special_token_ids = (_END,)

    def __call__(self, text: bytes) -> list[int]:
        return list(text)


class Ending:
    """Follows a text piece by piece and always knows a way to its end.

    `matcher` is one of `byte_vocabulary`, for this text alone; `tokenize` gives the tokens that write some bytes;
    `words` are literal pieces of patterns: no mask shows a way through `.*[.]pdf`, but `.pdf` leads out of it.
    """

    def __init__(
        self, matcher: LLMatcher, tokenize: Callable[[bytes], list[int]], *, words: tuple[bytes, ...] = ()
    ) -> None:
        self._matcher = matcher
        # Of this text alone: what others have taught would change the ends of answers, and so what a seed gives.
        self._terrain = _Terrain(words=words)
        self._tokenize = tokenize
        self._quoting = 0  # 0 outside of strings, 1 inside, 2 after a backslash
        self._way = b""
        self.tokens: list[int] = []

    def begin(self, begun: bytes, room: int) -> bool:
        """Whether there is an end within so many tokens, after what is written already."""
        self._matcher.consume_tokens(list(begun))
        self._quoting = _quoting(0, begun)
        return any(self._walk(number, room) for number in range(_WALKS))

    def go_on(self, token: int, piece: bytes, room: int) -> bool:
        """Take this token if the text can still be ended with so many tokens after it; else all stays as it was."""
        self._matcher.consume_tokens(list(piece))
        before, self._quoting = self._quoting, _quoting(self._quoting, piece)
        if self._way.startswith(piece):
            is_next = bool(self.tokens) and self.tokens[0] == token
            way = self._way[len(piece) :]
            if self._keep(way, room, tokens=self.tokens[1:] if is_next else None):
                return True
        if self._old_way(room) or self._new_way(room):
            return True
        self._matcher.rollback(len(piece))
        self._quoting = before
        return False

    def _keep(self, way: bytes, room: int, *, tokens: list[int] | None = None) -> bool:
        """Take this way if it is short enough."""
        tokens = self._tokenize(way) if tokens is None else tokens
        if len(tokens) > room:
            return False
        self._way, self.tokens = way, tokens
        return True

    def _old_way(self, room: int) -> bool:
        """Whether the old way leads to the end from here too, or the last part of it."""
        if self._matcher.is_accepting():
            return self._keep(b"", room)
        for start in range(min(len(self._way), _SUFFIXES)):
            way = self._way[start:]
            if self._matcher.validate_tokens([*way, _END]) == len(way) + 1 and self._keep(way, room):
                return True
        return False

    def _new_way(self, room: int) -> bool:
        """Whether there is another way: the first that a walk finds, for a second one is seldom shorter."""
        found = (self._walk(number, room) for number in range(_WALKS))
        return next((is_short for is_short in found if is_short is not None), False)

    def _walk(self, number: int, room: int) -> bool | None:
        """Whether a walk to the end is short enough, in which case it is kept; None for one that came to none.

        The first walk takes what is shortest at each step; where that leads in circles, the others try their luck.
        """
        luck = Random(number) if number else None
        walk = _Walk(self._matcher.deep_copy(), self._quoting, self._terrain, luck)
        way = walk.to_the_end(longest=min(_LONGEST, _WIDEST * room))
        return None if way is None else self._keep(way, room)


def _quoting(state: int, piece: bytes) -> int:
    for byte in piece:
        if state == 2:
            state = 1
        elif byte == _QUOTE:
            state = 1 - state
        elif byte == _BACKSLASH and state == 1:
            state = 2
    return state


class _Walk:
    """One search for the end of a text; with luck, what is to be chosen is left to that."""

    def __init__(self, matcher: LLMatcher, quoting: int, terrain: _Terrain, luck: Random | None) -> None:
        self._matcher = matcher
        self._quoting = quoting
        self._terrain = terrain
        self._luck = luck

    def to_the_end(self, *, longest: int) -> bytes | None:
        """The bytes up to the end."""
        way = bytearray()
        while not self._matcher.is_accepting():
            step = self._matcher.compute_ff_bytes() or self._step()
            if not step or len(way) > longest or not self._matcher.consume_tokens(list(step)):
                return None
            way += step
            self._quoting = _quoting(self._quoting, step)
        return bytes(way)

    def _step(self) -> bytes | None:
        allowed = _allowed(self._matcher.compute_bitmask())
        if self._quoting:
            if self._quoting == 1 and _QUOTE in allowed:
                return b'"'
            if self._luck and len(allowed) <= _FEW:
                return bytes([self._luck.choice(allowed)])
            return self._out_of_string()
        for byte in _CLOSERS:
            if byte in allowed:
                return bytes([byte])
        beginnings = [byte for byte in _BEGINNINGS if byte in allowed]
        if not beginnings:
            return bytes(allowed[:1])
        first = self._luck.choice(beginnings) if self._luck else beginnings[0]
        return self._lead_to(_CLOSERS, _digits) if first in _NUMBER else bytes([first])

    def _out_of_string(self) -> bytes | None:
        """The shortest bytes after which the string may end."""
        terrain, here = self._terrain, self._matcher.compute_bitmask()
        for path in terrain.exits:
            if self._matcher.validate_tokens([*path, _QUOTE]) > len(path):
                return path
        if here in terrain.dead_ends:
            return None
        found = self._lead_to(b'"', terrain.tries)
        if found is None:
            terrain.dead_ends.add(here)
        elif len(terrain.exits) < _EXITS:
            insort(terrain.exits, found, key=len)
        return found

    def _lead_to(self, goals: bytes, tries: Callable[[bytes], Sequence[bytes]]) -> bytes | None:
        """The shortest bytes after which one of the goals may come, or nothing need come.

        Places are told apart by what may come after them and before that on the way there; going round in one place,
        as through the letters of a word, adds nothing. Of those that look the same only a few are followed.
        """
        wanted = sum(1 << goal for goal in goals)
        trails: dict[tuple[int, bytes], int] = {}  # the trail before and what may come now, to a number
        reached: Counter[int] = Counter()
        places = [(self._matcher, b"", 0)]
        for _ in range(_FURTHEST):
            further: list[tuple[LLMatcher, bytes, int]] = []
            rounds: Counter[int] = Counter()
            for place, path, trail in places:
                here = place.compute_bitmask()
                leads: dict[bytes, list[bytes]] = {}
                for step in tries(here):
                    # A matcher that is given what does not fit writes a long report, so it is asked before.
                    if len(step) > 1 and place.validate_tokens(list(step)) < len(step):
                        continue
                    there = place.deep_copy()
                    there.consume_tokens(list(step))
                    mask = there.compute_bitmask()
                    if there.is_accepting() or int.from_bytes(mask, "little") & wanted:
                        return path + step
                    leads.setdefault(mask, []).append(step)
                    after = trail if mask == here else trails.setdefault((trail, mask), len(trails) + 1)
                    seen, most = (rounds, _ROUNDS) if mask == here else (reached, _TWINS)
                    seen[after] += 1
                    if seen[after] <= most and len(further) < _WIDTH:
                        further.append((there, path + step, after))
                if tries == self._terrain.tries:
                    self._terrain.learn(here, leads)
            places = further
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Terrain:
    """What the walks have found out about the grammar."""

    words: tuple[bytes, ...]
    exits: list[bytes] = field(default_factory=list)  # what led out of some string, the shortest first
    dead_ends: set[bytes] = field(default_factory=set)
    steps: dict[bytes, tuple[bytes, ...]] = field(default_factory=dict)  # by mask, those that differ in what they do

    def tries(self, mask: bytes) -> Sequence[bytes]:
        """The steps that are worth a try within a string, where these bytes may follow."""
        known = self.steps.get(mask)
        return (*self._words_at(mask), *_plain(mask)) if known is None else known

    def learn(self, mask: bytes, leads: dict[bytes, list[bytes]]) -> None:
        """Keep all words, and of the steps that lead to the same place one of each kind."""
        if mask not in self.steps:
            kept = {(to, _kind(step)): step for to, steps in leads.items() for step in reversed(steps)}
            self.steps[mask] = tuple(dict.fromkeys((*self._words_at(mask), *kept.values())))

    def _words_at(self, mask: bytes) -> list[bytes]:
        return [word for word in self.words if word[0] in _allowed(mask)]


@lru_cache(maxsize=4096)  # a grammar comes back to the same few masks
def _allowed(mask: bytes) -> tuple[int, ...]:
    """The bytes that may follow, in order."""
    bits = int.from_bytes(mask, "little")
    return tuple(byte for byte in range(256) if bits >> byte & 1)


@lru_cache(maxsize=4096)
def _plain(mask: bytes) -> tuple[bytes, ...]:
    """Of the bytes that may follow those that are characters of their own and need no other, where there are any.

    One of each kind comes first, for not all are followed.
    """
    allowed = _allowed(mask)
    plain = [byte for byte in allowed if byte < 128 and byte != _BACKSLASH] or allowed
    return tuple(bytes([byte]) for byte in sorted(plain, key=lambda byte: byte not in b"0aA"))


def _digits(mask: bytes) -> tuple[bytes, ...]:
    return tuple(bytes([byte]) for byte in _allowed(mask) if byte in _NUMBER)


def _kind(step: bytes) -> int:
    return 0 if step.isdigit() else 1 if step.islower() else 2 if step.isupper() else 3
