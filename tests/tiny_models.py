"""Llamas of a few thousand random weights, with tokenizer and chat template, written in a blink without torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

END = "<|end|>"
SPECIAL = ("<|pad|>", "<|system|>", "<|user|>", "<|assistant|>", END)
CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
TEXTS = (
    "the quick brown fox jumps over the lazy dog and the cat sat on the mat",
    "where does the blue whale live and what does it like to eat in the winter",
    "一只猫坐在窗前看着月亮 the number is 12345",
)


def write_tiny_llama(
    folder: Path,
    *,
    layers: int = 2,
    hidden: int = 64,
    heads: int = 4,
    kv_heads: int = 2,
    vocabulary: int = 384,
    context: int = 512,
    rope_theta: float = 10_000.0,
    is_tied: bool = True,
    dtype: str = "float32",
    chat_template: str | None = CHAT_TEMPLATE,
    ends: Sequence[str] = (END,),
    seed: int = 0,
) -> Path:
    """The folder, now a checkpoint for any engine. Its weights are large, so that no two tokens nearly tie."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = tiny_tokenizer(vocabulary)
    vocabulary = tokenizer.get_vocab_size()  # the few texts may not give as many merges
    tokenizer.save(str(folder / "tokenizer.json"))
    settings: dict[str, object] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": END,
        "pad_token": SPECIAL[0],
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    if chat_template is not None:
        (folder / "chat_template.jinja").write_text(chat_template, encoding="utf-8")
    size, feed = hidden // heads, hidden * 2
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": vocabulary,
        "hidden_size": hidden,
        "intermediate_size": feed,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "head_dim": size,
        "max_position_embeddings": context,
        "rope_parameters": {"rope_theta": rope_theta, "rope_type": "default"},
        "rms_norm_eps": 1e-6,
        "hidden_act": "silu",
        "tie_word_embeddings": is_tied,
        "eos_token_id": [tokenizer.token_to_id(end) for end in ends],
        "dtype": dtype,
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (vocabulary, hidden),
        "model.norm.weight": (hidden,),
    }
    if not is_tied:
        shapes["lm_head.weight"] = (vocabulary, hidden)
    for layer in range(layers):
        prefix = f"model.layers.{layer}."
        shapes |= {
            prefix + "input_layernorm.weight": (hidden,),
            prefix + "post_attention_layernorm.weight": (hidden,),
            prefix + "self_attn.q_proj.weight": (heads * size, hidden),
            prefix + "self_attn.k_proj.weight": (kv_heads * size, hidden),
            prefix + "self_attn.v_proj.weight": (kv_heads * size, hidden),
            prefix + "self_attn.o_proj.weight": (hidden, heads * size),
            prefix + "mlp.gate_proj.weight": (feed, hidden),
            prefix + "mlp.up_proj.weight": (feed, hidden),
            prefix + "mlp.down_proj.weight": (hidden, feed),
        }
    random = np.random.default_rng(seed)
    write_safetensors(
        folder / "model.safetensors",
        {
            name: random.normal(1.0 if len(shape) == 1 else 0.0, 0.15, shape).astype(np.float32)
            for name, shape in shapes.items()
        },
        dtype=dtype,
    )
    return folder


def write_safetensors(path: Path, tensors: dict[str, npt.NDArray[np.float32]], *, dtype: str = "float32") -> None:
    """A safetensors file; bfloat16 keeps the upper half of each float32."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    body = b""
    for name, tensor in tensors.items():
        data = (tensor if dtype == "float32" else (tensor.view("<u4") >> 16).astype("<u2")).tobytes()
        kind = "F32" if dtype == "float32" else "BF16"
        header[name] = {"dtype": kind, "shape": tensor.shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)


def tiny_tokenizer(vocabulary: int = 384) -> Tokenizer:
    """A byte-level tokenizer of at most that size, with a few merges and the special tokens of the chat template."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer
