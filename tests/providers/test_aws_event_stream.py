"""Amazon's binary frames, cut anywhere, damaged, and with headers of every kind."""

from __future__ import annotations

import json
import struct
import zlib

import pytest

from byzer_nb.errors import ModelCallError
from byzer_nb.providers.wire.aws_event_stream import AwsEventSplitter
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.sse import Event
from byzer_nb.types.masking import Mask
from tests.standins.aws_frames import damaged, encoded, exception_frame, frame

pytestmark = pytest.mark.contract("SAAS-28")

CALLED = Called(provider="saas/aws_bedrock", alias="chat", model="m", address="h", mask=Mask(()))
FRAMES = [frame("chunk", {"bytes": "5L2g"}), frame("messageStop", {"stopReason": "end_turn"}), frame("empty", {})]
EVENTS = [
    Event(b'{"bytes": "5L2g"}', "chunk"),
    Event(b'{"stopReason": "end_turn"}', "messageStop"),
    Event(b"{}", "empty"),
]


@pytest.fixture
def splitter() -> AwsEventSplitter:
    """A new one."""
    return AwsEventSplitter(CALLED)


@pytest.mark.parametrize("size", [1, 2, 5, 11, 12, 13, 64, 10_000])
def test_frames_cut_anywhere_are_the_same_events(splitter: AwsEventSplitter, size: int) -> None:
    whole = b"".join(FRAMES)
    events = [event for at in range(0, len(whole), size) for event in splitter.feed(whole[at : at + size])]
    assert events == EVENTS
    assert splitter.waiting == 0
    assert splitter.finish() == []


def test_half_a_frame_waits_and_means_nothing(splitter: AwsEventSplitter) -> None:
    assert splitter.feed(FRAMES[0] + FRAMES[1][:20]) == EVENTS[:1]
    assert splitter.waiting == 20
    assert splitter.finish() == []


@pytest.mark.parametrize("place", [0, 5, 9, 12, 30, -5, -1])
def test_any_turned_bit_is_noticed(splitter: AwsEventSplitter, place: int) -> None:
    turned = bytearray(FRAMES[0])
    turned[place] ^= 1
    with pytest.raises(ModelCallError, match="damaged") as caught:
        splitter.feed(bytes(turned))
    assert (caught.value.code, caught.value.retryable) == ("unreadable", False)
    assert caught.value.provider == "saas/aws_bedrock"


def test_events_before_the_damage_are_given_first(splitter: AwsEventSplitter) -> None:
    assert splitter.feed(FRAMES[0] + damaged(FRAMES[1])) == EVENTS[:1]
    with pytest.raises(ModelCallError, match="damaged"):
        splitter.finish()


def test_text_is_no_frame(splitter: AwsEventSplitter) -> None:
    with pytest.raises(ModelCallError, match="damaged"):
        splitter.feed(b'data: {"choices": []}\n\n')


@pytest.mark.parametrize(("total", "headers"), [(15, 0), (40, 30), (25 << 20, 0)])
def test_lengths_that_cannot_be_are_noticed_at_once(splitter: AwsEventSplitter, total: int, headers: int) -> None:
    lengths = struct.pack(">II", total, headers)
    with pytest.raises(ModelCallError, match="damaged"):
        splitter.feed(lengths + struct.pack(">I", zlib.crc32(lengths)))


def test_failures_have_a_name_of_their_own(splitter: AwsEventSplitter) -> None:
    exception = exception_frame("throttlingException", "slow down")
    error = encoded({":message-type": "error", ":error-code": "InternalError", ":error-message": "oh"}, b"")
    first, second = splitter.feed(exception + error)
    assert first == Event(b'{"message": "slow down"}', "exception throttlingException")
    assert (json.loads(second.data), second.name) == ({"message": "oh"}, "exception InternalError")


def test_headers_of_every_kind_are_read_past(splitter: AwsEventSplitter) -> None:
    values = [
        *(b"\x00", b"\x01", b"\x02\x07", b"\x03\x00\x07", b"\x04\x00\x00\x00\x07", b"\x05" + bytes(8)),
        *(b"\x06\x00\x03abc", b"\x08" + bytes(8), b"\x09" + bytes(16)),
        *(b"\x07\x00\x05event", b"\x07\x00\x05chunk"),
    ]
    names = [f"header-{place}" for place in range(9)] + [":message-type", ":event-type"]
    head = b"".join(bytes([len(name)]) + name.encode() + value for name, value in zip(names, values, strict=True))
    lengths = struct.pack(">II", 16 + len(head) + 2, len(head))
    message = lengths + struct.pack(">I", zlib.crc32(lengths)) + head + b"{}"
    assert splitter.feed(message + struct.pack(">I", zlib.crc32(message))) == [Event(b"{}", "chunk")]
