"""The training of byzer-tiny: it learns, it can be stopped and picked up, and what it writes can be loaded."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from byzer_nb.train.tiny.batches import IGNORED, batch
from byzer_nb.train.tiny.card import loss_picture, score_table
from byzer_nb.train.tiny.evaluation import Answer, evaluate, scores
from byzer_nb.train.tiny.example import ask
from byzer_nb.train.tiny.recipe import CheckpointSaved, StepDone, TinySpec, Training, learning_rate
from byzer_nb.train.tiny.tokenizer import train_tokenizer

SMALL = TinySpec(
    steps=40,
    layers=2,
    width=64,
    heads=2,
    feed_forward=128,
    tokens_per_step=2_048,
    warm_up=5,
    learning_rate=1e-2,
    tokenizer_examples=400,
)


def losses(training: Training, upto: int | None = None) -> list[float]:
    """The losses of the steps taken, up to and including that step."""
    seen = []
    for event in training.run():
        if isinstance(event, StepDone):
            seen.append(event.loss)
            if event.step == upto:
                break
    return seen


def test_a_few_seconds_of_training_bring_the_loss_down(tmp_path: Path) -> None:
    seen = losses(Training(SMALL, tmp_path))
    assert seen[0] > 6.0
    assert sum(seen[-5:]) / 5 < 4.8


def test_a_resumed_training_goes_on_where_it_stopped(tmp_path: Path) -> None:
    spec = replace(SMALL, steps=8)
    unbroken = losses(Training(spec, tmp_path / "unbroken"))
    first = Training(spec, tmp_path / "broken")
    begun = losses(first, upto=4)
    first.save()
    resumed = Training(spec, tmp_path / "broken", resume=True)
    assert resumed.progress.step == 4
    assert begun + losses(resumed) == pytest.approx(unbroken, abs=1e-2)


def test_the_saved_folder_loads_in_transformers(tmp_path: Path) -> None:
    *_, last = Training(replace(SMALL, steps=1), tmp_path).run()
    assert isinstance(last, CheckpointSaved)
    model = AutoModelForCausalLM.from_pretrained(last.folder)
    tokenizer = AutoTokenizer.from_pretrained(last.folder)
    assert model.dtype == torch.bfloat16
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id == tokenizer.convert_tokens_to_ids("<|end|>")
    assert json.loads((last.folder / "config.json").read_text(encoding="utf-8"))["tie_word_embeddings"] is True


def test_a_batch_depends_on_its_seed_alone() -> None:
    tokenizer = train_tokenizer(count=200)
    inputs, targets = batch(tokenizer, seed="one", rows=4, window=256)
    assert inputs.shape == targets.shape == (4, 256)
    assert torch.equal(inputs, batch(tokenizer, seed="one", rows=4, window=256)[0])
    assert not torch.equal(inputs, batch(tokenizer, seed="two", rows=4, window=256)[0])
    assert (targets == IGNORED).any()


def test_targets_are_the_next_tokens() -> None:
    inputs, targets = batch(train_tokenizer(count=200), seed="one", rows=2, window=256)
    learnt = targets[:, :-1] != IGNORED
    assert torch.equal(inputs[:, 1:][learnt], targets[:, :-1][learnt])


def test_learning_rate_warms_up_and_falls_to_a_twentieth() -> None:
    assert learning_rate(SMALL, 0, 0.0) < learning_rate(SMALL, 4, 0.0) == SMALL.learning_rate
    assert learning_rate(SMALL, 39, 1.0) == pytest.approx(SMALL.learning_rate / 20)


def test_evaluation_asks_every_example_once(tmp_path: Path) -> None:
    training = Training(replace(SMALL, steps=1), tmp_path)
    given = evaluate(training.model, training.tokenizer, count=6)
    assert scores(given)[-1].total == 6


def test_only_the_exact_answer_that_ends_by_itself_is_right() -> None:
    example = ask("repeat", "Say: a", "a")
    assert Answer(example=example, text="a", stopped=True).is_right
    assert not Answer(example=example, text="a", stopped=False).is_right
    assert not Answer(example=example, text="a ", stopped=True).is_right


def test_a_story_that_says_a_sentence_twice_is_wrong() -> None:
    example = ask("story", "Tell a story.", "", open_ended=True)
    assert Answer(example=example, text="A fox ran. It slept.", stopped=True).is_right
    assert not Answer(example=example, text="A fox ran. It slept. It slept.", stopped=True).is_right


def test_the_card_has_a_row_for_each_task_and_a_curve(tmp_path: Path) -> None:
    right = Answer(example=ask("repeat", "Say: a", "a"), text="a", stopped=True)
    wrong = Answer(example=ask("sum", "1 + 1 =", "2"), text="3", stopped=True)
    table = score_table([right, wrong], [right])
    assert "| repeat | 1/1 (100%) | 1/1 (100%) |" in table
    assert "| sum | 0/1 (0%) |  |" in table
    loss_picture([(0.1, 7.0), (0.2, 5.0)], tmp_path / "loss.png", smooth=1)
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")
