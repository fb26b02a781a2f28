"""Batches of the corpus: several examples to a row, and which tokens of it count."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import torch
from tokenizers import Tokenizer

from byzer_nb.train.tiny.corpus import examples
from byzer_nb.train.tiny.example import Example
from byzer_nb.train.tiny.tokenizer import END, PAD, special_id

IGNORED = -100  # what torch's cross entropy skips
PROMPT_SHARE = 0.2  # examples whose prompt counts too: reading it teaches the words
PATIENCE = 20  # examples that fit nowhere before the batch is taken as full

Pair = tuple[list[int], list[int]]  # tokens, and the same with IGNORED where nothing is learnt


def batch(tokenizer: Tokenizer, *, seed: str, rows: int, window: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and targets of one step, both (rows, window); the same for the same seed."""
    packed: list[Pair] = [([], []) for _ in range(rows)]
    misfits = 0
    for tokens, targets in _pairs(tokenizer, seed):
        for row_tokens, row_targets in packed:
            if len(row_tokens) + len(tokens) <= window + 1:
                row_tokens += tokens
                row_targets += targets
                break
        else:
            misfits += 1
            if misfits == PATIENCE:
                break
    pad = special_id(tokenizer, PAD)
    inputs = torch.full((rows, window + 1), pad)
    wanted = torch.full((rows, window + 1), IGNORED)
    for at, (tokens, targets) in enumerate(packed):
        inputs[at, : len(tokens)] = torch.tensor(tokens)
        wanted[at, : len(targets)] = torch.tensor(targets)
    return inputs[:, :-1], wanted[:, 1:]


def encode(tokenizer: Tokenizer, example: Example) -> tuple[list[int], list[int]]:
    """The tokens of the prompt and those of the answer, cut where the model will be asked to go on."""
    prompt: list[int] = tokenizer.encode(example.prompt_text()).ids
    answer: list[int] = tokenizer.encode(example.answer + END).ids
    return prompt, answer


def _pairs(tokenizer: Tokenizer, seed: str) -> Iterator[Pair]:
    whole = Random(f"prompts {seed}")
    for example in examples(seed):
        prompt, answer = encode(tokenizer, example)
        learnt = prompt if whole.random() < PROMPT_SHARE else [IGNORED] * len(prompt)
        yield prompt + answer, learnt + answer
