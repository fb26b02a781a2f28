"""Bodies that are forms with a file, as browsers send them."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from byzer_nb.serve.exchange import Exchange
from byzer_nb.serve.refusals import RefusalError

FORM = "multipart/form-data"
MOST_FIELDS = 64
LARGEST_FIELD = 256 * 1024
LARGEST_KEPT = 1 << 62  # the body has a limit of its own, so nothing of it need go through a disk


@dataclass(frozen=True, kw_only=True, slots=True)
class FormFile:
    """A file of a form. Its name is what somebody outside calls it, and no place here."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """What a form says, field by field, and its files."""

    values: dict[str, list[str]]
    files: dict[str, FormFile]

    def one(self, name: str) -> str | None:
        """The value of a field that may stand there once."""
        values = self.values.get(name, [])
        if len(values) > 1:
            raise _refused(f"The field {name} stands there {len(values)} times.", param=name)
        return values[0] if values else None


async def read_form(exchange: Exchange) -> Form:
    """The body of a request as a form with at most one file."""
    headers = Headers(raw=exchange.scope["headers"])
    if headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise _refused(f"The body is no form: its content-type is to be {FORM}.")
    parser = MultiPartParser(
        headers, exchange.pieces(), max_files=1, max_fields=MOST_FIELDS, max_part_size=LARGEST_FIELD
    )
    parser.spool_max_size = LARGEST_KEPT
    try:
        parts = await parser.parse()
    except MultiPartException as wrong:
        raise _refused(f"The form cannot be read: {wrong.message}") from None
    values: dict[str, list[str]] = {}
    files: dict[str, FormFile] = {}
    for name, value in parts.multi_items():
        if isinstance(value, UploadFile):
            files[name] = FormFile(name=value.filename or "", data=await value.read())
        else:
            values.setdefault(name, []).append(value)
    await parts.close()
    return Form(values=values, files=files)


def _refused(message: str, *, param: str = "") -> RefusalError:
    return RefusalError(message, status=400, code="invalid_form", param=param)
