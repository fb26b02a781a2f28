"""One value a class, for `with_return_type`."""

from __future__ import annotations

from pydantic import BaseModel


class Bool(BaseModel):
    """A truth value."""

    value: bool


class Int(BaseModel):
    """A whole number."""

    value: int


class Float(BaseModel):
    """A number."""

    value: float


__all__ = ["Bool", "Float", "Int"]
