"""Responses that are read again, continued, made in the background, cancelled and forgotten."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from openai import BadRequestError, NotFoundError, OpenAI, RateLimitError

from byzer_nb import ScriptedEngine
from byzer_nb.errors import ModelCallError
from byzer_nb.serve.responses.kept import MOST_RUNNING
from byzer_nb.types import Reply, ToolCall
from tests.serve.conftest import ENTRIES, KEYS, OpenGateway
from tests.serve.engines import Priced, Watched
from tests.serve.gateways import RunningGateway, eventually

LONG = "word " * 500


def asked(gateway: RunningGateway, model: str = "recorded") -> list[tuple[str, str]]:
    """What the engine was asked last."""
    return [(turn.role, turn.text) for turn in gateway.engines[model].records[-1].messages]


def client_of(gateway: RunningGateway, key: str = "none is needed") -> OpenAI:
    """OpenAI's own client of a gateway."""
    return OpenAI(base_url=gateway.base_url, api_key=key, max_retries=0, timeout=60)


# -- reading again --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_stream", [False, True])
def test_a_response_can_be_read_again(openai: OpenAI, is_stream: bool) -> None:
    if is_stream:
        *_, last = openai.responses.create(model="echo", input="one two", stream=True)
        response = last.response
    else:
        response = openai.responses.create(model="echo", input="one two")
    assert openai.responses.retrieve(response.id).to_dict() == response.to_dict()


def test_what_shall_not_be_stored_is_not(openai: OpenAI) -> None:
    for is_stream in (False, True):
        answer: Any = openai.responses.create(model="echo", input="one two", store=False, stream=is_stream)
        response = list(answer)[-1].response if is_stream else answer
        with pytest.raises(NotFoundError):
            openai.responses.retrieve(response.id)
        with pytest.raises(NotFoundError):
            openai.responses.create(model="echo", input="on", previous_response_id=response.id)


def test_a_forgotten_response_is_unknown(openai: OpenAI) -> None:
    response = openai.responses.create(model="echo", input="one two")
    openai.responses.delete(response.id)
    with pytest.raises(NotFoundError):
        openai.responses.retrieve(response.id)
    with pytest.raises(NotFoundError):
        openai.responses.delete(response.id)


def test_what_is_unknown_is_told_in_openais_shape(http: httpx.Client) -> None:
    calls = [
        http.get("/v1/responses/resp_no"),
        http.delete("/v1/responses/resp_no"),
        http.post("/v1/responses/resp_no/cancel"),
        http.get("/v1/responses/resp_no/input_items"),
        http.post("/v1/responses", json={"model": "echo", "input": "x", "previous_response_id": "resp_no"}),
    ]
    assert [answer.status_code for answer in calls] == [404] * 5
    assert [answer.json()["error"]["code"] for answer in calls] == [
        *["response_not_found"] * 4,
        "previous_response_not_found",
    ]
    assert all("resp_no" in answer.json()["error"]["message"] for answer in calls)


def test_the_items_of_an_input_come_in_pages(openai: OpenAI) -> None:
    conversation: Any = [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "second"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "fourth"},
        {"id": None, "status": None, "role": "user", "content": "last"},
    ]
    response = openai.responses.create(model="tools", input=conversation)
    listed = openai.responses.input_items.list(response.id, order="asc", limit=2)
    assert [item.type for item in listed.data] == ["message", "message"]
    assert (listed.data[0].content[0].text, listed.data[0].content[0].type) == ("first", "input_text")
    assert listed.has_more
    everything: Any = list(openai.responses.input_items.list(response.id, order="asc", limit=2))
    assert [item.type for item in everything] == [
        "message",
        "message",
        "function_call",
        "function_call_output",
        "message",
    ]
    assert len({item.id for item in everything}) == 5
    newest_first: Any = list(openai.responses.input_items.list(response.id))
    assert [item.id for item in newest_first] == [item.id for item in reversed(everything)]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "order=up", "after=msg_no"])
