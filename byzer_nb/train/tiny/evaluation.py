"""How often byzer-tiny is right, task by task, on values and on wordings that it never saw."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from byzer_nb.train.tiny.batches import encode
from byzer_nb.train.tiny.corpus import examples
from byzer_nb.train.tiny.example import Example
from byzer_nb.train.tiny.recipe import LONGEST_ANSWER
from byzer_nb.train.tiny.tokenizer import END, PAD, special_id

AT_ONCE = 64
LONG = 300  # tokens


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the model said to one example."""

    example: Example
    text: str
    tokens: int  # as many as it wrote, the end not among them
    stopped: bool  # it ended by itself

    @property
    def is_right(self) -> bool:
        """Exactly the wanted answer; for a story: it ends by itself and no sentence comes twice."""
        if self.example.open_ended:
            return self.stopped and self.repeats_nothing
        return self.stopped and self.text == self.example.answer

    @property
    def repeats_nothing(self) -> bool:
        """Whether there is a sentence, and none of them comes twice."""
        sentences = [part for part in re.split(r"[.!?。！？]\W*", self.text) if part]
        return bool(sentences) and len(set(sentences)) == len(sentences)

    @property
    def chose_the_tools(self) -> bool:
        """Whether the calls name the wanted tools, whatever their arguments."""
        return tools_called(self.example.begun + self.text) == tools_called(self.example.begun + self.example.answer)


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
    """The score of each task in the order of their names, then those of all of them together."""
    given = list(given)
    if not given:
        return []
    tasks = sorted({answer.example.task for answer in given})
    rows = [_score(task, [answer for answer in given if answer.example.task == task]) for task in tasks]
    for task in ("tool", "tool zh"):
        calls = [answer for answer in given if answer.example.task == task]
        rows += [_score(f"{task}, the right one chosen", calls, lambda answer: answer.chose_the_tools)] if calls else []
    long = [answer for answer in given if answer.example.task == "long story" and answer.tokens >= LONG]
    rows += [_score(f"stories of {LONG} tokens or more, no loop", long)] if long else []
    rows.append(_score("stops by itself", given, lambda answer: answer.stopped))
    return [*rows, _score("all", given)]


def tools_called(text: str) -> list[str] | None:
    """The names of the tools that an answer calls, in both forms of a call; None when it calls none."""
    try:
        said: Any = json.loads(text)  # Any: a model wrote it
        calls = [call["function"] for call in said["tool_calls"]] if "tool_calls" in said else [said]
        return [str(call["name"]) for call in calls]
    except (ValueError, KeyError, TypeError):
        return None


def answers(model: LlamaForCausalLM, tokenizer: Tokenizer, asked: Sequence[Example]) -> list[Answer]:
    """Greedy answers, many at once; those of like length share a batch, for all of it waits for the longest."""
    was_training = model.training
    model.eval()

    def lengths(example: Example) -> tuple[int, int]:
        prompt, answer = encode(tokenizer, example)
        return len(answer) // 16, len(prompt)

    order = sorted(asked, key=lengths)
    given: list[Answer] = []
    for start in range(0, len(order), AT_ONCE):
        given += _answer_together(model, tokenizer, order[start : start + AT_ONCE])
    model.train(was_training)
    return given


def _score(
    task: str, given: Sequence[Answer], right: Callable[[Answer], bool] = lambda answer: answer.is_right
) -> Score:
    return Score(task=task, right=sum(map(right, given)), total=len(given))


def _answer_together(model: LlamaForCausalLM, tokenizer: Tokenizer, asked: Sequence[Example]) -> list[Answer]:
    end, pad = special_id(tokenizer, END), special_id(tokenizer, PAD)
    prompts = [encode(tokenizer, example)[0] for example in asked]
    longest = max(map(len, prompts))
    # (batch, time), padded on the left so that every answer starts at the same place
    inputs = torch.tensor([[pad] * (longest - len(prompt)) + prompt for prompt in prompts], device=model.device)
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
        written = tokens[: tokens.index(end)] if stopped else tokens
        text = tokenizer.decode(written, skip_special_tokens=False)
        given.append(Answer(example=example, text=text, tokens=len(written), stopped=stopped))
    return given
