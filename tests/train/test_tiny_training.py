"""The training of byzer-tiny: it learns, it can be stopped and picked up, and what it writes can be loaded."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from byzer_nb.errors import BadInputError
from byzer_nb.train.tiny.batches import batch
from byzer_nb.train.tiny.card import loss_picture, mistakes, score_table
from byzer_nb.train.tiny.evaluation import Answer, evaluate, scores, tools_called
from byzer_nb.train.tiny.example import Example, ask
from byzer_nb.train.tiny.recipe import MODEL, CheckpointSaved, StepDone, TinySpec, Training, learning_rate, window_of
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


def test_a_minute_of_training_brings_the_loss_down(tmp_path: Path) -> None:
    spec = TinySpec(steps=130, layers=3, width=128, heads=2, feed_forward=384, tokens_per_step=4_096, warm_up=20,
                    learning_rate=4e-3, tokenizer_examples=2_000)  # fmt: skip
    seen = losses(Training(spec, tmp_path))
    assert seen[0] > 6.0
    assert sum(seen[-10:]) / 10 < 2.9


def test_a_resumed_training_goes_on_where_it_stopped(tmp_path: Path) -> None:
    spec = replace(SMALL, steps=8)
    unbroken = losses(Training(spec, tmp_path / "unbroken"))
    first = Training(spec, tmp_path / "broken")
    begun = losses(first, upto=4)
    first.save()
    resumed = Training(spec, tmp_path / "broken", resume=True)
    assert resumed.progress.step == 4
    assert begun + losses(resumed) == pytest.approx(unbroken, abs=1e-2)


def test_a_training_may_begin_with_the_weights_of_another(tmp_path: Path) -> None:
    spec = replace(SMALL, steps=30)
    seen = losses(Training(spec, tmp_path / "first"))
    again = losses(Training(replace(spec, seed=2, steps=2), tmp_path / "second", start=tmp_path / "first" / MODEL))
    assert again[0] < (seen[0] + seen[-1]) / 2


def test_nothing_is_overwritten_and_nothing_is_resumed_from_nowhere(tmp_path: Path) -> None:
    spec = replace(SMALL, steps=1)
    with pytest.raises(BadInputError, match=r"no training in .* to go on with"):
        Training(spec, tmp_path, resume=True)
    losses(Training(spec, tmp_path))
    with pytest.raises(BadInputError, match="a new one would overwrite it"):
        Training(spec, tmp_path)


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
    inputs, targets, weights = batch(tokenizer, seed="one", rows=4, window=256)
    assert inputs.shape == targets.shape == weights.shape == (4, 256)
    assert torch.equal(inputs, batch(tokenizer, seed="one", rows=4, window=256).inputs)
    assert not torch.equal(inputs, batch(tokenizer, seed="two", rows=4, window=256).inputs)


def test_targets_are_the_next_tokens() -> None:
    inputs, targets, _ = batch(train_tokenizer(count=200), seed="one", rows=2, window=256)
    assert torch.equal(inputs[:, 1:], targets[:, :-1])


def test_answers_count_by_the_square_root_of_their_length_and_most_prompts_not_at_all() -> None:
    tokenizer = train_tokenizer(count=200)
    _, targets, weights = batch(tokenizer, seed="one", rows=8, window=256)
    assert 0.3 < (weights == 0).float().mean() < 0.8
    end, pad = (tokenizer.token_to_id(token) for token in ("<|end|>", "<|pad|>"))
    assert weights[targets == pad].sum() == 0
    of_answer = weights[(targets == end) & (weights > 0.25)]
    assert of_answer.min() < 0.8 < 1.5 < of_answer.max()  # a long answer and a short one


def test_rows_are_short_at_first_and_long_now_and_then() -> None:
    spec = replace(SMALL, short_steps=10)
    assert {window_of(spec, step) for step in range(10)} == {128}
    assert {window_of(spec, step) for step in range(10, 42)} == {256, 512, 1024}


def test_learning_rate_warms_up_and_falls_to_a_hundredth() -> None:
    assert learning_rate(SMALL, 0, 0.0) < learning_rate(SMALL, 4, 0.0) == SMALL.learning_rate
    assert learning_rate(SMALL, 39, 1.0) == pytest.approx(SMALL.learning_rate / 100)


def test_evaluation_asks_every_example_once(tmp_path: Path) -> None:
    training = Training(replace(SMALL, steps=1), tmp_path)
    given = evaluate(training.model, training.tokenizer, count=6)
    assert scores(given)[-1].total == 6


def said(example: Example, text: str, *, stopped: bool = True) -> Answer:
    """An answer that somebody gave."""
    return Answer(example=example, text=text, tokens=len(text.split()), stopped=stopped)


def test_only_the_exact_answer_that_ends_by_itself_is_right() -> None:
    example = ask("repeat", "Say: a", "a")
    assert said(example, "a").is_right
    assert not said(example, "a", stopped=False).is_right
    assert not said(example, "a ").is_right


def test_a_story_that_says_a_sentence_twice_is_wrong() -> None:
    example = ask("story", "Tell a story.", "", open_ended=True)
    assert said(example, "A fox ran. It slept.").is_right
    assert not said(example, "A fox ran. It slept. It slept.").is_right


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('{"name": "add", "arguments": {"a": 1}}', ["add"]),
        ('{"tool_calls": [{"function": {"name": "add"}}, {"function": {"name": "now"}}]}', ["add", "now"]),
        ("Hello!", None),
        ('{"tool_calls": 3}', None),
        ("[1]", None),
    ],
)
def test_a_call_is_known_by_the_names_of_its_tools(text: str, names: list[str] | None) -> None:
    assert tools_called(text) == names


def test_a_right_tool_with_wrong_arguments_is_half_a_success() -> None:
    example = ask("tool", "Add 1 and 2.", '{"name": "add", "arguments": {"a": 1, "b": 2}}')
    by_task = {score.task: score.right for score in scores([said(example, example.answer.replace("2", "3"))])}
    assert (by_task["tool"], by_task["tool, the right one chosen"]) == (0, 1)


def test_the_card_has_a_row_for_each_task_and_a_curve(tmp_path: Path) -> None:
    right, wrong = said(ask("repeat", "Say: a", "a"), "a"), said(ask("sum", "1 + 1 =", "2"), "3")
    table = score_table([right, wrong], [right])
    assert "| repeat | 1/1 (100.0%) | 1/1 (100.0%) |" in table
    assert "| sum | 0/1 (0.0%) |  |" in table
    assert "said:   3" in mistakes([right, wrong])
    assert "Say: a" not in mistakes([right, wrong])
    loss_picture([(0.1, 7.0), (0.2, 5.0)], tmp_path / "loss.png", smooth=1)
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")
