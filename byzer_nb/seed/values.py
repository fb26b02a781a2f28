"""One value a class: for `with_return_type`, and for files that a prompt shows to a model."""

from __future__ import annotations

from pydantic import BaseModel

from byzer_nb.seed.image import Audio, Image


class Bool(BaseModel):
    """A truth value."""

    value: bool


class Int(BaseModel):
    """A whole number."""

    value: int


class Float(BaseModel):
    """A number."""

    value: float


class ImagePath(BaseModel):
    """The path of a picture; in a template it stands for the picture itself."""

    value: str

    def __str__(self) -> str:
        return Image.load_image_from_path(self.value)


class AudioPath(BaseModel):
    """The path of a sound; in a template it stands for the sound itself."""

    value: str

    def __str__(self) -> str:
        return Audio.load_audio_from_path(self.value)


__all__ = ["AudioPath", "Bool", "Float", "ImagePath", "Int"]