def test_a_page_that_cannot_be_is_refused(openai: OpenAI, http: httpx.Client, query: str) -> None:
    response = openai.responses.create(model="echo", input="one")
    answer = http.get(f"/v1/responses/{response.id}/input_items?{query}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, query.partition("=")[0])


# -- going on -------------------------------------------------------------------------------------------------------


def test_a_conversation_goes_on_and_its_instructions_do_not(openai: OpenAI, gateway: RunningGateway) -> None:
    first = openai.responses.create(model="recorded", input="one", instructions="Be brief.")
    *_, second = openai.responses.create(model="recorded", input="two", previous_response_id=first.id, stream=True)
    third = openai.responses.create(
        model="recorded", input="three", previous_response_id=second.response.id, instructions="Be long."
    )
    assert asked(gateway) == [
        ("system", "Be long."),
        ("user", "one"),
        ("assistant", "one"),
        ("user", "two"),
        ("assistant", "two"),
        ("user", "three"),
    ]
    assert third.previous_response_id == second.response.id
    openai.responses.delete(second.response.id)
    openai.responses.create(model="recorded", input="four", previous_response_id=third.id)
    assert len(asked(gateway)) == 7


def test_a_conversation_may_fork(openai: OpenAI, gateway: RunningGateway) -> None:
    first = openai.responses.create(model="recorded", input="one")
    openai.responses.create(model="recorded", input="two", previous_response_id=first.id)
    openai.responses.create(model="recorded", input="other", previous_response_id=first.id)
    assert asked(gateway) == [("user", "one"), ("assistant", "one"), ("user", "other")]


def test_calls_keep_what_their_provider_wants_to_see_again(open_gateway: OpenGateway) -> None:
    call = ToolCall(name="f", id="c", proof="saas:thoughts")
    engine = ScriptedEngine(lambda request: Reply(text="", tool_calls=(call,)) if request.tools else "done")
    tools: Any = [{"type": "function", "name": "f", "parameters": {}}]
    result: Any = [{"type": "function_call_output", "call_id": "c", "output": "x"}]
    with client_of(open_gateway({"model": engine})) as client:
        first = client.responses.create(model="model", input="go", tools=tools)
        client.responses.create(model="model", input=result, previous_response_id=first.id)
    assert engine.records[-1].messages[1].tool_calls == (call,)


# -- whose they are, and how long -----------------------------------------------------------------------------------


def test_nobody_reads_the_response_of_another_key(guarded: RunningGateway) -> None:
    with client_of(guarded, KEYS["ann"]) as ann, client_of(guarded, KEYS["cid"]) as cid:
        response = ann.responses.create(model="echo", input="one", background=True)
        for ask in (cid.responses.retrieve, cid.responses.delete, cid.responses.cancel, cid.responses.input_items.list):
            with pytest.raises(NotFoundError):
                ask(response.id)
        with pytest.raises(NotFoundError):
            cid.responses.create(model="echo", input="two", previous_response_id=response.id)
        assert ann.responses.retrieve(response.id).id == response.id
    assert httpx.get(f"{guarded.base_url}/responses/{response.id}").json() == {"error": "Unauthorized"}


def test_the_oldest_go_when_there_is_no_room(open_gateway: OpenGateway) -> None:
    with client_of(open_gateway(kept_bytes=20_000)) as client:
        old, *_, new = [client.responses.create(model="echo", input="x" * 4000).id for _ in range(4)]
        assert client.responses.retrieve(new).id == new
        with pytest.raises(NotFoundError):
            client.responses.retrieve(old)


def test_a_long_conversation_counts_with_each_of_its_turns(open_gateway: OpenGateway) -> None:
    with client_of(open_gateway(kept_bytes=60_000)) as client:
        first = before = client.responses.create(model="echo", input="x" * 4000)
        for _ in range(3):
            before = client.responses.create(model="echo", input="y" * 4000, previous_response_id=before.id)
        with pytest.raises(NotFoundError):
            client.responses.retrieve(first.id)
        assert client.responses.retrieve(before.id).id == before.id


def test_they_are_kept_for_a_while_only(open_gateway: OpenGateway) -> None:
    with client_of(open_gateway(kept_seconds=0.05)) as client:
        response = client.responses.create(model="echo", input="one")

        def is_gone() -> bool:
            try:
                client.responses.retrieve(response.id)
            except NotFoundError:
                return True
            return False

        assert eventually(is_gone)


# -- in the background ----------------------------------------------------------------------------------------------


def finished(client: OpenAI, name: str) -> Any:
    """The response when it is over."""
    assert eventually(lambda: client.responses.retrieve(name).status not in ("queued", "in_progress"))
    return client.responses.retrieve(name)


def test_a_response_is_made_in_the_background(open_gateway: OpenGateway) -> None:
    slow = Watched("a long answer", token_delay=0.05)
    with client_of(open_gateway({"slow": slow})) as client:
        response = client.responses.create(model="slow", input="go", background=True)
        assert (response.status, response.background, response.output) == ("queued", True, [])
        assert slow.stopped == 0
        done = finished(client, response.id)
        assert (done.status, done.output_text, done.id) == ("completed", "a long answer", response.id)
        assert done.usage.output_tokens > 0
        after = client.responses.create(model="slow", input="on", previous_response_id=response.id)
    assert after.status == "completed"
    assert [turn.role for turn in slow.records[-1].messages] == ["user", "assistant", "user"]


def test_a_failure_in_the_background_is_told(open_gateway: OpenGateway) -> None:
    failing = ScriptedEngine(lambda _: ModelCallError("It broke."))
    with client_of(open_gateway({"failing": failing})) as client:
        done = finished(client, client.responses.create(model="failing", input="go", background=True).id)
    assert (done.status, done.error.code) == ("failed", "server_error")
    assert "It broke." in done.error.message


@pytest.mark.contract("SERVE-09")
def test_what_takes_too_long_in_the_background_fails(open_gateway: OpenGateway) -> None:
    slow = Watched(LONG, token_delay=0.05)
    with client_of(open_gateway({"slow": slow}, timeout=0.3)) as client:
        done = finished(client, client.responses.create(model="slow", input="go", background=True).id)
    assert (done.status, slow.stopped) == ("failed", 1)
    assert "longer than this gateway waits" in done.error.message


def test_only_so_many_are_made_in_the_background_at_once(open_gateway: OpenGateway) -> None:
    slow = Watched(LONG, delay=60)
    with client_of(open_gateway({"slow": slow})) as client:
        for _ in range(MOST_RUNNING):
            client.responses.create(model="slow", input="go", background=True)
        with pytest.raises(RateLimitError, match="in the background"):
            client.responses.create(model="slow", input="go", background=True)


def test_a_response_in_the_background_can_be_cancelled(open_gateway: OpenGateway) -> None:
    slow = Watched(LONG, token_delay=0.02)
    gateway = open_gateway({"slow": slow})
    with client_of(gateway) as client:
        response = client.responses.create(model="slow", input="go", background=True)
        assert slow.has_begun.wait(10)
        with pytest.raises(BadRequestError, match="still being made"):
            client.responses.create(model="slow", input="on", previous_response_id=response.id)
        assert client.responses.cancel(response.id).status == "cancelled"
        assert slow.was_stopped.wait(10)
        assert client.responses.retrieve(response.id).status == "cancelled"
        assert client.responses.cancel(response.id).status == "cancelled"
        assert httpx.get(f"{gateway.origin}/requests").json() != []


def test_forgetting_a_response_in_the_background_stops_it(open_gateway: OpenGateway) -> None:
    slow = Watched(LONG, token_delay=0.02)
    with client_of(open_gateway({"slow": slow})) as client:
        response = client.responses.create(model="slow", input="go", background=True)
        assert slow.has_begun.wait(10)
        client.responses.delete(response.id)
        assert slow.was_stopped.wait(10)


def test_only_what_is_in_the_background_can_be_cancelled(openai: OpenAI) -> None:
    response = openai.responses.create(model="echo", input="one")
    with pytest.raises(BadRequestError, match="not made in the background"):
        openai.responses.cancel(response.id)


def test_a_stream_in_the_background_outlives_its_listener_and_is_heard_again(open_gateway: OpenGateway) -> None:
    slow = Watched("one two three four five six", token_delay=0.05)
    with client_of(open_gateway({"slow": slow})) as client:
        stream = client.responses.create(model="slow", input="go", background=True, stream=True)
        first: Any = next(iter(stream))
        stream.close()
        name = first.response.id
        assert (first.type, first.response.status) == ("response.created", "queued")
        heard: list[Any] = list(client.responses.retrieve(name, stream=True))
        again: list[Any] = list(client.responses.retrieve(name, stream=True, starting_after=4))
        assert finished(client, name).output_text == "one two three four five six"
    assert slow.stopped == 0
    assert [event.type for event in heard[:3]] == ["response.created", "response.queued", "response.in_progress"]
    assert [event.sequence_number for event in heard] == list(range(len(heard)))
    assert heard[-1].type == "response.completed"
    assert [event.sequence_number for event in again] == list(range(5, len(heard)))


def test_without_a_stream_there_is_none_to_follow(openai: OpenAI) -> None:
    response = openai.responses.create(model="echo", input="one")
    with pytest.raises(BadRequestError, match="none to follow"):
        openai.responses.retrieve(response.id, stream=True)


def test_what_is_made_in_the_background_is_paid_for(open_gateway: OpenGateway) -> None:
    with client_of(open_gateway({"priced": Priced()}, keys=ENTRIES), KEYS["dan"]) as dan:
        finished(dan, dan.responses.create(model="priced", input="one two three", background=True).id)
        with pytest.raises(RateLimitError, match="budget"):
            dan.responses.create(model="priced", input="one")
