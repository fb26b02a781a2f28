"""The choice of the next token."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from byzer_nb.backends.sampling import Logits, Sampler, Sampling
from byzer_nb.errors import BadInputError


def logits(*values: float) -> Logits:
    return np.array(values, dtype=np.float32)


def drawn(sampling: Sampling, values: Logits, times: int = 2000) -> Counter[int]:
    sampler = Sampler(sampling)
    return Counter(sampler.pick(values) for _ in range(times))


EVEN = logits(0, 0, 0, 0)
SLOPE = logits(np.log(0.1), np.log(0.4), np.log(0.2), np.log(0.3))


def test_without_a_temperature_the_likeliest_token_is_taken() -> None:
    assert drawn(Sampling(), SLOPE) == {1: 2000}


def test_a_temperature_of_one_draws_as_the_model_wants() -> None:
    shares = drawn(Sampling(temperature=1.0, seed=1), SLOPE, 20_000)
    for token, share in enumerate((0.1, 0.4, 0.2, 0.3)):
        assert shares[token] / 20_000 == pytest.approx(share, abs=0.02)


def test_a_low_temperature_sharpens_and_a_high_one_flattens() -> None:
    cold = drawn(Sampling(temperature=0.2, seed=1), SLOPE)
    hot = drawn(Sampling(temperature=5.0, seed=1), SLOPE)
    assert cold[1] > 1400 > 700 > hot[1]


def test_a_tiny_temperature_is_the_likeliest_token_and_no_overflow() -> None:
    assert drawn(Sampling(temperature=1e-9, seed=1), logits(-300, 5, 4, 300), 50) == {3: 50}


def test_top_k_leaves_only_so_many_tokens() -> None:
    assert set(drawn(Sampling(temperature=1.0, top_k=2, seed=1), SLOPE)) == {1, 3}
    assert set(drawn(Sampling(temperature=1.0, top_k=1, seed=1), SLOPE)) == {1}


@pytest.mark.parametrize("off", [0, -1, 100])
def test_a_top_k_of_nothing_or_of_more_than_there_is_leaves_all(off: int) -> None:
    assert set(drawn(Sampling(temperature=1.0, top_k=off, seed=1), SLOPE)) == {0, 1, 2, 3}


def test_top_p_leaves_the_smallest_set_that_reaches_it() -> None:
    assert set(drawn(Sampling(temperature=1.0, top_p=0.65, seed=1), SLOPE)) == {1, 3}
    assert set(drawn(Sampling(temperature=1.0, top_p=0.75, seed=1), SLOPE)) == {1, 2, 3}
    assert set(drawn(Sampling(temperature=1.0, top_p=0.0001, seed=1), SLOPE)) == {1}


def test_min_p_leaves_what_is_near_the_likeliest() -> None:
    assert set(drawn(Sampling(temperature=1.0, min_p=0.45, seed=1), SLOPE)) == {1, 2, 3}


def test_the_same_seed_draws_the_same_tokens() -> None:
    def run(seed: int | None) -> list[int]:
        sampler = Sampler(Sampling(temperature=1.0, seed=seed))
        return [sampler.pick(EVEN) for _ in range(50)]

    assert run(7) == run(7)
    assert run(-1) == run(-1)
    assert run(7) != run(8)
    assert run(None) != run(None)


def test_a_repetition_penalty_covers_the_prompt_and_the_answer() -> None:
    sampler = Sampler(Sampling(repetition_penalty=2.0), prompt=[0])
    values = logits(3.0, 2.0, 1.6, -1.0)
    assert [sampler.pick(values) for _ in range(3)] == [1, 2, 0]
    assert values.tolist() == pytest.approx([3.0, 2.0, 1.6, -1.0]), "the caller's logits are not changed"


def test_a_repetition_penalty_lowers_negative_logits_too() -> None:
    assert Sampler(Sampling(repetition_penalty=2.0), prompt=[0]).pick(logits(-1.0, -1.5)) == 1


def test_a_presence_penalty_counts_once_and_a_frequency_penalty_each_time() -> None:
    values = logits(1.0, 0.25)
    once = Sampler(Sampling(presence_penalty=0.5), prompt=[0, 0])
    assert [once.pick(values) for _ in range(6)] == [0] * 6, "tokens of the prompt do not count"
    each = Sampler(Sampling(frequency_penalty=0.5))
    assert [each.pick(values) for _ in range(5)] == [0, 0, 1, 0, 1]


@pytest.mark.parametrize("wrong", [{"repetition_penalty": 0.0}, {"min_p": 1.5}])
def test_values_that_cannot_work_are_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInputError, match=next(iter(wrong))):
        Sampling(**wrong)
