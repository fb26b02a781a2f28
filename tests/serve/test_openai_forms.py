"""The forms of OpenAI's public description: thousands of requests of them, and each answer held to its own."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from byzer_nb.types import ChatRequest, Reply
from tests.serve.engines import TEXT_ONLY, CallsApart, Forgetting, with_tools
from tests.serve.generated import FORMS, DirectGateway, Generator, validator

PATH = "/v1/chat/completions"
JSON = ((b"content-type", b"application/json"),)


class Able(Forgetting):
    """Calls tools and fits schemas; thinks where it has neither."""

    def __init__(self) -> None:
        super().__init__(_able)


def _able(request: ChatRequest) -> Any:
    if request.tools or request.schema is not None:
        return with_tools(request)
    return Reply(text="It is 4, or {}.", reasoning="Two and two.")


MODELS = {"able": Able(), "apart": CallsApart(), "plain": Forgetting("Seven.", capabilities=TEXT_ONLY)}


@pytest.fixture(scope="module")
def direct() -> Iterator[DirectGateway]:
    """The gateway without a socket."""
    with DirectGateway(MODELS) as gateway:
        yield gateway


def check(gateway: DirectGateway, body: bytes) -> int:
    """Ask, and hold the answer to its form."""
    status, headers, answer = gateway.call("POST", PATH, body, JSON)
    assert b"x-request-id" in headers
    if headers[b"content-type"].startswith(b"text/event-stream"):
        assert status == 200
        _check_stream(answer)
        return status
    told = json.loads(answer)
    if status == 200:
        validator("ChatAnswer").validate(told)
        return status
    validator("Failure").validate(told)
    if status == 502:  # asked for JSON, a model may write something else, and no form can forbid it
        assert told["error"]["code"] == "unusable_answer", answer
        assert b"response_format" in body, answer
        return status
    assert status in (400, 404), answer
    return status


def _check_stream(answer: bytes) -> None:
    assert answer.endswith(b"\n\n")
    *events, last = answer.decode().removesuffix("\n\n").split("\n\n")
    assert all(event.startswith("data: ") for event in events)
    for event in events:
        validator("ChatPiece").validate(json.loads(event.removeprefix("data: ")))
    if last != "data: [DONE]":
        validator("Failure").validate(json.loads(last.removeprefix("data: ")))


def request(generator: Generator, number: int) -> Any:
    """A request to one of the models."""
    body = generator.fitting(FORMS["components"]["schemas"]["ChatRequest"])
    body["model"] = ("able", "apart", "plain")[number % 3]
    if isinstance(body.get("n"), int):
        body["n"] = min(body["n"], 4)
    return body


@pytest.mark.contract("SERVE-02", "SERVE-03")
def test_every_request_of_the_described_form_gets_an_answer_of_the_described_form(direct: DirectGateway) -> None:
    generator = Generator(1)
    statuses = Counter(check(direct, json.dumps(request(generator, number)).encode()) for number in range(3_000))
    assert statuses[200] > 600, statuses  # else the answers were hardly looked at
    assert statuses[400] > 600, statuses


def test_request_that_is_nearly_of_that_form_never_fails_the_gateway(direct: DirectGateway) -> None:
    generator = Generator(2)
    statuses = Counter(
        check(direct, json.dumps(generator.broken(request(generator, number))).encode()) for number in range(3_000)
    )
    assert statuses[400] > 1_500, statuses
    assert statuses[200] > 50, statuses


def test_every_field_of_the_description_is_known_here(direct: DirectGateway) -> None:
    """One that is not is refused by name, and stands in this list."""
    unknown = []
    for name in FORMS["components"]["schemas"]["ChatRequest"]["properties"]:
        body: Any = {"model": "able", "messages": [{"role": "user", "content": "hi"}]}
        _, _, answer = direct.call("POST", PATH, json.dumps({name: None, **body}).encode(), JSON)
        if b"unknown field" in answer:
            unknown.append(name)
    assert unknown == ["prompt_cache_options", "moderation"]


@pytest.mark.contract("SERVE-06")
def test_models_have_the_described_form(direct: DirectGateway) -> None:
    status, _, answer = direct.call("GET", "/v1/models")
    listed = json.loads(answer)
    validator("Models").validate(listed)
    assert (status, {model["id"] for model in listed["data"]}) == (200, set(MODELS))
    for name in MODELS:
        status, _, answer = direct.call("GET", f"/v1/models/{name}")
        validator("Model").validate(json.loads(answer))


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_schemathesis_finds_no_request_that_fails_the_gateway(direct: DirectGateway, mode: GenerationMode) -> None:
    forms = deepcopy(FORMS)
    forms["components"]["schemas"]["ChatRequest"]["properties"]["model"] = {"enum": list(MODELS)}
    forms["components"]["schemas"]["ChatRequest"]["properties"]["n"] = {"enum": [1, 2, None]}
    operation = schemathesis.openapi.from_dict(forms)[PATH]["POST"]

    @settings(
        max_examples=120, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        body = case.body if isinstance(case.body, bytes) else json.dumps(case.body).encode()
        check(direct, body)

    ask()
