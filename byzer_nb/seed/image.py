"""`byzerllm.Image` and `byzerllm.Audio`: files as text that a prompt can hold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from byzer_nb.client.data_urls import Medium, clean_url, data_of, data_url, media_type_of
from byzer_nb.client.tagged import tagged, untagged
from byzer_nb.errors import BadInputError, MissingFileError


class _Media:
    """Text with files of one kind in it."""

    MEDIUM: ClassVar[Medium]

    def __init__(self, text: str) -> None:
        self.text = text

    @classmethod
    def load(cls, path: str, *, only_content: bool) -> str:
        """A file as a data URL, between tags unless only the URL is wanted."""
        url = _read(path, cls.MEDIUM)
        return url if only_content else tagged(url, cls.MEDIUM)

    @classmethod
    def save(cls, url: str, path: str, *, auto_fix_suffix: bool) -> str:
        """Write a data URL to a file, and give its path; the suffix can be made to fit."""
        url = untagged(url)
        if not url.startswith(f"data:{cls.MEDIUM}/"):
            raise BadInputError(
                f"Invalid {cls.MEDIUM} data format", hint=f"It is a data URL: data:{cls.MEDIUM}/…;base64,…"
            )
        file = Path(path).expanduser()
        if auto_fix_suffix:
            file = file.with_suffix("." + media_type_of(url).partition("/")[2].replace("jpeg", "jpg"))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data_of(url, cls.MEDIUM))
        return str(file)

    @classmethod
    def _tags(cls) -> re.Pattern[str]:
        return re.compile(rf"<_{cls.MEDIUM}_>(.*?)</_{cls.MEDIUM}_>", re.DOTALL)

    @classmethod
    def paths_in(cls, text: str, *, to_base64: bool) -> list[str]:
        """What stands between the tags, in order; on wish each as a data URL, paths read from this disk."""
        found = [inner.strip() for inner in cls._tags().findall(text)]
        return [_as_url(inner, cls.MEDIUM) for inner in found] if to_base64 else found

    def contents(self) -> list[dict[str, str]]:
        """The files of the text as items, and then the words round them as one item."""
        items: list[dict[str, str]] = [{self.MEDIUM: url} for url in self.paths_in(self.text, to_base64=True)]
        words = self._tags().sub("", self.text).strip()
        return [*items, {"text": words}] if words else items

    def has_any(self) -> bool:
        """Whether there is a file in the text."""
        return self._tags().search(self.text) is not None

    @classmethod
    def convert(cls, text: str, start_tag: str, end_tag: str) -> str:
        """The text with each path between these marks replaced by its file, tagged."""
        marks = re.compile(re.escape(start_tag) + r"(.*?)" + re.escape(end_tag), re.DOTALL)
        return marks.sub(lambda found: tagged(_as_url(found.group(1).strip(), cls.MEDIUM), cls.MEDIUM), text)


class Image(_Media):
    """Text with pictures in it."""

    MEDIUM = "image"

    @staticmethod
    def load_image_from_path(path: str, only_content: bool = False) -> str:
        """A picture's file as a tagged text, or its data URL alone."""
        return Image.load(path, only_content=only_content)

    @staticmethod
    def save_image_to_path(image_data: str, path: str, auto_fix_suffix: bool = False) -> str:
        """Write a picture's data URL to a file, and give its path."""
        return Image.save(image_data, path, auto_fix_suffix=auto_fix_suffix)

    @staticmethod
    def extract_image_paths(text: str, to_base64: bool = False) -> list[str]:
        """What stands between the tags of a text."""
        return Image.paths_in(text, to_base64=to_base64)

    @staticmethod
    def convert_image_paths_from(text: str, start_tag: str = "<img>", end_tag: str = "</img>") -> str:
        """The text with each path between these marks replaced by its picture."""
        return Image.convert(text, start_tag, end_tag)

    def has_image(self) -> bool:
        """Whether there is a picture in the text."""
        return self.has_any()

    def to_content(self) -> list[dict[str, str]]:
        """Items such as `{"image": …}`, and the rest as `{"text": …}`."""
        return self.contents()


class Audio(_Media):
    """Text with sound in it."""

    MEDIUM = "audio"

    @staticmethod
    def load_audio_from_path(path: str, only_content: bool = False) -> str:
        """A sound's file as a tagged text, or its data URL alone."""
        return Audio.load(path, only_content=only_content)

    @staticmethod
    def save_audio_to_path(audio_data: str, path: str, auto_fix_suffix: bool = False) -> str:
        """Write a sound's data URL to a file, and give its path."""
        return Audio.save(audio_data, path, auto_fix_suffix=auto_fix_suffix)

    @staticmethod
    def extract_audio_paths(text: str, to_base64: bool = False) -> list[str]:
        """What stands between the tags of a text."""
        return Audio.paths_in(text, to_base64=to_base64)

    @staticmethod
    def convert_audio_paths_from(text: str, start_tag: str = "<audio>", end_tag: str = "</audio>") -> str:
        """The text with each path between these marks replaced by its sound."""
        return Audio.convert(text, start_tag, end_tag)

    def has_audio(self) -> bool:
        """Whether there is sound in the text."""
        return self.has_any()

    def to_content(self) -> list[dict[str, str]]:
        """Items such as `{"audio": …}`, and the rest as `{"text": …}`."""
        return self.contents()


def _as_url(inner: str, medium: Medium) -> str:
    is_url = inner.startswith(("data:", "http://", "https://"))
    return clean_url(inner, medium) if is_url else _read(inner, medium)


def _read(path: str, medium: Medium) -> str:
    file = Path(path).expanduser()
    kind = file.suffix.lower().removeprefix(".") or {"image": "png", "audio": "mp3"}[medium]
    try:
        data = file.read_bytes()
    except FileNotFoundError as missing:
        raise MissingFileError(f"There is no file {str(path)!r}.", hint="Check the path.") from missing
    if not data:
        raise BadInputError(f"The file {str(path)!r} is empty.")
    return data_url(data, f"{medium}/{kind}")
