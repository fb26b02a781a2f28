"""How often byzer-tiny is right, task by task, on values and on wordings that it never saw."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from byzer_nb.train.tiny.batches import encode
from byzer_nb.train.tiny.corpus import examples
from byzer_nb.train.tiny.example import Example
from byzer_nb.train.tiny.tokenizer import END, PAD, special_id

LONGEST_ANSWER = 320
AT_ONCE = 48


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the model said to one example."""

    example: Example
    text: str
    stopped: bool  # it ended by itself

    @property
    def is_right(self) -> bool:
        """Exactly the wanted answer; for a story: it ends by itself and no sentence comes twice."""
        if self.example.open_ended:
            sentences = [part for part in re.split(r"[.!?。！？]\W*", self.text) if part]
            return self.stopped and bool(sentences) and len(set(sentences)) == len(sentences)
        return self.stopped and self.text == self.example.answer


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """The count of right answers to the examples of one task."""

    task: str
    right: int
    total: int

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.right / self.total


def evaluate(
    model: LlamaForCausalLM, tokenizer: Tokenizer, *, count: int, unseen: bool = False, seed: str = "evaluation"
) -> list[Answer]:
    """Greedy answers to that many examples; `unseen` asks in wordings that were kept out of the training."""
    return answers(model, tokenizer, list(islice(examples(seed, unseen=unseen), count)))


def scores(given: Iterable[Answer]) -> list[Score]:
    """The score of each task, and of all of them together, last."""
    by_task: dict[str, list[Answer]] = {}
    for answer in given:
        by_task.setdefault(answer.example.task, []).append(answer)
    rows = {task: by_task[task] for task in sorted(by_task)}
    rows["all"] = [answer for task in by_task.values() for answer in task]
    return [
        Score(task=task, right=sum(answer.is_right for answer in row), total=len(row)) for task, row in rows.items()
    ]


def answers(model: LlamaForCausalLM, tokenizer: Tokenizer, asked: Sequence[Example]) -> list[Answer]:
    """Greedy answers, many at once; examples of like length share a batch."""
    was_training = model.training
    model.eval()
    order = sorted(asked, key=lambda example: (example.open_ended, len(encode(tokenizer, example)[0])))
    given: list[Answer] = []
    for start in range(0, len(order), AT_ONCE):
        given += _answer_together(model, tokenizer, order[start : start + AT_ONCE])
    model.train(was_training)
    return given


def _answer_together(model: LlamaForCausalLM, tokenizer: Tokenizer, asked: Sequence[Example]) -> list[Answer]:
    end, pad = special_id(tokenizer, END), special_id(tokenizer, PAD)
    prompts = [encode(tokenizer, example)[0] for example in asked]
    longest = max(map(len, prompts))
    # (batch, time), padded on the left so that every answer starts at the same place
    inputs = torch.tensor([[pad] * (longest - len(prompt)) + prompt for prompt in prompts])
    said = model.generate(
        inputs,
        attention_mask=(inputs != pad).long(),
        max_new_tokens=LONGEST_ANSWER,
        do_sample=False,
        use_cache=True,
        eos_token_id=end,
        pad_token_id=pad,
    )[:, longest:].tolist()
    given = []
    for example, tokens in zip(asked, said, strict=True):
        stopped = end in tokens
        text = tokenizer.decode(tokens[: tokens.index(end)] if stopped else tokens, skip_special_tokens=False)
        given.append(Answer(example=example, text=text, stopped=stopped))
    return given
