"""Trains byzer-tiny: `python -m byzer_nb.train.tiny --minutes 50 --out FOLDER [--resume]`."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

from byzer_nb.train.tiny.card import loss_picture, score_table
from byzer_nb.train.tiny.evaluation import evaluate
from byzer_nb.train.tiny.recipe import CheckpointSaved, TinySpec, Training

log = logging.getLogger("byzer_nb.train.tiny")


def main() -> None:
    """Train, and write a line every few steps and at every checkpoint."""
    parser = argparse.ArgumentParser(prog="python -m byzer_nb.train.tiny", description="Train byzer-tiny from nothing.")
    parser.add_argument(
        "--minutes", type=float, default=50.0, help="How long to train; the learning rate falls over this time."
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="Folder for the checkpoint and the state of the training."
    )
    parser.add_argument("--resume", action="store_true", help="Go on from the last checkpoint in that folder.")
    parser.add_argument("--seed", type=int, default=1, help="Another number, another corpus.")
    parser.add_argument(
        "--evaluate", type=int, default=0, metavar="COUNT", help="Ask that many questions of each kind at the end."
    )
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    training = Training(TinySpec(minutes=args.minutes, seed=args.seed), args.out, resume=args.resume)
    for event in training.run():
        if isinstance(event, CheckpointSaved):
            (args.out / "losses.json").write_text(json.dumps(training.progress.losses), encoding="utf-8")
            log.info("step %d: saved in %s", event.step, event.folder)
        elif event.step % 20 == 0:
            log.info(
                "%.1f min, step %d, %.2f M tokens, %.0f tokens/s, loss %.3f, rate %.5f",
                event.minutes, event.step, event.tokens / 1e6, event.tokens_per_s, event.loss, event.learning_rate,
            )  # fmt: skip
    if args.evaluate:
        report(training, args.out, args.evaluate)


def report(training: Training, folder: Path, count: int) -> None:
    """Write the figures of the model card: `scores.md` and `loss.png`."""
    seen = evaluate(training.model, training.tokenizer, count=count)
    unseen = evaluate(training.model, training.tokenizer, count=count, unseen=True)
    table = score_table(seen, unseen)
    (folder / "scores.md").write_text(table, encoding="utf-8")
    loss_picture(training.progress.losses, folder / "loss.png")
    log.info("%s", table)


if __name__ == "__main__":
    main()
