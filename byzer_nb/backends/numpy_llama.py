"""The forward pass of a Llama in numpy: everything that happens between token ids and logits, on one page.

Shapes: n tokens are read now, t are known with them; h heads of queries, k of keys and values, d numbers in a head.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from byzer_nb.backends.blas_threads import one_blas_thread
from byzer_nb.backends.checkpoint import Tensor
from byzer_nb.backends.sampling import Logits
from byzer_nb.errors import BadInputError, UnsupportedError

_OTHER_ENGINE = "Deploy it with the 'transformers' engine."
_FIRST_ROOM = 256  # tokens that the memory of a new text holds before it grows


@dataclass(frozen=True, kw_only=True, slots=True)
class LlamaShape:
    """The numbers of a config.json that the arithmetic needs."""

    layers: int
    heads: int
    kv_heads: int
    head_size: int
    context_length: int
    rope_theta: float
    norm_epsilon: float
    has_tied_head: bool

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> LlamaShape:  # Any: JSON values
        """The shape of a Llama; a variant that would need other arithmetic is refused."""
        if config.get("model_type") != "llama":
            raise UnsupportedError(
                f"The numpy engine runs Llama models, and this one is a {config.get('model_type')!r}.",
                hint=_OTHER_ENGINE,
            )
        rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
        kind = rope.get("rope_type", rope.get("type", "default"))
        if kind != "default":
            raise UnsupportedError(
                f"The numpy engine has no rotary positions of the type {kind!r}.", hint=_OTHER_ENGINE
            )
        if (activation := config.get("hidden_act", "silu")) != "silu":
            raise UnsupportedError(f"The numpy engine has no activation {activation!r}.", hint=_OTHER_ENGINE)
        needed = ("num_attention_heads", "num_hidden_layers", "hidden_size", "max_position_embeddings")
        if missing := [name for name in needed if name not in config]:
            raise BadInputError(f"The config.json of this Llama lacks {missing[0]!r}.", hint="Is the checkpoint whole?")
        heads = int(config["num_attention_heads"])
        return cls(
            layers=int(config["num_hidden_layers"]),
            heads=heads,
            kv_heads=int(config.get("num_key_value_heads") or heads),
            head_size=int(config.get("head_dim") or config["hidden_size"] // heads),
            context_length=int(config["max_position_embeddings"]),
            rope_theta=float(rope.get("rope_theta") or config.get("rope_theta") or 10_000),
            norm_epsilon=float(config.get("rms_norm_eps", 1e-6)),
            has_tied_head=bool(config.get("tie_word_embeddings")),
        )


class NumpyLlama:
    """A Llama ready to read. Matrices that meet the same vector are joined: a call costs more than its sums."""

    read_at_once = 64

    def __init__(self, config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
        self.shape = shape = LlamaShape.from_config(config)
        self.context_length = shape.context_length
        weights = _Weights(tensors)
        self.embedding = weights.take("model.embed_tokens.weight")  # (vocabulary, hidden)
        self.layers = [_Layer.take(weights, f"model.layers.{number}") for number in range(shape.layers)]
        self.last_norm = weights.take("model.norm.weight")
        self.head = self.embedding if shape.has_tied_head else weights.take("lm_head.weight")
        weights.check_nothing_is_left()
        # (d / 2,): the first numbers of a head turn fast with the position, the last ones slowly.
        steps = np.arange(0, shape.head_size, 2, dtype=np.float32) / np.float32(shape.head_size)
        self.turns: Tensor = np.float32(1) / np.float32(shape.rope_theta) ** steps

    def start(self) -> NumpyReading:
        """A new text."""
        return NumpyReading(self)


class NumpyReading:
    """One text that the model reads, with the keys and values of all its tokens so far."""

    def __init__(self, model: NumpyLlama) -> None:
        self._model = model
        self._length = 0
        self._room = 0
        self._keys: Tensor = _room(model.shape, 0)
        self._values: Tensor = _room(model.shape, 0)

    def read(self, ids: Sequence[int]) -> Logits:
        """Read these tokens too; the logits of what comes next."""
        with one_blas_thread():
            return self._read(ids)

    def _read(self, ids: Sequence[int]) -> Logits:
        model, n = self._model, len(ids)
        start, self._length = self._length, self._length + n
        if self._length > self._room:
            self._grow(max(self._length, 2 * self._room, _FIRST_ROOM), known=start)
        angles = np.arange(start, self._length, dtype=np.float32)[:, None, None] * model.turns  # (n, 1, d / 2)
        cos, sin = np.cos(angles), np.sin(angles)
        # A token sees itself and what came before it; a single one is the newest and sees everything.
        hidden_from = None if n == 1 else np.triu(np.full((n, self._length), -np.inf, dtype=np.float32), start + 1)
        epsilon = model.shape.norm_epsilon
        x = model.embedding[np.asarray(ids)]  # (n, hidden)
        for layer, keys, values in zip(model.layers, self._keys, self._values, strict=True):
            x = x + self._attention(
                _normed(x, layer.attention_norm, epsilon), layer, keys, values, cos, sin, hidden_from
            )
            gate_and_up = _normed(x, layer.feed_norm, epsilon) @ layer.gate_and_up.T
            feed = gate_and_up.shape[1] // 2
            x = x + (_silu(gate_and_up[:, :feed]) * gate_and_up[:, feed:]) @ layer.down.T
        logits: Logits = _normed(x[-1:], model.last_norm, epsilon)[0] @ model.head.T
        return logits

    def _attention(
        self,
        x: Tensor,
        layer: _Layer,
        keys: Tensor,
        values: Tensor,
        cos: Tensor,
        sin: Tensor,
        hidden_from: Tensor | None,
    ) -> Tensor:
        shape, n, t = self._model.shape, len(x), self._length
        h, k, d = shape.heads, shape.kv_heads, shape.head_size
        joined = (x @ layer.query_key_value.T).reshape(n, h + 2 * k, d)
        turned = _turned(joined[:, : h + k], cos, sin)
        keys[:, t - n : t] = turned[:, h:].transpose(1, 0, 2)
        values[:, t - n : t] = joined[:, h + k :].transpose(1, 0, 2)
        # Query heads that share a head of keys stand together: (k, h / k * n, d).
        queries = turned[:, :h].reshape(n, k, h // k, d).transpose(1, 2, 0, 3).reshape(k, -1, d)
        scores = queries @ keys[:, :t].transpose(0, 2, 1)  # (k, h / k * n, t)
        scores *= np.float32(d**-0.5)
        if hidden_from is not None:
            scores = (scores.reshape(k, h // k, n, t) + hidden_from).reshape(k, -1, t)
        mixed: Tensor = _softmax(scores) @ values[:, :t]  # (k, h / k * n, d)
        mixed = mixed.reshape(k, h // k, n, d).transpose(2, 0, 1, 3).reshape(n, h * d)
        result: Tensor = mixed @ layer.output.T
        return result

    def _grow(self, room: int, *, known: int) -> None:
        keys, values = _room(self._model.shape, room), _room(self._model.shape, room)
        keys[:, :, :known], values[:, :, :known] = self._keys[:, :, :known], self._values[:, :, :known]
        self._keys, self._values, self._room = keys, values, room


@dataclass(frozen=True, kw_only=True, slots=True)
class _Layer:
    attention_norm: Tensor  # (hidden,)
    query_key_value: Tensor  # ((h + 2 k) d, hidden)
    output: Tensor  # (hidden, h d)
    feed_norm: Tensor  # (hidden,)
    gate_and_up: Tensor  # (2 feed, hidden)
    down: Tensor  # (hidden, feed)

    @classmethod
    def take(cls, weights: _Weights, prefix: str) -> _Layer:
        attention, feed = f"{prefix}.self_attn", f"{prefix}.mlp"
        return cls(
            attention_norm=weights.take(f"{prefix}.input_layernorm.weight"),
            query_key_value=np.concatenate([weights.take(f"{attention}.{name}_proj.weight") for name in "qkv"]),
            output=weights.take(f"{attention}.o_proj.weight"),
            feed_norm=weights.take(f"{prefix}.post_attention_layernorm.weight"),
            gate_and_up=np.concatenate([weights.take(f"{feed}.{name}_proj.weight") for name in ("gate", "up")]),
            down=weights.take(f"{feed}.down_proj.weight"),
        )


class _Weights:
    """The tensors by name, each taken once; one that is missing or left over means that this is not quite a Llama."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = dict(tensors)

    def take(self, name: str) -> Tensor:
        try:
            return self._tensors.pop(name)
        except KeyError:
            raise BadInputError(f"The weights lack the tensor {name!r}.", hint="Is the checkpoint whole?") from None

    def check_nothing_is_left(self) -> None:
        # A tied head is sometimes stored a second time, and old files hold the rotary table.
        left = [name for name in self._tensors if name != "lm_head.weight" and not name.endswith("rotary_emb.inv_freq")]
        if left:
            raise UnsupportedError(
                f"The numpy engine does not know {len(left)} of the tensors, such as {left[0]!r}.", hint=_OTHER_ENGINE
            )


def _room(shape: LlamaShape, tokens: int) -> Tensor:
    return np.empty((shape.layers, shape.kv_heads, tokens, shape.head_size), dtype=np.float32)


def _normed(x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    squares: Tensor = np.add.reduce(x * x, axis=-1, keepdims=True)
    root: Tensor = np.sqrt(squares / np.float32(x.shape[-1]) + np.float32(epsilon))
    return x / root * weight


def _turned(heads: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Each number of a head's first half turned together with its partner in the second half."""
    half = heads.shape[-1] // 2
    first, second = heads[..., :half], heads[..., half:]
    result = np.empty_like(heads)
    result[..., :half] = first * cos - second * sin
    result[..., half:] = second * cos + first * sin
    return result


def _silu(x: Tensor) -> Tensor:
    # The tanh form of the sigmoid: exp(-x) would overflow for large negative x.
    result: Tensor = x * np.float32(0.5) * (np.tanh(x * np.float32(0.5)) + np.float32(1))
    return result


def _softmax(scores: Tensor) -> Tensor:
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares /= np.add.reduce(shares, axis=-1, keepdims=True)
    result: Tensor = shares
    return result
