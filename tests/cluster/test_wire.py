"""What travels between a client and a worker arrives as it was sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byzer_nb.cluster import wire
from byzer_nb.errors import (
    BadInputError,
    ByzerError,
    MissingSettingError,
    ModelCallError,
    RateLimitedError,
    UndefinedVariableError,
    WrongTypeError,
)
from byzer_nb.types import (
    AudioPart,
    ChatOptions,
    ChatRequest,
    Delta,
    EmbedReply,
    EmbedRequest,
    ImagePart,
    Message,
    TextPart,
    Usage,
)

PARTS = (
    TextPart(text="看"),
    ImagePart(url="data:image/png;base64,x", extra={"detail": "low", "max_pixels": 1003520}),
    AudioPart(url="data:a"),
)


def test_a_request_arrives_whole() -> None:
    request = ChatRequest(
        messages=(
            Message(role="system", content="Be kind."),
            Message(role="user", content=PARTS),
            Message(role="assistant", content=""),
            Message(role="tool", content="42"),
        ),
        options=ChatOptions(temperature=0.0, stop=("END",), stop_token_ids=(1, 2), extra={"a": [1, {"b": None}]}),
        stream=False,
    )
    assert wire.chat_from_bytes(wire.chat_to_bytes(request)) == request
    assert wire.messages_from_bytes(wire.messages_to_bytes(request.messages)) == request.messages


def test_texts_vectors_and_ids_arrive_whole() -> None:
    request = EmbedRequest(texts=("a", "狐狸"), dimensions=3)
    assert wire.embed_from_bytes(wire.embed_to_bytes(request)) == request
    reply = EmbedReply(vectors=((0.1, -2.5), (1e-9, 3.0)), usage=Usage(input_tokens=4), model="m")
    assert wire.vectors_from_bytes(wire.vectors_to_bytes(reply)) == reply
    assert wire.ids_from_bytes(wire.ids_to_bytes((0, 70_000))) == (0, 70_000)
    assert wire.text_from_bytes(wire.text_to_bytes('{"error":')) == '{"error":'


def test_an_option_that_cannot_travel_is_named() -> None:
    request = ChatRequest(messages=(Message(role="user", content="x"),), options=ChatOptions(extra={"fn": print}))
    with pytest.raises(WrongTypeError, match="fn cannot be sent to a worker"):
        wire.chat_to_bytes(request)


DELTAS = [
    Delta(text='a "quoted"\nline', request_id="1"),
    Delta(reasoning="hm"),
    Delta(text='{"error":'),
    Delta(finish_reason="stop", usage=Usage(input_tokens=1, output_tokens=2), stopped_by="END"),
]


@given(st.lists(st.integers(1, 40), max_size=30), st.booleans())
def test_deltas_are_the_same_however_the_bytes_are_cut(cuts: list[int], fails: bool) -> None:
    data = b"".join(map(wire.delta_to_line, DELTAS))
    data += wire.error_to_line(ModelCallError("late")) if fails else b""
    lines, got, failures = wire.delta_lines(), [], []
    for size in [*cuts, len(data)]:
        chunk, data = data[:size], data[size:]
        deltas, failure = lines.feed(chunk)
        got += deltas
        failures += [failure] if failure is not None else []
    assert got == DELTAS
    assert lines.is_between_lines
    assert [str(each) for each in failures] == (["late"] if fails else [])


def _rate_limited() -> RateLimitedError:
    error = RateLimitedError("slow down", hint="wait", provider="saas/openai", model="m", status=429, retryable=True)
    error.retry_after = 1.5
    return error


@pytest.mark.parametrize(
    "error",
    [
        _rate_limited(),
        BadInputError("wrong", hint="right"),
        MissingSettingError("none", setting="api_key"),
        UndefinedVariableError("who?", variable="x"),
    ],
)
def test_an_error_of_ours_arrives_with_its_class_and_all_that_it_carries(error: ByzerError) -> None:
    again = wire.error_from_bytes(wire.error_to_line(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)  # the notes too


def test_a_strangers_error_is_quoted() -> None:
    again = wire.error_from_bytes(wire.error_to_line(ZeroDivisionError("division by zero")))
    assert isinstance(again, ModelCallError)
    assert str(again) == "The engine failed: ZeroDivisionError: division by zero"
