"""What an answer is to be like: options over the makers' recommendations."""

from __future__ import annotations

from typing import Any

import pytest

from byzer_nb.backends.plan import Plan, Recommended, plan_answer
from byzer_nb.errors import BadInputError
from byzer_nb.types import ChatOptions


def planned(
    *, prompt_length: int = 10, context_length: int = 100, generation: dict[str, Any] | None = None, **options: Any
) -> Plan:
    recommended = Recommended(max_tokens=40, end_ids=frozenset({4}), timeout=300.0, generation=generation or {})
    return plan_answer(
        ChatOptions(**options),
        recommended,
        prompt_length=prompt_length,
        context_length=context_length,
        model="m",
    )


@pytest.mark.parametrize("prompt_length", [100, 101, 5000])
def test_a_prompt_that_leaves_no_room_is_refused_with_both_numbers(prompt_length: int) -> None:
    with pytest.raises(BadInputError, match=rf"{prompt_length} tokens.* 100 for prompt and answer"):
        planned(prompt_length=prompt_length)


def test_an_answer_ends_with_the_context_at_the_latest() -> None:
    assert planned().max_tokens == 40
    assert planned(prompt_length=80).max_tokens == 20
    assert planned(prompt_length=80, max_tokens=50).max_tokens == 20
    assert planned(context_length=0, prompt_length=5000, max_tokens=50).max_tokens == 50, "nobody knows the context"


def test_a_max_length_counts_the_prompt_too() -> None:
    assert planned(extra={"max_length": "60"}).max_tokens == 50
    assert planned(extra={"max_length": 4000}).max_tokens == 90
    with pytest.raises(BadInputError, match=r"10 tokens.* 10 for prompt and answer"):
        planned(extra={"max_length": 10})


def test_max_new_tokens_is_another_word_for_max_tokens() -> None:
    assert planned(extra={"max_new_tokens": 7}).max_tokens == 7
    assert planned(extra={"max_new_tokens": 7}, max_tokens=8).max_tokens == 8
    with pytest.raises(BadInputError, match="max_new_tokens must be a number, not 'many'"):
        planned(extra={"max_new_tokens": "many"})


def test_without_a_wish_the_likeliest_token_is_taken() -> None:
    assert planned().sampling.temperature == 0
    assert planned(seed=3).sampling.temperature == 0


@pytest.mark.parametrize("wish", [{"top_p": 0.9}, {"top_k": 5}, {"extra": {"min_p": 0.1}}])
def test_who_narrows_the_choice_wants_one(wish: dict[str, Any]) -> None:
    assert planned(**wish).sampling.temperature == 1.0


def test_the_makers_sampling_holds_where_the_caller_is_silent() -> None:
    makers = {"do_sample": True, "temperature": 0.6, "top_k": 20, "top_p": 0.95, "repetition_penalty": 1.1}
    silent = planned(generation=makers).sampling
    assert (silent.temperature, silent.top_k, silent.top_p, silent.repetition_penalty) == (0.6, 20, 0.95, 1.1)
    spoken = planned(generation=makers, temperature=0.0, top_k=3, repetition_penalty=1.0).sampling
    assert (spoken.temperature, spoken.top_k, spoken.top_p, spoken.repetition_penalty) == (0.0, 3, 0.95, 1.0)


def test_sampling_values_of_makers_who_do_not_sample_are_left_alone() -> None:
    assert planned(generation={"do_sample": False, "temperature": 0.6, "top_p": 0.9}).sampling.temperature == 0


def test_stop_tokens_are_added_to_the_models_own_end() -> None:
    assert planned(stop_token_ids=(9,)).end_ids == {4, 9}
    assert planned(stop_token_ids=(9,), extra={"ignore_eos": True}).end_ids == {9}


def test_an_option_that_nobody_knows_is_named_once() -> None:
    with pytest.warns(UserWarning, match=r"'m' does not know 'best_of', 'use_beam_search'") as warned:
        planned(extra={"use_beam_search": True, "best_of": 3, "min_p": 0.1})
    assert len(warned) == 1
