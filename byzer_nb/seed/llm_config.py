"""From `llm_config` keys such as `gen.stop` to typed options; here the dialect ends."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from typing import Any

from byzer_nb._registry import nearest
from byzer_nb.errors import BadInputError, WrongTypeError
from byzer_nb.types import ChatOptions
from byzer_nb.types.options import SILENT

PREFIXES = ("gen.", "generation.")

# Keys that a call may write without a prefix, and the option that each of them means.
PLAIN = {
    "max_length": "max_length",
    "top_p": "top_p",
    "temperature": "temperature",
    "timeout_s": "timeout",
    "stopping_sequences": "stop",
    "extra_request_params": "extra",
    "image": "image",
    "inference_mode": "inference_mode",
    "stopping_sequences_skip_check_min_length": "stopping_sequences_skip_check_min_length",
}

RENAMED = {
    "max_new_tokens": "max_tokens",
    "response_prefix": "continue_last",
    "request_timeout": "timeout",
}

NUMBERS = {
    "max_tokens": int,
    "top_k": int,
    "seed": int,
    "temperature": float,
    "top_p": float,
    "presence_penalty": float,
    "frequency_penalty": float,
    "repetition_penalty": float,
    "timeout": float,
}

# Engines whose `max_length` counts the prompt too; everywhere else it limits the answer.
COUNTS_PROMPT = frozenset({"transformers"})

# About the documents' own transport, which this one replaces; a stream is asked for by the method that is called.
OF_OLD_TRANSPORT = frozenset(
    {"stream", "request_id", "abort", "inference_mode", "stopping_sequences_skip_check_min_length"}
)


def read_llm_config(*configs: Mapping[str, Any], engine: str = "") -> ChatOptions:
    """The options that these say together; a later one wins. A key that nobody reads gives one warning."""
    options: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for config in configs:
        if not isinstance(config, Mapping):
            raise WrongTypeError(f"llm_config is a dict, not {config!r}.", hint='For example: {"gen.stop": ["END"]}')
        for key, value in config.items():
            if value is not None:
                _take(key, value, options, extra, counts_prompt=engine in COUNTS_PROMPT)
    return ChatOptions(**options, extra=extra) if options or extra else SILENT


def number(key: str, value: Any) -> float:
    """The value of a key as a number."""
    return _number(key, value, float)


def whole_number(key: str, value: Any) -> int:
    """The value of a key as a whole number; forms and command lines can only send text."""
    return int(_number(key, value, int))


def _take(key: str, value: Any, options: dict[str, Any], extra: dict[str, Any], *, counts_prompt: bool) -> None:
    name = _name(key)
    if name is None:
        _warn_unknown(key)
    elif name == "max_length":
        place, name = (extra, name) if counts_prompt else (options, "max_tokens")
        place[name] = whole_number(key, value)
    elif name == "extra":
        extra.update(_dict(key, value))
    elif name == "stop":
        options["stop"] = _strings(key, value)
    elif name == "stop_token_ids":
        options["stop_token_ids"] = _ids(key, value)
    elif name == "continue_last":
        options["continue_last"] = value in (True, "true", "True")
    elif name in NUMBERS:
        options[name] = _number(key, value, NUMBERS[name])
    elif name not in OF_OLD_TRANSPORT:
        extra[name] = value


def _name(key: str) -> str | None:
    if not isinstance(key, str):
        raise WrongTypeError(f"The keys of llm_config are strings, and {key!r} is none.")
    for prefix in PREFIXES:
        if key.startswith(prefix):
            bare = key.removeprefix(prefix)
            return RENAMED.get(bare, bare)
    return PLAIN.get(key)


def _number(key: str, value: Any, kind: type[int] | type[float]) -> int | float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise BadInputError(f"{key!r} should be a number, not {value!r}.") from None
    if kind is float:
        return number
    if not number.is_integer():
        raise BadInputError(f"{key!r} should be a whole number, not {value!r}.")
    return value if isinstance(value, int) else int(number)


def _dict(key: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise WrongTypeError(f"{key} is a dict, not {value!r}.", hint='For example: {"top_k": 5}')
    return value


def _strings(key: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        if key == "stopping_sequences":
            return tuple(part for part in value.split(",") if part)
        value = _json_list(value)
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise BadInputError(f"{key!r} should be a list of strings, not {value!r}.")
    return tuple(value)


def _ids(key: str, value: Any) -> tuple[int, ...]:
    if isinstance(value, str):
        value = [part for part in value.strip("[] ").split(",") if part.strip()]
    elif isinstance(value, int):
        value = [value]
    try:
        return tuple(int(item) for item in value)
    except (TypeError, ValueError):
        raise BadInputError(f"{key!r} should be a list of token ids, not {value!r}.") from None


def _json_list(text: str) -> Any:
    """A JSON list if the text is one, else the text as a single stop string."""
    try:
        value = json.loads(text)
    except ValueError:
        return [text]
    return value if isinstance(value, list) else [text]


def _warn_unknown(key: str) -> None:
    warnings.warn(
        f"llm_config has the key {key!r}, which nobody reads. {nearest(key, PLAIN)}"
        "Options of the model are written 'gen.<name>'.",
        UserWarning,
        stacklevel=4,
    )
