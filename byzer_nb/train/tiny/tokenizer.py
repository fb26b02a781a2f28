"""The tokenizer of byzer-tiny: bytes and a few hundred merges, with digits and Chinese characters one by one.

A small vocabulary cuts an invented word into the same pieces wherever it stands, which is what makes copying learnable.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from byzer_nb.train.tiny.corpus import examples

VOCABULARY = 1024
SPECIAL = ("<|pad|>", "<|system|>", "<|user|>", "<|assistant|>", "<|tool|>", "<|end|>")
PAD, SYSTEM, USER, ASSISTANT, TOOL, END = SPECIAL
CONTEXT = 1024  # the longest prompt and answer together, in tokens
# GPT-2's own rule comes first: llama.cpp knows it by name, and the finer cuts below only keep merges from forming.
WORDS_AND_SPACES = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CHINESE_CHARACTER = "[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]"

CHAT_TEMPLATE = """\
{%- if tools %}<|system|>Tools: {{ tools | tojson }}<|end|>{% endif -%}
{%- for message in messages -%}
<|{{ message['role'] }}|>
{%- if message['tool_calls'] -%}
{%- for call in message['tool_calls'] -%}
{%- if not loop.first %}{{ '\\n' }}{% endif -%}
{"name": {{ call['function']['name'] | tojson }}, "arguments": {% if call['function']['arguments'] is string -%}
{{ call['function']['arguments'] }}{% else %}{{ call['function']['arguments'] | tojson }}{% endif %}}
{%- endfor -%}
{%- else %}{{ message['content'] }}{% endif -%}
<|end|>
{%- endfor -%}
{%- if add_generation_prompt %}<|assistant|>{% endif -%}
"""


def train_tokenizer(*, seed: str = "tokenizer", count: int = 30_000) -> Tokenizer:
    """A byte-level BPE tokenizer learnt from that many examples of the corpus."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS_AND_SPACES), "isolated"),
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.Split(Regex(CHINESE_CHARACTER), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(seed, count), trainer)
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Write the files by which any engine finds the tokenizer and its chat template."""
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": CONTEXT,
        "pad_token": PAD,
        "eos_token": END,
        "additional_special_tokens": [SYSTEM, USER, ASSISTANT, TOOL],
        "clean_up_tokenization_spaces": False,
        "add_prefix_space": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")


def special_id(tokenizer: Tokenizer, token: str) -> int:
    """The number of one of the special tokens, which every tokenizer of ours has."""
    number = tokenizer.token_to_id(token)
    assert number is not None
    return int(number)


def _texts(seed: str, count: int) -> Iterator[str]:
    """What is said in the examples, without the special tokens, which no merge may cross."""
    for example in islice(examples(seed), count):
        yield from (turn.text for turn in example.turns)
        if example.tools:
            yield json.dumps(list(example.tools), ensure_ascii=False)
        yield example.begun + example.answer
