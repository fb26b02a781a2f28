"""Trains byzer-tiny: `python -m byzer_nb.train.tiny --minutes 50 --out FOLDER [--resume]`."""

from __future__ import annotations

import argparse
import json
import logging
import shutil
from dataclasses import replace
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

from byzer_nb.errors import BadInputError
from byzer_nb.train.tiny.card import loss_picture, mistakes, score_table
from byzer_nb.train.tiny.evaluation import evaluate
from byzer_nb.train.tiny.recipe import MODEL, CheckpointSaved, TinySpec, Training

log = logging.getLogger("byzer_nb.train.tiny")


def main() -> None:
    """Train as the command line says, and measure the result if it asks for that."""
    parser = argparse.ArgumentParser(prog="python -m byzer_nb.train.tiny", description="Train byzer-tiny from nothing.")
    parser.add_argument(
        "--minutes", type=float, default=50.0, help="How long to train; the learning rate falls over this time."
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="Folder for the checkpoint and the state of the training."
    )
    weights = parser.add_mutually_exclusive_group()
    weights.add_argument("--resume", action="store_true", help="Go on from the last checkpoint in that folder.")
    weights.add_argument(
        "--start", type=Path, metavar="FOLDER", help="Begin with the weights of a checkpoint instead of random ones."
    )
    parser.add_argument("--learning-rate", type=float, default=2e-3, help="The highest one of the run.")
    parser.add_argument("--seed", type=int, default=1, help="Another number, another corpus.")
    parser.add_argument(
        "--evaluate", type=int, default=0, metavar="COUNT", help="Ask that many questions in each column at the end."
    )
    parser.add_argument(
        "--questions", default="evaluation", metavar="SEED", help="Another word, other questions at the end."
    )
    parser.add_argument("--eager", action="store_true", help="Do not compile the model, also where it could be.")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    compiled = not args.eager and (torch.cuda.is_available() or shutil.which("g++") is not None)
    spec = TinySpec(minutes=args.minutes, learning_rate=args.learning_rate, seed=args.seed, compiled=compiled)
    if args.start:  # they can copy already, and lose nothing by long rows
        spec = replace(spec, short_steps=0)
    try:
        training = Training(spec, args.out, resume=args.resume, start=args.start)
    except BadInputError as refused:
        parser.exit(2, f"{refused}\n{refused.hint}\n")
    try:
        train(training)
    except KeyboardInterrupt:
        parser.exit(130, f"Stopped at step {training.progress.step}. --resume goes on from the last checkpoint.\n")
    if args.evaluate:
        log.info("asking %d questions in wordings of the training, and as many in others", args.evaluate)
        report(training, args.out, count=args.evaluate, seed=args.questions)


def train(training: Training) -> None:
    """Train to the end, with a line for every twentieth step and every checkpoint."""
    for event in training.run():
        if isinstance(event, CheckpointSaved):
            losses = json.dumps(training.progress.losses)
            (training.folder / "losses.json").write_text(losses, encoding="utf-8")
            log.info("step %d: saved in %s", event.step, event.folder)
        elif event.step % 20 == 0:
            log.info(
                "%.1f min, step %d, %.2f M tokens, %.0f tokens/s, loss %.3f, rate %.5f",
                event.minutes, event.step, event.tokens / 1e6, event.tokens_per_s, event.loss, event.learning_rate,
            )  # fmt: skip


def report(training: Training, folder: Path, *, count: int, seed: str) -> None:
    """Ask the saved model, and write the figures of its card: `scores.md`, `mistakes.txt` and `loss.png`."""
    model = AutoModelForCausalLM.from_pretrained(folder / MODEL, dtype=torch.float32).to(training.device)
    seen = evaluate(model, training.tokenizer, count=count, seed=seed)
    unseen = evaluate(model, training.tokenizer, count=count, unseen=True, seed=seed)
    table = score_table(seen, unseen)
    (folder / "scores.md").write_text(table, encoding="utf-8")
    (folder / "mistakes.txt").write_text(f"{mistakes(seen)}\n\n{mistakes(unseen)}", encoding="utf-8")
    loss_picture(training.progress.losses, folder / "loss.png")
    log.info("%s", table)


if __name__ == "__main__":
    main()
