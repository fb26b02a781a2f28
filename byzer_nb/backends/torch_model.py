"""A causal language model of transformers as something that reads on, and its tokenizer."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from byzer_nb.backends.sampling import Logits
from byzer_nb.backends.tokenizer import ANY_TEXT, opened, opening_of
from byzer_nb.errors import UnsupportedError


class TorchModel:
    """Loaded weights. Without its cache the whole text is computed again for every token, as some models need."""

    read_at_once = 512

    def __init__(self, weights: Any, *, torch: Any, context_length: int, uses_cache: bool = True) -> None:
        # Any: torch and transformers are optional, so their types are not known when this is checked.
        self.weights = weights
        self.torch = torch
        self.context_length = context_length
        self.uses_cache = uses_cache
        # Logits of a whole prompt over a large vocabulary take gigabytes; only the last ones are wanted.
        takes_it = "logits_to_keep" in inspect.signature(weights.forward).parameters
        self.only_last = {"logits_to_keep": 1} if takes_it else {}

    def start(self) -> TorchReading:
        """A new text."""
        return TorchReading(self)


class TorchReading:
    """One text that the model reads, with the cache in whatever form the model itself makes it."""

    def __init__(self, model: TorchModel) -> None:
        self._model = model
        self._cache: Any = None
        self._ids: list[int] = []

    def read(self, ids: Sequence[int]) -> Logits:
        """Read these tokens too; the logits of what comes next."""
        model = self._model
        if not model.uses_cache:
            self._ids.extend(ids)
            ids = self._ids
        with model.torch.inference_mode():
            seen = model.weights(
                input_ids=model.torch.tensor([list(ids)], device=model.weights.device),
                past_key_values=self._cache,
                use_cache=model.uses_cache,
                **model.only_last,
            )
            self._cache = seen.past_key_values if model.uses_cache else None
            logits: Logits = seen.logits[0, -1].float().cpu().numpy()
        return logits


class AutoTokenizer:
    """A tokenizer of transformers in the form that the loop wants."""

    def __init__(self, tokenizer: Any) -> None:  # Any: see above
        self._tokenizer = tokenizer

    def encode(self, text: str) -> list[int]:
        # verbose: a text longer than the context gets our own error, not a log line
        return list(self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    def encode_whole(self, text: str) -> list[int]:
        return opened(self.encode(text), self._opening)

    @cached_property
    def _opening(self) -> list[int]:
        marked = self._tokenizer(ANY_TEXT, add_special_tokens=True)["input_ids"]
        return opening_of(self.encode(ANY_TEXT), list(marked))

    def decode(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def write_out(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))

    @cached_property
    def size(self) -> int:
        return int(max(self._tokenizer.get_vocab().values())) + 1

    def rules(self) -> str:
        rules = getattr(self._tokenizer, "backend_tokenizer", None)
        if rules is None:
            raise UnsupportedError(
                "Answers can be held to a schema only with a fast tokenizer, and this model has none.",
                hint="Ask without a schema and check the answer afterwards.",
            )
        return str(rules.to_str())
