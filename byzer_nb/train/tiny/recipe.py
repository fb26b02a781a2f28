"""How byzer-tiny is trained: a small Llama from nothing, in one loop that yields what happens."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

from byzer_nb.errors import BadInputError
from byzer_nb.train.tiny.batches import batch
from byzer_nb.train.tiny.tokenizer import CONTEXT, END, PAD, save_tokenizer, special_id, train_tokenizer

STATE = "state.pt"  # all that a later run needs to go on; never shipped
MODEL = "model"  # the folder below it, which any engine can load
LONGEST_ANSWER = 640  # tokens, when nobody says otherwise: a long story to its end


@dataclass(frozen=True, kw_only=True, slots=True)
class TinySpec:
    """The size of the model, and how long and how fast it learns."""

    minutes: float = 50.0
    steps: int | None = None  # a count of steps instead of the minutes: the same result on any machine
    layers: int = 6
    width: int = 256
    heads: int = 4
    feed_forward: int = 768
    tokens_per_step: int = 5_120
    window: int = 256
    short_steps: int = 350  # begun with rows of half that length, where copying is found sooner and costs less
    learning_rate: float = 2e-3
    warm_up: int = 100
    weight_decay: float = 0.05
    checkpoint_minutes: float = 4.0
    tokenizer_examples: int = 30_000
    seed: int = 1
    compiled: bool = False  # a third faster, for a minute more at the start; needs a C++ compiler on a CPU


@dataclass(frozen=True, kw_only=True, slots=True)
class StepDone:
    """One step of the optimizer was taken."""

    step: int
    loss: float
    learning_rate: float
    tokens: int
    tokens_per_s: float
    minutes: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckpointSaved:
    """The model and the state of the training are on the disk."""

    step: int
    folder: Path


@dataclass(slots=True)
class Progress:
    """Where a training stands."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    losses: list[tuple[float, float]] = field(default_factory=list)  # (million tokens, loss)


class Training:
    """A model, its optimizers and its tokenizer, saved to and picked up from a folder."""

    def __init__(self, spec: TinySpec, folder: Path, *, resume: bool = False, start: Path | None = None) -> None:
        """A new training, from random weights or from those of the checkpoint at `start`; or the one in the folder."""
        if (folder / STATE).exists() is not resume:
            raise BadInputError(
                f"There is no training in {str(folder)!r} to go on with."
                if resume
                else f"There is a training in {str(folder)!r} already, and a new one would overwrite it.",
                hint="Start it without --resume." if resume else "Go on with --resume, or name another folder.",
            )
        torch.manual_seed(spec.seed)
        self.spec = spec
        self.folder = folder
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.progress = Progress()
        (folder / MODEL).mkdir(parents=True, exist_ok=True)
        if resume or start:
            self.tokenizer = Tokenizer.from_file(str((start or folder / MODEL) / "tokenizer.json"))
        else:
            self.tokenizer = train_tokenizer(seed=f"tokenizer {spec.seed}", count=spec.tokenizer_examples)
        self.model = new_model(spec, self.tokenizer).to(self.device)
        if start:
            weights = LlamaForCausalLM.from_pretrained(start, dtype=torch.float32).state_dict()
            self.model.load_state_dict(weights)
        self._forward = torch.compile(self.model, dynamic=False) if spec.compiled else self.model
        self.optimizers = optimizers_of(self.model, spec)
        if resume:
            self._restore()

    def run(self) -> Iterator[StepDone | CheckpointSaved]:
        """Train to the end of the budget; stop taking events at any time, resume from the last checkpoint."""
        saved_at = self.progress.seconds
        while self.share_done() < 1:
            started = time.monotonic()
            loss, rate = self._step()
            took = time.monotonic() - started
            progress = self.progress
            progress.seconds += took
            progress.losses.append((progress.tokens / 1e6, loss))
            yield StepDone(
                step=progress.step,
                loss=loss,
                learning_rate=rate,
                tokens=progress.tokens,
                tokens_per_s=self.spec.tokens_per_step / took,
                minutes=progress.seconds / 60,
            )
            if progress.seconds - saved_at > 60 * self.spec.checkpoint_minutes:
                saved_at = progress.seconds
                yield self.save()
        yield self.save()

    def share_done(self) -> float:
        """How much of the budget is used, from 0 to 1."""
        if self.spec.steps is not None:
            return min(1.0, self.progress.step / self.spec.steps)
        return min(1.0, self.progress.seconds / 60 / self.spec.minutes)

    def save(self) -> CheckpointSaved:
        """Write the model as any engine reads it, and beside it the state of the training."""
        export(self.model, self.tokenizer, self.folder / MODEL)
        state = {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "progress": {name: getattr(self.progress, name) for name in Progress.__slots__},
        }
        part = self.folder / f"{STATE}.part"
        torch.save(state, part)
        part.replace(self.folder / STATE)  # a run that is killed here leaves the older state whole
        return CheckpointSaved(step=self.progress.step, folder=self.folder / MODEL)

    def _step(self) -> tuple[float, float]:
        spec, progress = self.spec, self.progress
        rate = learning_rate(spec, progress.step, self.share_done())
        # The batch depends on the seed and the step alone, so a resumed run sees what an unbroken one would have seen.
        window = window_of(spec, progress.step)
        made = batch(
            self.tokenizer, seed=f"{spec.seed} {progress.step}", rows=spec.tokens_per_step // window, window=window
        )
        inputs, targets, weights = (part.to(self.device) for part in made)
        with torch.autocast(self.device.type, torch.bfloat16):
            logits = self._forward(inputs).logits  # (rows, window, vocab)
        losses = torch.nn.functional.cross_entropy(
            logits.float().flatten(0, 1), targets.flatten(), reduction="none"
        )  # (rows * window)
        loss = (losses * weights.flatten()).sum() / weights.sum()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            optimizer.zero_grad()
        progress.step += 1
        progress.tokens += spec.tokens_per_step
        return loss.item(), rate

    def _restore(self) -> None:
        state: dict[str, Any] = torch.load(
            self.folder / STATE, weights_only=True, map_location=self.device
        )  # Any: what torch stored
        self.model.load_state_dict(state["model"])
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        self.progress = Progress(**state["progress"])


