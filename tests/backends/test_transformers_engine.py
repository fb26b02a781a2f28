"""Any chat model on torch."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from byzer_nb.backends.transformers_engine import TransformersEngine
from byzer_nb.engines import build
from byzer_nb.errors import BadInputError, MissingExtraError
from byzer_nb.types import DeploySpec
from tests.backends.speaking import deltas_of, question, text_of


def spec(folder: Path, **settings: Any) -> DeploySpec:
    return DeploySpec(name="m", engine="transformers", model_path=str(folder), settings=settings)


@pytest.mark.contract("LOCAL-02")
async def test_greedy_text_is_what_generate_gives(
    transformers_engine: TransformersEngine, tiny_llama_dir: Path
) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_llama_dir)
    model = AutoModelForCausalLM.from_pretrained(tiny_llama_dir, dtype="float32")
    text = transformers_engine.apply_template(question("where is the cat?").messages)
    ids = tokenizer(text, add_special_tokens=False, return_tensors="pt").input_ids
    with torch.inference_mode():
        made = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=80,
            do_sample=False,
            eos_token_id=None,
            pad_token_id=0,
        )
    expected = tokenizer.decode(made[0, ids.shape[1] :], skip_special_tokens=True)
    said = await text_of(transformers_engine, question("where is the cat?", max_tokens=80, extra={"ignore_eos": True}))
    assert said == expected.rstrip("\ufffd")


@pytest.mark.contract("LOCAL-02")
def test_the_card_has_the_facts_of_the_configuration(transformers_engine: TransformersEngine) -> None:
    card = transformers_engine.describe()
    assert (card.engine, card.is_local, card.context_length) == ("transformers", True, 512)
    assert card.architectures == ("LlamaForCausalLM",)
    assert card.capabilities.stream


@pytest.mark.contract("LOCAL-02")
async def test_a_prompt_at_the_limit_is_refused_with_both_numbers(transformers_engine: TransformersEngine) -> None:
    with pytest.raises(BadInputError, match=r"\d+ tokens.* 512 for prompt and answer together"):
        await text_of(transformers_engine, question("1" * 600))
    with pytest.raises(BadInputError, match=r"\d+ tokens.* 5 for prompt and answer together"):
        await text_of(transformers_engine, question("1" * 60, extra={"max_length": 5}))


@pytest.mark.contract("LOCAL-02")
@pytest.mark.parametrize("dtype", ["bfloat16", "torch.bfloat16"])
async def test_the_weights_can_be_kept_in_bfloat16(tiny_llama_dir: Path, dtype: str) -> None:
    engine = TransformersEngine.from_spec(spec(tiny_llama_dir, torch_dtype=dtype, device="cpu"))
    last = (await deltas_of(engine, question(max_tokens=5, extra={"ignore_eos": True})))[-1]
    assert last.usage is not None
    assert last.usage.output_tokens == 5
    await engine.close()


async def test_without_a_cache_the_text_is_the_same(
    transformers_engine: TransformersEngine, tiny_llama_dir: Path
) -> None:
    engine = TransformersEngine.from_spec(spec(tiny_llama_dir, use_cache="false"))
    request = question("hello", max_tokens=30)
    assert await text_of(engine, request) == await text_of(transformers_engine, request)
    await engine.close()


def test_a_dtype_that_does_not_exist_is_answered_with_those_that_do(tiny_llama_dir: Path) -> None:
    with pytest.raises(BadInputError, match="'float12'") as refused:
        build(spec(tiny_llama_dir, dtype="float12"))
    assert "bfloat16" in refused.value.hint


def test_a_flag_that_is_neither_true_nor_false_is_refused(tiny_llama_dir: Path) -> None:
    with pytest.raises(BadInputError, match="trust_remote_code must be true or false, not 'perhaps'"):
        build(spec(tiny_llama_dir, trust_remote_code="perhaps"))


def test_unknown_settings_are_named(tiny_llama_dir: Path) -> None:
    with pytest.warns(UserWarning, match="does not know devise. Did you mean 'device'"):
        build(spec(tiny_llama_dir, devise="cpu"))


@pytest.mark.contract("LOCAL-02")
def test_code_that_comes_with_a_model_does_not_run_unasked(model_folder: Callable[..., Path]) -> None:
    folder = model_folder()
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(
        config.replace(
            '"model_type": "llama"',
            '"model_type": "own", "auto_map": {"AutoConfig": "code.Config", "AutoModelForCausalLM": "code.Model"}',
        )
    )
    (folder / "code.py").write_text("raise SystemExit('this code ran')")
    with pytest.raises(BadInputError, match="cannot load") as refused:
        build(spec(folder))
    assert "trust_remote_code" in refused.value.hint


def test_a_folder_without_weights_is_refused_by_its_path(model_folder: Callable[..., Path]) -> None:
    folder = model_folder()
    (folder / "model.safetensors").unlink()
    with pytest.raises(BadInputError, match=str(folder)):
        build(spec(folder))


@pytest.mark.contract("LOCAL-02")
@pytest.mark.parametrize("package", ["torch", "transformers"])
def test_a_missing_package_is_answered_with_the_line_that_installs_it(
    tiny_llama_dir: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=f"needs '{package}'") as missing:
        build(spec(tiny_llama_dir))
    assert 'pip install "byzer_nb[transformers]"' in missing.value.hint


async def test_a_model_without_a_chat_template_still_answers(model_folder: Callable[..., Path]) -> None:
    with pytest.warns(UserWarning, match="has no chat template"):
        engine = TransformersEngine.from_spec(spec(model_folder(chat_template=None)))
    assert engine.apply_template(question("hi").messages) == "User: hi\nAssistant:"
    await deltas_of(engine, question("hi", max_tokens=3))
    await engine.close()
