"""`--infer_params key=value ...`: from words to settings, keys behind `Secret`."""

from __future__ import annotations

import argparse
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from byzer_nb.cli.messages import say
from byzer_nb.errors import BadInputError
from byzer_nb.types.masking import MASK, Mask
from byzer_nb.types.secret import Secret, names_a_secret, with_secrets

_REFERENCE = re.compile(r"\$\{(\w+)\}")


class InferParams(argparse.Action):
    """Reads the pairs; given twice they add up, and the later of two values wins."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        words = [values] if isinstance(values, str) else list(values or ())
        try:
            found = read_pairs(words)
        except argparse.ArgumentTypeError as wrong:
            raise argparse.ArgumentError(self, str(wrong)) from None
        setattr(namespace, self.dest, {**(getattr(namespace, self.dest) or {}), **found})


class Key(argparse.Action):
    """Reads a key, which is hidden from then on."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        setattr(namespace, self.dest, Secret(resolved(self.option_strings[0], str(values))))


def read_pairs(words: Sequence[str]) -> dict[str, Any]:
    """The settings that the words hold; a value `${NAME}` is taken from the environment."""
    pairs: dict[str, str] = {}
    for word in words:
        for pair in _split(word, after=pairs):
            name, equals, value = pair.partition("=")
            if not name or not equals:
                raise _wrong_format(pair, after=pairs)
            pairs.pop(name, None)  # the later one also takes the later place
            pairs[name] = value
    return with_secrets({name: resolved(name, value) for name, value in pairs.items()})


def read_values(values: Mapping[Any, Any]) -> dict[str, Any]:  # Any: what YAML gives
    """The settings of a mapping in a file; a number is text there too, as it is on the command line."""
    return with_secrets({str(name): _as_typed(str(name), value) for name, value in values.items()})


def _as_typed(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _as_typed(name, each) for key, each in value.items()}
    if isinstance(value, list):
        return [_as_typed(name, each) for each in value]
    return resolved(name, as_text(value))


def resolved(name: str, value: str) -> str:
    """The value itself, or what the environment has when it is written `${NAME}`."""
    reference = _REFERENCE.fullmatch(value)
    if reference is None:
        return value
    variable = reference[1]
    if variable not in os.environ:
        raise BadInputError(
            say(
                en=f"{name} is to be taken from the environment, which has no {variable}.",
                zh=f"{name} 要从环境变量 {variable} 读取，但它没有设置。",
            ),
            hint=say(en=f"Set it first: export {variable}=...", zh=f"请先设置：export {variable}=..."),
        )
    return os.environ[variable]


def as_text(value: object) -> str:
    """A value of a file as one would type it."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _split(word: str, *, after: dict[str, str]) -> list[str]:
    try:
        return shlex.split(word)
    except ValueError:  # a quote that is not closed
        raise _wrong_format(word, after=after) from None


def _wrong_format(word: str, *, after: dict[str, str]) -> argparse.ArgumentTypeError:
    last = next(reversed(after), "")
    # `saas.api_key= abc`: the stray word is the key.
    is_secret = bool(last) and names_a_secret(last) and not after[last]
    name, equals, _ = word.partition("=")
    if equals and names_a_secret(name):
        word = f"{name}={MASK}"
    elif is_secret or isinstance(with_secrets({"word": word})["word"], Secret):
        word = MASK
    return argparse.ArgumentTypeError(f"Invalid argument format: {Mask(()).apply(word)}")