def new_model(spec: TinySpec, tokenizer: Tokenizer) -> LlamaForCausalLM:
    """An untrained Llama of that size."""
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=spec.width,
        intermediate_size=spec.feed_forward,
        num_hidden_layers=spec.layers,
        num_attention_heads=spec.heads,
        num_key_value_heads=spec.heads,
        head_dim=spec.width // spec.heads,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=special_id(tokenizer, END),
        pad_token_id=special_id(tokenizer, PAD),
        use_cache=False,
    )
    return LlamaForCausalLM(config)


def optimizers_of(model: LlamaForCausalLM, spec: TinySpec) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the layers, which learns to copy from fewer tokens; AdamW for the rest."""
    matrices = [weight for weight in model.model.layers.parameters() if weight.ndim == 2]
    inside = {id(weight) for weight in matrices}
    others = [weight for weight in model.parameters() if id(weight) not in inside]
    return [
        torch.optim.Muon(
            matrices,
            lr=spec.learning_rate,
            weight_decay=spec.weight_decay,
            momentum=0.95,
            adjust_lr_fn="match_rms_adamw",
        ),
        torch.optim.AdamW(others, lr=spec.learning_rate, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def learning_rate(spec: TinySpec, step: int, share: float) -> float:
    """A short warm-up, then half a cosine down to a hundredth."""
    cosine = 0.5 * (1 + math.cos(math.pi * share))
    return spec.learning_rate * min(1.0, (step + 1) / spec.warm_up) * (0.99 * cosine + 0.01)


def window_of(spec: TinySpec, step: int) -> int:
    """The length of the rows of that step: short ones first, later now and then those of a long talk."""
    if step < spec.short_steps:
        return spec.window // 2
    if step % 16 == 15:
        return spec.window * 4
    return spec.window * 2 if step % 2 else spec.window


def export(model: LlamaForCausalLM, tokenizer: Tokenizer, folder: Path) -> None:
    """Write config, weights in bfloat16 and the tokenizer, as a folder that any engine loads."""
    end, pad = special_id(tokenizer, END), special_id(tokenizer, PAD)
    weights = {name: value.to("cpu", torch.bfloat16) for name, value in model.state_dict().items()}
    config = LlamaConfig.from_dict(model.config.to_dict() | {"use_cache": True, "dtype": "bfloat16"})
    shipped = LlamaForCausalLM(config).to(torch.bfloat16)
    shipped.load_state_dict(weights)
    shipped.generation_config = GenerationConfig(
        eos_token_id=end, pad_token_id=pad, do_sample=False, max_new_tokens=LONGEST_ANSWER
    )
    shipped.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)  # written for the owner alone, and to be read by all
    save_tokenizer(tokenizer, folder)
