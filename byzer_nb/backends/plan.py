"""What one answer is to be like: the caller's options over what the model's makers recommend."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from byzer_nb.backends.sampling import Sampling
from byzer_nb.errors import BadInputError, PromptTooLongError
from byzer_nb.types import ChatOptions

# Names in `ChatOptions.extra` that a local engine knows. The two lengths are the older words for max_tokens.
EXTRA_OPTIONS = frozenset({"min_p", "ignore_eos", "max_length", "max_new_tokens"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """When an answer ends and how its tokens are chosen."""

    sampling: Sampling = field(default_factory=Sampling)
    max_tokens: int = 256
    end_ids: frozenset[int] = frozenset()
    stops: tuple[str, ...] = ()
    timeout: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Recommended:
    """What holds when a caller is silent; `generation` is the content of a generation_config.json."""

    max_tokens: int
    end_ids: frozenset[int]
    timeout: float | None = None
    generation: Mapping[str, Any] = field(default_factory=dict)  # Any: JSON values of the model's makers


def plan_answer(
    options: ChatOptions, recommended: Recommended, *, prompt_length: int, context_length: int, model: str
) -> Plan:
    """The plan for one request; a prompt that leaves no room for an answer is refused."""
    unknown = sorted(options.extra.keys() - EXTRA_OPTIONS)
    if unknown:
        warnings.warn(
            f"The model {model!r} does not know {', '.join(map(repr, unknown))} and leaves it out. "
            f"Beyond the ordinary options it knows: {', '.join(sorted(EXTRA_OPTIONS))}.",
            stacklevel=2,
        )
    ends = frozenset() if options.extra.get("ignore_eos") in (True, "true", "True") else recommended.end_ids
    return Plan(
        sampling=_sampling(options, recommended.generation),
        max_tokens=_max_tokens(options, recommended, prompt_length, context_length, model=model),
        end_ids=ends | frozenset(options.stop_token_ids),
        stops=options.stop,
        timeout=options.timeout if options.timeout is not None else recommended.timeout,
    )


def _max_tokens(
    options: ChatOptions, recommended: Recommended, prompt_length: int, context_length: int, *, model: str
) -> int:
    limit = context_length
    if "max_length" in options.extra:  # counts the prompt too
        given = int(_number("max_length", options.extra["max_length"]))
        limit = min(limit, given) if limit else given
    if limit and prompt_length >= limit:
        raise too_long(str(prompt_length), limit, model=model)
    wanted = options.max_tokens
    if wanted is None and "max_new_tokens" in options.extra:
        wanted = int(_number("max_new_tokens", options.extra["max_new_tokens"]))
        if wanted < 1:
            raise BadInputError(f"max_new_tokens must be at least 1, not {wanted!r}.")
    if wanted is None:
        wanted = limit - prompt_length if "max_length" in options.extra else recommended.max_tokens
    return min(wanted, limit - prompt_length) if limit else wanted


def too_long(need: str, limit: int, *, model: str) -> PromptTooLongError:
    """The error for a prompt that leaves no room for an answer, ready to be raised."""
    return PromptTooLongError(
        f"The prompt has {need} tokens, and {model!r} takes {limit} for prompt and answer together.",
        hint="Shorten the prompt, or drop the oldest messages.",
    )


def _sampling(options: ChatOptions, generation: Mapping[str, Any]) -> Sampling:
    min_p = _number("min_p", options.extra["min_p"]) if "min_p" in options.extra else None
    # The makers' temperature, top_p and top_k belong together; they hold only if they want sampling at all.
    makers = generation if generation.get("do_sample") else {}
    is_choosy = (options.top_p or 1) < 1 or (options.top_k or 0) > 1 or bool(min_p)
    silent_temperature = makers.get("temperature") or (1.0 if makers or is_choosy else 0.0)
    return Sampling(
        temperature=_first(options.temperature, silent_temperature),
        top_k=int(_first(options.top_k, makers.get("top_k"), 0)),
        top_p=_first(options.top_p, makers.get("top_p"), 1.0),
        min_p=_first(min_p, makers.get("min_p"), 0.0),
        repetition_penalty=_first(options.repetition_penalty, generation.get("repetition_penalty"), 1.0),
        presence_penalty=options.presence_penalty or 0.0,
        frequency_penalty=options.frequency_penalty or 0.0,
        seed=options.seed,
    )


def _first(*values: float | None) -> float:
    """The first value that somebody gave."""
    return next(float(value) for value in values if value is not None)


def _number(name: str, value: Any) -> float:  # Any: it may come from a form as text
    try:
        return float(value)
    except (TypeError, ValueError) as wrong:
        raise BadInputError(f"{name} must be a number, not {value!r}.") from wrong
