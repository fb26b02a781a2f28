"""Prompts that are too long however they are cut, and long ones that hold nobody up."""

from __future__ import annotations

import asyncio
import json
import random
import time
from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

from byzer_nb.backends.local_engine import LocalEngine
from byzer_nb.backends.numpy_engine import NumpyEngine
from byzer_nb.backends.token_size import bytes_of_a_token
from byzer_nb.errors import PromptTooLongError
from byzer_nb.types import ChatRequest, Message
from tests.backends.speaking import deltas_of, question, speaking_engine
from tests.tiny_models import tiny_tokenizer

LETTERS = [
    *"abc  \n",
    "é",
    "ΐ",
    "ι\u0308\u0301",
    "\u1fbe\u0308\u0301",
    "한",
    "각",
    "你",
    "🦜",
    "<|end|>",
    "hello",
    " the",
]


def byte_level(**changed: Any) -> Tokenizer:
    """A tokenizer as GPT-2 has it, with parts changed."""
    tokenizer = tiny_tokenizer()
    for name, value in changed.items():
        setattr(tokenizer, name, value)
    return tokenizer


def short_nfc() -> Tokenizer:
    """A tokenizer whose longest token is one letter of two bytes, which may be spelt with seven."""
    words = pre_tokenizers.ByteLevel(add_prefix_space=False)
    [(first, second), _] = words.pre_tokenize_str("ΐ")[0]
    tokens = [*sorted(words.alphabet()), first + second]
    rules = models.BPE(vocab={token: number for number, token in enumerate(tokens)}, merges=[(first, second)])
    tokenizer = Tokenizer(rules)
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.NFC(), words
    return tokenizer


def with_bytes(*, missing: int = 0) -> Tokenizer:
    """A tokenizer as Llama 2 has it: words of characters, and bytes for what they lack."""
    tokens = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256 - missing)), *"▁abchelot", "▁a", "he", "hell"]
    merges = [("▁", "a"), ("h", "e"), ("l", "l"), ("he", "ll")]
    tokens.append("ll")
    vocabulary = {token: number for number, token in enumerate(tokens)}
    rules = models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    tokenizer = Tokenizer(rules)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    return tokenizer


def with_spaces_taken() -> Tokenizer:
    """A tokenizer one of whose tokens takes all spaces behind it along."""
    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens([AddedToken("<|gap|>", rstrip=True)])
    return tokenizer


SPLIT_AWAY = pre_tokenizers.Sequence([pre_tokenizers.Split(" ", "removed"), pre_tokenizers.ByteLevel()])
BOUNDED = {
    "byte_level": byte_level(),
    "nfc": byte_level(normalizer=normalizers.NFC()),
    "short_nfc": short_nfc(),
    "with_bytes": with_bytes(),
    "digits": byte_level(pre_tokenizer=pre_tokenizers.Sequence([pre_tokenizers.Digits(), pre_tokenizers.ByteLevel()])),
}
UNBOUNDED = {
    "strips": byte_level(normalizer=normalizers.Strip()),
    "shortens": byte_level(normalizer=normalizers.Replace("hello", "")),
    "splits_away": byte_level(pre_tokenizer=SPLIT_AWAY),
    "spaces_taken": with_spaces_taken(),
    "bytes_missing": with_bytes(missing=1),
    "no_bytes": byte_level(pre_tokenizer=pre_tokenizers.Metaspace()),
    "words": Tokenizer(models.WordLevel({"<unk>": 0}, unk_token="<unk>")),
    "unigram": Tokenizer(models.Unigram([("<unk>", 0.0), ("a", -1.0)], unk_id=0)),
}


@pytest.mark.parametrize("name", BOUNDED)
def test_no_token_stands_for_more_of_a_text_than_is_said(name: str) -> None:
    tokenizer = BOUNDED[name]
    most = bytes_of_a_token(tokenizer.to_str())
    assert most > 0
    dice = random.Random(7)
    texts = ["".join(dice.choices(LETTERS, k=dice.randrange(1, 60))) for _ in range(500)]
    texts += [letter * 50 for letter in LETTERS]
    for text in texts:
        assert len(text.encode()) <= most * len(tokenizer.encode(text, add_special_tokens=False).ids), text


@pytest.mark.parametrize("name", UNBOUNDED)
def test_a_tokenizer_that_may_make_much_of_a_text_to_one_token_tells_no_size(name: str) -> None:
    assert bytes_of_a_token(UNBOUNDED[name].to_str()) == 0


def test_the_size_is_that_of_the_longest_token() -> None:
    tokenizer = tiny_tokenizer()
    longest = max(len(token) for token in tokenizer.get_vocab())
    assert bytes_of_a_token(tokenizer.to_str()) == longest
    tokenizer.add_tokens(["x" * 100])
    assert bytes_of_a_token(tokenizer.to_str()) == 100
    tokenizer.normalizer = normalizers.NFC()
    assert bytes_of_a_token(tokenizer.to_str()) == 400


@pytest.mark.parametrize("is_raw", [False, True])
async def test_a_prompt_that_cannot_fit_is_refused_before_it_is_cut(tiny_llama_dir: Path, is_raw: bool) -> None:
    engine, model = speaking_engine(tiny_llama_dir, "yes")
    text = "hello " * 100_000
    rules = json.loads((tiny_llama_dir / "tokenizer.json").read_text())
    longest = max(map(len, rules["model"]["vocab"]))
    asked = question(text)
    if is_raw:
        asked = ChatRequest(messages=(Message(role="user", content=text),), is_raw=True)
    with pytest.raises(PromptTooLongError, match=r"has at least (\d+) tokens, and .* takes 512 ") as refused:
        await deltas_of(engine, asked)
    least = int(refused.value.message.split("at least ")[1].split()[0])
    assert len(text) // longest <= least <= len(engine.tokenize(text))
    assert model.reads == []
    await engine.close()


async def test_a_prompt_that_may_fit_is_counted(numpy_engine: NumpyEngine) -> None:
    limit = numpy_engine.describe().context_length
    with pytest.raises(PromptTooLongError, match=rf"The prompt has \d+ tokens, and .* takes {limit} "):
        await deltas_of(numpy_engine, question("1 " * limit))


@pytest.mark.parametrize("kind", ["numpy_engine", "transformers_engine"])
async def test_a_long_text_that_is_cut_does_not_hold_up_the_loop(request: pytest.FixtureRequest, kind: str) -> None:
    engine: LocalEngine = request.getfixturevalue(kind)
    text = "hello the cat. " * 70_000
    gaps: list[float] = []

    async def beat() -> None:
        before = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            gaps.append(now - before)
            before = now

    beating = asyncio.create_task(beat())
    await asyncio.sleep(0.05)
    begun = time.perf_counter()
    ids = await asyncio.to_thread(engine.tokenize, text)
    took = time.perf_counter() - begun
    await asyncio.sleep(0.01)
    beating.cancel()
    assert len(ids) > 300_000
    assert max(gaps) < took / 2
