"""Batches of the corpus: several examples to a row, and how much each of their tokens counts."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

import torch
from tokenizers import Tokenizer

from byzer_nb.train.tiny.corpus import examples
from byzer_nb.train.tiny.example import Example
from byzer_nb.train.tiny.tokenizer import END, PAD, special_id

PROMPT_SHARE = 0.2  # examples whose prompt counts too: reading it teaches the words
PROMPT_WEIGHT = 0.25
USUAL_ANSWER = 10  # tokens; those of a longer answer count less each, those of a shorter one more
PATIENCE = 20  # examples that fit nowhere before the batch is taken as full


class Batch(NamedTuple):
    """What one step learns from, each (rows, window)."""

    inputs: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor  # of each target; none where nothing is learnt


def batch(tokenizer: Tokenizer, *, seed: str, rows: int, window: int) -> Batch:
    """The batch of one step; the same for the same seed."""
    packed: list[tuple[list[int], list[float]]] = [([], []) for _ in range(rows)]
    misfits = 0
    for tokens, weights in _weighed(tokenizer, seed):
        for row_tokens, row_weights in packed:
            if len(row_tokens) + len(tokens) <= window + 1:
                row_tokens += tokens
                row_weights += weights
                break
        else:
            misfits += 1
            if misfits == PATIENCE:
                break
    tokens_of = torch.full((rows, window + 1), special_id(tokenizer, PAD))
    weights_of = torch.zeros((rows, window + 1))
    for at, (tokens, weights) in enumerate(packed):
        tokens_of[at, : len(tokens)] = torch.tensor(tokens)
        weights_of[at, : len(weights)] = torch.tensor(weights)
    return Batch(tokens_of[:, :-1], tokens_of[:, 1:], weights_of[:, 1:])


def encode(tokenizer: Tokenizer, example: Example) -> tuple[list[int], list[int]]:
    """The tokens of the prompt and those of the answer, cut where the model will be asked to go on."""
    prompt: list[int] = tokenizer.encode(example.prompt_text()).ids
    answer: list[int] = tokenizer.encode(example.answer + END).ids
    return prompt, answer


def _weighed(tokenizer: Tokenizer, seed: str) -> Iterator[tuple[list[int], list[float]]]:
    """The tokens of each example, and how much each of them counts.

    An answer counts with the square root of its length: else the long stories would drown the short answers,
    in which a single token decides between a fact and "I do not know".
    """
    whole = Random(f"prompts {seed}")
    for example in examples(seed):
        prompt, answer = encode(tokenizer, example)
        of_prompt = PROMPT_WEIGHT if whole.random() < PROMPT_SHARE else 0.0
        of_answer = (USUAL_ANSWER / len(answer)) ** 0.5
        yield prompt + answer, [of_prompt] * len(prompt) + [of_answer] * len(answer)
