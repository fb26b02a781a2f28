"""`message_utils`: what agents note on messages."""

from __future__ import annotations

from typing import Any

import pytest

from byzer_nb.seed import message_flags as message_utils

Message = dict[str, Any]


def turns(*roles: str) -> list[Message]:
    """A message for each letter: s, u, a; the content is its position."""
    names = {"s": "system", "u": "user", "a": "assistant"}
    return [{"role": names[role], "content": str(position)} for position, role in enumerate(roles)]


def shown(messages: list[Message]) -> str:
    """The messages as letters with contents."""
    return " ".join(f"{message['role'][0]}:{message['content']}" for message in messages)


@pytest.mark.contract("UTIL-04")
def test_a_message_is_marked_and_given_back() -> None:
    message: Message = {"role": "user", "content": "x"}
    assert message_utils.termindate_message(message) is message
    assert message["metadata"] == {"TERMINATE": True}
    assert message_utils.un_termindate_message(message)["metadata"] == {"TERMINATE": False}
    assert message_utils.fail_message(message)["metadata"]["code"] == 1
    assert not message_utils.is_success(message)
    assert message_utils.success_message(message)["metadata"]["code"] == 0
    assert message_utils.is_success(message)
    assert not message_utils.is_success({"role": "user", "content": "x"})


@pytest.mark.contract("UTIL-04")
def test_errors_are_counted_up_to_a_limit() -> None:
    message: Message = {"role": "user", "content": "x"}
    assert message_utils.get_error_count(message) == 0
    counts = [message_utils.get_error_count(message_utils.inc_error_count(message)) for _ in range(3)]
    assert counts == [1, 2, 3]
    assert message_utils.check_error_count(message)
    assert not message_utils.check_error_count(message, max_error_count=4)
    other: Message = {"role": "user", "content": "y"}
    assert message_utils.copy_error_count(message, other) is other
    assert message_utils.get_error_count(other) == 3


@pytest.mark.contract("UTIL-04")
@pytest.mark.parametrize(
    ("roles", "merged"),
    [
        ("u", "u:0"),
        ("uau", "u:0 a:1 u:2"),
        ("uuau", "u:0\n1 a:2 u:3"),
        ("uaau", "u:0 a:1\n2 u:3"),
        ("a", "u:continue a:0 u:continue"),
        ("ua", "u:0 a:1 u:continue"),
        ("sau", "s:0 u:continue a:1 u:2"),
        ("ssuu", "s:0 s:1 u:2\n3"),
        ("s", "s:0"),
        ("", ""),
    ],
)
def test_neighbours_of_one_role_are_joined(roles: str, merged: str) -> None:
    assert shown(message_utils.padding_messages_merge(turns(*roles))) == merged


@pytest.mark.contract("UTIL-04")
@pytest.mark.parametrize(
    ("roles", "expanded"),
    [
        ("uu", "u:0 a:continue u:1"),
        ("uaau", "u:0 a:1 u:continue a:2 u:3"),
        ("usu", "u:0 s:1 a:continue u:2"),
        ("a", "u:continue a:0 u:continue"),
        ("", ""),
    ],
)
def test_neighbours_of_one_role_are_kept_apart(roles: str, expanded: str) -> None:
    assert shown(message_utils.padding_messages_expand(turns(*roles))) == expanded


@pytest.mark.contract("UTIL-04")
@pytest.mark.parametrize("pad", [message_utils.padding_messages_merge, message_utils.padding_messages_expand])
def test_the_callers_list_stays_as_it_is(pad: Any) -> None:
    given = turns("u", "u", "a")
    padded = pad(given)
    assert given == turns("u", "u", "a")
    assert all(mine is not theirs for mine in padded for theirs in given)
