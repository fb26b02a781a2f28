"""A body of several parts, as forms with a file in them are sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import uuid4


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A file among the fields of a form."""

    field_name: str
    name: str
    media_type: str
    data: bytes = field(repr=False)


def multipart(fields: Iterable[tuple[str, str]], file: File) -> tuple[str, bytes]:
    """The media type and the bytes of a form; a field may come more than once."""
    boundary = uuid4().hex
    parts = [_part(boundary, f'name="{_quoted(name)}"', value.encode()) for name, value in fields]
    disposition = f'name="{_quoted(file.field_name)}"; filename="{_quoted(file.name)}"'
    parts.append(_part(boundary, disposition, file.data, media_type=file.media_type))
    return f"multipart/form-data; boundary={boundary}", b"".join([*parts, f"--{boundary}--\r\n".encode()])


def _part(boundary: str, disposition: str, data: bytes, *, media_type: str = "") -> bytes:
    head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n"
    if media_type:
        head += f"Content-Type: {media_type}\r\n"
    return f"{head}\r\n".encode() + data + b"\r\n"


def _quoted(name: str) -> str:
    """A name that cannot end its quotes or its line, written as browsers do it."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
