"""`show`: sound and pictures in a notebook, whatever form they are in."""

from __future__ import annotations

from collections.abc import Iterator

from byzer_nb.client.data_urls import data_of
from byzer_nb.client.tagged import untagged
from byzer_nb.errors import BadInputError, WrongTypeError
from byzer_nb.seed.responses import LLMResponse
from byzer_nb.types import Picture, Sound
from byzer_nb.types.media import SOUND_SIGNATURES


def show(result: object) -> None:
    """Show a picture or play sound: a response or a list of them, base64, a data URL, bytes, a `Picture`, a `Sound`.

    For example `show(llm.chat_oai(...))`; results that are left on a cell's last line show themselves.
    """
    from IPython.display import display

    display(*media_in(result))


def media_in(result: object) -> tuple[Picture | Sound, ...]:
    """The pictures and sounds that a result holds; what is neither is an error, and not a broken picture."""
    return tuple(_each(result))


def _each(result: object) -> Iterator[Picture | Sound]:
    match result:
        case Picture() | Sound():
            yield result
        case LLMResponse():
            yield from _each(result.output)
        case str():
            yield _medium(data_of(untagged(result)))
        case bytes():
            yield _medium(result)
        case list() | tuple():
            for each in result:
                yield from _each(each)
        case _:
            raise WrongTypeError(
                f"A {type(result).__name__} holds no picture and no sound.",
                hint="Give a response of chat_oai, base64, a data URL or bytes.",
            )


def _medium(data: bytes) -> Picture | Sound:
    if Picture(data=data).format:
        return Picture(data=data)
    for sign, kind in SOUND_SIGNATURES.items():
        if data.startswith(sign) and (kind != "wav" or data[8:12] == b"WAVE"):
            return Sound(data=data, format=kind)
    raise BadInputError(
        f"These {len(data)} bytes are no picture and no sound that a browser knows.",
        hint="For text, print the output of the response.",
    )
