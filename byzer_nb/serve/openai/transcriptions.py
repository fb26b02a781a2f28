"""`/v1/audio/transcriptions`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from byzer_nb.serve.exchange import Exchange
from byzer_nb.serve.forms import Form, FormFile, read_form
from byzer_nb.serve.openai.fields import refused, unsupported
from byzer_nb.serve.openai.messages import Json
from byzer_nb.types import Segment, Sound, TranscribeRequest, Transcript
from byzer_nb.types.media import SOUND_SIGNATURES, SOUND_TYPES

if TYPE_CHECKING:
    from byzer_nb.serve.gateway import Gateway

TEXT = b"text/plain; charset=utf-8"
FIELDS = (
    "model", "language", "prompt", "response_format", "temperature", "timestamp_granularities[]", "include[]",
    "stream", "chunking_strategy",
)  # fmt: skip
FORMATS = ("json", "text", "verbose_json", "srt", "vtt")
GRANULARITIES = ("segment", "word")
SOUNDS = (*SOUND_TYPES, "mp4", "mpeg", "mpga", "oga")


async def transcriptions(exchange: Exchange, gateway: Gateway) -> None:
    """What is said in a file."""
    form = await read_form(exchange)
    async with exchange.attended():
        named, wanted, request = _asked(form)
        model, card = await gateway.card(named)
        if request.extra and card.is_local:
            raise unsupported(next(iter(request.extra)), f"is not supported by the model {named!r}")
        exchange.entry.asking(model)
        transcript = await gateway.client.transcribe(request, model=model)
        exchange.entry.heard()
    if wanted in ("json", "verbose_json"):
        verbose = wanted == "verbose_json"
        await exchange.answer_json(_verbose(transcript, form, named) if verbose else {"text": transcript.text})
    else:
        text = transcript.text + "\n" if wanted == "text" else _subtitles(transcript, wanted, named)
        await exchange.answer(text.encode(), media_type=TEXT)


def _asked(form: Form) -> tuple[str, str, TranscribeRequest]:
    """The model that is named, the form of the answer, and the request."""
    for name in form.values:
        if name not in FIELDS and name + "[]" not in FIELDS:
            raise refused(name, f"There is no field {name!r}.", code="invalid_request")
    file = form.files.get("file")
    if file is None:
        raise refused("file", "The form has no file: the sound goes into the field file.")
    named = form.one("model")
    if not named:
        raise refused("model", "The form names no model.")
    wanted = form.one("response_format") or "json"
    if wanted not in FORMATS:
        raise refused("response_format", f"response_format is one of {', '.join(FORMATS)}, and not {wanted!r}.")
    if (form.one("stream") or "false").lower() not in ("false", "0"):
        raise unsupported("stream")
    if _listed(form, "include"):
        raise unsupported("include")
    times = _listed(form, "timestamp_granularities")
    if times and wanted != "verbose_json":
        raise refused("timestamp_granularities", "Times are told in the response_format 'verbose_json' alone.")
    if strange := [each for each in times if each not in GRANULARITIES]:
        raise refused("timestamp_granularities", f"Times are told a segment or a word, and not by {strange[0]!r}.")
    request = TranscribeRequest(
        sound=Sound(data=file.data, format=_format_of(file)),
        language=form.one("language") or "",
        prompt=form.one("prompt") or "",
        extra=_extra(form),
    )
    return named, wanted, request


def _listed(form: Form, name: str) -> list[str]:
    """The values of a field that may stand there several times, with brackets or without."""
    return [*form.values.get(f"{name}[]", []), *form.values.get(name, [])]


def _extra(form: Form) -> dict[str, Any]:  # Any: values of a provider's own form
    extra: dict[str, Any] = {}
    if (given := form.one("temperature")) is not None:
        try:
            temperature = float(given)
        except ValueError:
            raise refused("temperature", f"temperature is a number, and not {given!r}.") from None
        if not 0 <= temperature <= 1:
            raise refused("temperature", f"temperature lies between 0 and 1, and {given} does not.")
        if temperature:
            extra["temperature"] = temperature
    if strategy := form.one("chunking_strategy"):
        extra["chunking_strategy"] = strategy
    return extra


def _format_of(file: FormFile) -> str:
    """The format that the name of a file ends with, or that its first bytes tell."""
    ending = file.name.rpartition(".")[2].lower()
    if ending in SOUNDS:
        return ending
    told = next((kind for sign, kind in SOUND_SIGNATURES.items() if file.data.startswith(sign)), "")
    if not told:
        raise refused(
            "file", f"It cannot be told what sound the file {file.name!r} is.", hint=f"Name it .{', .'.join(SOUNDS)}."
        )
    return told


def _verbose(transcript: Transcript, form: Form, named: str) -> Json:
    if not (transcript.duration or transcript.segments or transcript.words):
        raise _missing("response_format", named, "the text alone, and nothing of when it is said")
    times = _listed(form, "timestamp_granularities")
    if "word" in times and not transcript.words:
        raise _missing("timestamp_granularities", named, "no times of single words")
    if "segment" in times and not transcript.segments:
        raise _missing("timestamp_granularities", named, "no segments")
    told: Json = {name: getattr(transcript, name) for name in ("task", "language", "duration", "text")}
    if transcript.segments and (not times or "segment" in times):
        told["segments"] = [asdict(each) for each in transcript.segments]
    if "word" in times:
        told["words"] = [asdict(each) for each in transcript.words]
    return told


def _subtitles(transcript: Transcript, wanted: str, named: str) -> str:
    if not transcript.segments:
        raise _missing("response_format", named, "no segments to write subtitles of")
    is_vtt = wanted == "vtt"
    blocks = [_block(number, each, "." if is_vtt else ",") for number, each in enumerate(transcript.segments, 1)]
    if is_vtt:
        return "WEBVTT\n\n" + "\n".join(block.partition("\n")[2] for block in blocks)
    return "\n".join(blocks)


def _block(number: int, segment: Segment, mark: str) -> str:
    return f"{number}\n{_time(segment.start, mark)} --> {_time(segment.end, mark)}\n{segment.text.strip()}\n"


def _time(seconds: float, mark: str) -> str:
    """Such as 00:01:02,500."""
    whole = round(seconds * 1000)
    minutes, milliseconds = divmod(whole, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}{mark}{milliseconds % 1000:03}"


def _missing(field: str, named: str, what: str) -> Exception:
    return refused(field, f"The model {named!r} gives {what}.", hint="Ask for json or text.", code="unsupported")
