"""The fields of a chat or completion request that say how to answer, and what becomes of each of them here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from byzer_nb.errors import ByzerError
from byzer_nb.serve.openai.messages import Json
from byzer_nb.serve.refusals import RefusalError
from byzer_nb.types import AnswerSchema, ChatOptions, ModelCard
from byzer_nb.types.options import SILENT

MOST_ANSWERS = 128
MOST_STOPS = 16

_PLAIN = (
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
)
# They go to a provider as they are, which knows them or says that it does not; no engine of ours has them.
FOR_PROVIDERS = (
    "logit_bias",
    "min_p",
    "reasoning_effort",
    "verbosity",
    "length_penalty",
    "ignore_eos",
    "service_tier",
    "prediction",
    "web_search_options",
    "modalities",
    "audio",
    "thinking",
    "enable_thinking",
    "chat_template_kwargs",
)
# They ask for nothing that could be seen in the answer.
_NEUTRAL = ("user", "metadata", "store", "safety_identifier", "prompt_cache_key", "prompt_cache_retention")
_NEUTRAL_VALUES: dict[str, tuple[Any, ...]] = {
    "logprobs": (False, 0),
    "logit_bias": ({},),
    "modalities": (["text"],),
    "service_tier": ("auto", "default"),
    "min_p": (0,),
    "length_penalty": (1,),
    "ignore_eos": (False,),
    "use_beam_search": (False,),
    "top_logprobs": (0,),
    "best_of": (1,),
    "echo": (False,),
}


class AnswerFields(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What chat and completion requests have in common."""

    model: str
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repetition_penalty: float | None = None
    max_tokens: int | None = None
    stop: str | list[str] | None = None
    stop_token_ids: list[int] | None = None
    n: int | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    logit_bias: dict[str, float] | None = None
    min_p: float | None = None
    length_penalty: float | None = None
    ignore_eos: bool | None = None
    use_beam_search: bool | None = None
    service_tier: str | None = None
    user: str | None = None
    metadata: Json | None = None
    store: bool | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    request_id: str | None = None
    extra_body: Json | None = None
    guided_json: Json | str | None = None
    guided_regex: str | None = None
    guided_choice: list[str] | None = None

    @property
    def wants_usage(self) -> bool:
        """Whether the last chunk of a stream shall tell the tokens."""
        return self.stream_options is not None and self.stream_options.include_usage

    @property
    def answers(self) -> int:
        """How many answers are wanted."""
        count = 1 if self.n is None else self.n
        if not 1 <= count <= MOST_ANSWERS:
            raise refused("n", f"n lies between 1 and {MOST_ANSWERS}, and {count} does not.")
        return count


class StreamOptions(msgspec.Struct, kw_only=True):
    """What a stream shall also tell."""

    include_usage: bool = False
    include_obfuscation: bool = False
    continuous_usage_stats: bool = False


def refused(field: str, message: str, *, hint: str = "", code: str = "invalid_value") -> RefusalError:
    """The refusal of one field."""
    return RefusalError(message, status=400, code=code, hint=hint, param=field)


def unsupported(field: str, why: str = "is not supported by this gateway") -> RefusalError:
    """The refusal of a field that asks for what nobody here can do."""
    return refused(field, f"{field} {why}.", hint="Leave it out.", code="unsupported_parameter")


def options_of(
    fields: AnswerFields, card: ModelCard, *, max_tokens: int | None, continue_last: bool = False
) -> tuple[ChatOptions, tuple[str, ...]]:
    """The options of a request, and a sentence about each field that changes nothing."""
    given: dict[str, Any] = {name: value for name in _PLAIN if (value := getattr(fields, name)) is not None}
    if max_tokens is not None:
        given["max_tokens"] = max_tokens
    if fields.stop:
        given["stop"] = (fields.stop,) if isinstance(fields.stop, str) else tuple(fields.stop)
        if len(given["stop"]) > MOST_STOPS:
            raise refused("stop", f"stop has {len(given['stop'])} texts; at most {MOST_STOPS} are looked for.")
    if fields.stop_token_ids:
        given["stop_token_ids"] = tuple(fields.stop_token_ids)
    if continue_last:
        given["continue_last"] = True
    if extra := _extra(fields, card):
        given["extra"] = extra
    return checked_options(given), tuple(
        f"{name} has no effect here." for name in _NEUTRAL if getattr(fields, name, None) is not None
    )


def checked_options(given: dict[str, Any]) -> ChatOptions:  # Any: values of every kind
    """The options by name; one that cannot be is refused in the words of a request."""
    try:
        return ChatOptions(**given) if given else SILENT
    except ByzerError as wrong:
        field = next((name for name in given if wrong.message.startswith(f"{name} ")), "")
        raise refused(field, wrong.message, hint=wrong.hint) from wrong


def _extra(fields: AnswerFields, card: ModelCard) -> dict[str, Any]:  # Any: values of a provider's own body
    extra: dict[str, Any] = dict(fields.extra_body or {})
    for name in FOR_PROVIDERS:
        value = getattr(fields, name, None)
        if value is None or is_neutral(name, value):
            continue
        if card.is_local:
            raise unsupported(name, f"is not supported by the model {fields.model!r}")
        extra[name] = value
    return extra


def guided_schema(fields: AnswerFields, *, rivals: tuple[str, ...] = ()) -> AnswerSchema | None:
    """The schema that the guided fields come to; `rivals` are other fields that hold the answer to a shape."""
    guided = [name for name in ("guided_json", "guided_choice") if getattr(fields, name) is not None]
    if not guided:
        return None
    if len(guided) + len(rivals) > 1:
        raise refused(guided[0], f"Only one of {', '.join([*guided, *rivals])} can hold the answer.", code="conflict")
    if fields.guided_choice is not None:
        return AnswerSchema(schema={"enum": fields.guided_choice})
    given = fields.guided_json
    try:
        schema = json.loads(given) if isinstance(given, str) else given
    except ValueError as wrong:
        raise refused("guided_json", f"guided_json is no JSON schema: {wrong}.") from wrong
    if not isinstance(schema, dict):
        raise refused("guided_json", "guided_json is no JSON schema: it is no object.")
    return AnswerSchema(schema=schema)


def is_neutral(name: str, value: object) -> bool:
    """Whether a value asks for what happens anyway."""
    return any(value == neutral for neutral in _NEUTRAL_VALUES.get(name, ()))


def refuse_fields(fields: Mapping[str, object]) -> None:
    """Refuse the fields of that list that are set to something."""
    for name, value in fields.items():
        if value is not None and not is_neutral(name, value):
            raise unsupported(name)
