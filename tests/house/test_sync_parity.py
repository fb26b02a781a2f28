"""A sync form and its async twin have the same names, the same parameters and the same words."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from byzer_nb import AsyncClient, ByzerLLM, Client, SimpleByzerLLM

TWINS = [
    ("chat_oai", "async_chat_oai"),
    ("stream_chat_oai", "async_stream_chat_oai"),
]


def public(cls: type) -> dict[str, Callable[..., Any]]:
    return {name: value for name, value in vars(cls).items() if inspect.isfunction(value) and not name.startswith("_")}


def parameters(function: Callable[..., Any]) -> list[tuple[str, object, object]]:
    return [(each.name, each.kind, each.default) for each in inspect.signature(function).parameters.values()]


def test_both_clients_have_the_same_methods() -> None:
    assert sorted(public(Client)) == sorted(public(AsyncClient))


def test_both_clients_are_made_alike() -> None:
    assert parameters(Client.__init__) == parameters(AsyncClient.__init__)


@pytest.mark.parametrize("name", sorted(public(AsyncClient)))
def test_the_sync_method_takes_and_says_the_same(name: str) -> None:
    one, other = public(Client)[name], public(AsyncClient)[name]
    assert parameters(one) == parameters(other)
    assert inspect.getdoc(one) == inspect.getdoc(other)


@pytest.mark.contract("CHAT-01", "CHAT-05")
@pytest.mark.parametrize("cls", [ByzerLLM, SimpleByzerLLM])
@pytest.mark.parametrize(("sync_name", "async_name"), TWINS)
def test_the_seed_face_has_async_twins(cls: type, sync_name: str, async_name: str) -> None:
    assert parameters(getattr(cls, sync_name)) == parameters(getattr(cls, async_name))
