"""Holds an answer to a JSON schema: in every place only those tokens may come that the schema has room for."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from byzer_nb.backends.ending import Ending, byte_vocabulary
from byzer_nb.backends.sampling import Logits
from byzer_nb.backends.schema_grammar import grammar_of, literals_of
from byzer_nb.backends.tokenizer import Tokenizer
from byzer_nb.errors import BadInputError, ModelCallError, UnsupportedError
from byzer_nb.types import AnswerSchema

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLTokenizer

_KEPT = 32  # grammars of an engine that stay ready: a used one knows most of its masks already


class Constraints:
    """The schemas of one engine's answers. The vocabulary is laid out once, when the first schema comes."""

    def __init__(self, tokenizer: Tokenizer, *, end_ids: Collection[int], model: str) -> None:
        self._tokenizer = tokenizer
        self._end_ids = frozenset(end_ids)
        self._model = model
        self._vocabulary: LLTokenizer | None = None
        self._ready = lru_cache(_KEPT)(self._make_ready)

    def begin(
        self, schema: AnswerSchema, *, max_tokens: int, end_ids: Collection[int] = (), begun: str = ""
    ) -> Constraint:
        """What holds one new answer to the schema, together with what of it is there already.

        `end_ids` are the tokens that end this answer.
        """
        matcher, byte_matcher, words = self._ready(json.dumps(schema.schema), schema.name)
        constraint = Constraint(
            matcher.deep_copy(),
            Ending(byte_matcher.deep_copy(), self._tokens_of, words=words),
            vocabulary=self._vocabulary_at_hand(),
            end_ids=end_ids,
            max_tokens=max_tokens,
            model=self._model,
        )
        if not constraint.begin(begun):
            raise BadInputError(
                f"The begun answer {begun!r} is no beginning of JSON that fits the schema {schema.name!r}.",
                hint="Cut it back to where it fits, or leave out the schema.",
            )
        return constraint

    def _make_ready(self, schema: str, name: str) -> tuple[LLMatcher, LLMatcher, tuple[bytes, ...]]:
        from llguidance import LLMatcher

        grammar = grammar_of(AnswerSchema(schema=json.loads(schema), name=name))
        found = []
        for vocabulary in (self._vocabulary_at_hand(), byte_vocabulary()):
            matcher = LLMatcher(vocabulary, grammar, log_level=0)
            if matcher.is_error():
                raise BadInputError(
                    f"The schema is too large a grammar for {self._model!r}: {matcher.get_error().splitlines()[0]}",
                    hint="Ask for its parts one after the other.",
                )
            found.append(matcher)
        first = found[0].deep_copy()
        first.compute_logit_bias()
        if first.is_error():
            raise BadInputError(
                f"No JSON fits the schema {name!r}.", hint="Does it refer to itself, or ask for what excludes itself?"
            )
        return found[0], found[1], literals_of(grammar)

    def _vocabulary_at_hand(self) -> LLTokenizer:
        if self._vocabulary is None:
            self._vocabulary = _laid_out(self._tokenizer.rules(), sorted(self._end_ids), model=self._model)
        return self._vocabulary

    def _tokens_of(self, text: bytes) -> list[int]:
        vocabulary = self._vocabulary_at_hand()
        try:
            return vocabulary.greedy_tokenize(text.decode())
        except UnicodeDecodeError:  # it begins within a character
            return vocabulary.tokenize_bytes(text)


def _laid_out(rules: str, end_ids: Sequence[int], *, model: str) -> LLTokenizer:
    from llguidance import LLTokenizer

    slices = LLTokenizer.json_slices()
    try:
        return LLTokenizer(rules, eos_token=[*end_ids] or None, slices=slices)
    except ValueError as refused:
        try:  # a configuration may name end tokens that its tokenizer lacks
            size = LLTokenizer(rules).vocab_size
        except ValueError:
            raise UnsupportedError(
                f"The tokens of {model!r} cannot be laid out as bytes, so its answers cannot be held to a schema: "
                f"{refused}",
                hint="Ask for JSON in the prompt instead.",
            ) from refused
        return LLTokenizer(rules, eos_token=[token for token in end_ids if token < size] or None, slices=slices)


class Constraint:
    """Holds one answer to its schema; a `LogitsProcessor`.

    When the tokens run out, it leads to the end: a token after which the rest would need more than are left gives way
    to one that comes nearer to it. `was_steered` says that this happened. None of that is done, and the answer is cut,
    where `max_tokens` is too small for the shortest answer, or where no way through a very odd pattern was found.
    """

    def __init__(
        self,
        matcher: LLMatcher,
        ending: Ending,
        *,
        vocabulary: LLTokenizer,
        end_ids: Collection[int],
        max_tokens: int,
        model: str,
    ) -> None:
        self.was_steered = False
        self._matcher = matcher
        self._ending = ending
        self._vocabulary = vocabulary
        self._end = vocabulary.eos_token
        size = vocabulary.vocab_size
        special = {token for token in end_ids if token < size and vocabulary.is_special_token(token)}
        self._ends = special | set(vocabulary.eos_tokens)
        self._left = max_tokens
        self._steers = False
        self._is_over = False
        self._model = model

    @property
    def is_over(self) -> bool:
        """Whether the answer is whole and nothing can be added to it."""
        return self._is_over or self._matcher.is_stopped()

    def begin(self, begun: str) -> bool:
        """Take in what is there of the answer; whether it fits."""
        if begun:
            tokens = self._vocabulary.greedy_tokenize(begun)
            if self._matcher.try_consume_tokens(tokens) < len(tokens):
                return False
        self._steers = self._ending.begin(begun.encode(), self._left)
        return True

    def process(self, logits: Logits) -> Logits:
        """The logits, minus infinity where a token does not fit."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        allowed = np.unpackbits(bits, count=len(logits), bitorder="little").view(np.bool_)
        self._check()
        if self._matcher.is_accepting():
            allowed[[token for token in self._ends if token < len(logits)]] = True
        return np.where(allowed, logits, np.float32(-np.inf))

    def steered(self, token: int) -> int:
        """The token, or the one to write instead so that the answer still comes to its end."""
        self._left -= 1
        if not self._steers or token in self._ends:
            return token
        if self._ending.go_on(token, self._vocabulary.decode_bytes([token]), self._left):
            return token
        self.was_steered = True
        if not self._ending.tokens:  # it is whole, and would need more tokens to become whole again
            return self._end
        token = self._ending.tokens[0]
        self._ending.go_on(token, self._vocabulary.decode_bytes([token]), self._left)
        return token

    def accept(self, token: int) -> None:
        if token in self._ends:
            self._is_over = True
            return
        self._matcher.consume_token(token)
        self._check()

    def _check(self) -> None:
        if self._matcher.is_error():
            raise ModelCallError(
                f"The answer of {self._model!r} cannot be held to its schema any longer: "
                f"{self._matcher.get_error().splitlines()[0]}",
                hint="A simpler schema may do: shorter patterns, lower limits, fewer options.",
                model=self._model,
            )
