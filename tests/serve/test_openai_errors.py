"""Models by name, and what goes wrong, as the classes of OpenAI's own client."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import openai as openai_package
import pytest
from openai import NotFoundError, OpenAI, OpenAIError

from tests.serve.conftest import OpenGateway
from tests.serve.engines import SECRET

HELLO: Any = [{"role": "user", "content": "hello there"}]


# -- models ---------------------------------------------------------------------------------------------------------


@pytest.mark.contract("SERVE-01", "SERVE-06")
def test_list_names_every_model(openai: OpenAI, http: httpx.Client) -> None:
    openai.chat.completions.create(model="byzer-tiny", messages=HELLO, max_tokens=1)
    models = list(openai.models.list())
    assert {"byzer-tiny", "echo", "media", "tools"} <= {model.id for model in models}
    assert {(model.object, model.owned_by) for model in models} == {("model", "byzerllm")}
    assert all(model.created > 0 for model in models)
    assert http.get("/v1/models").json()["object"] == "list"


@pytest.mark.contract("SERVE-06")
def test_one_model_is_found_by_its_name(openai: OpenAI) -> None:
    assert openai.models.retrieve("echo").id == "echo"
    with pytest.raises(NotFoundError, match="ecko"):
        openai.models.retrieve("ecko")


def test_name_with_a_slash_is_a_name(open_gateway: OpenGateway) -> None:
    from byzer_nb import ScriptedEngine

    running = open_gateway({"org/model": ScriptedEngine("hi")})
    with OpenAI(base_url=running.base_url, api_key="x") as client:
        assert client.models.retrieve("org/model").id == "org/model"
        answer = client.chat.completions.create(model="org/model", messages=HELLO)
    assert answer.choices[0].message.content == "hi"


@pytest.mark.contract("SERVE-06")
def test_served_model_answers_whatever_is_asked_for(open_gateway: OpenGateway) -> None:
    running = open_gateway(served_model_name="tools")
    with OpenAI(base_url=running.base_url, api_key="x") as client:
        assert [model.id for model in client.models.list()] == ["tools"]
        answer = client.chat.completions.create(model="gpt-4", messages=HELLO)
    assert answer.choices[0].message.content == "I have no tools."


# -- errors ---------------------------------------------------------------------------------------------------------

EXPECTED: list[tuple[str, type[OpenAIError], int, str]] = [
    ("nobody", openai_package.NotFoundError, 404, "model_not_found"),
    ("failing", openai_package.InternalServerError, 502, "upstream_failed"),
    ("breaking", openai_package.InternalServerError, 502, "upstream_failed"),
    ("limited", openai_package.RateLimitError, 429, "rate_limit_exceeded"),
    ("locked", openai_package.InternalServerError, 502, "upstream_refused"),
    ("odd", openai_package.InternalServerError, 500, "server_error"),
    ("media", openai_package.BadRequestError, 400, "unsupported"),
]


@pytest.mark.parametrize(("model", "kind", "status", "code"), EXPECTED, ids=[model for model, *_ in EXPECTED])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_failure_has_its_class_its_status_and_its_code(
    openai: OpenAI, model: str, kind: type[Any], status: int, code: str, stream: bool
) -> None:
    if model == "breaking" and stream:
        kind, status = openai_package.APIError, 200
    with pytest.raises(kind) as failed:
        for _ in openai.chat.completions.create(model=model, messages=HELLO, stream=stream):
            pass
    assert failed.value.code == code
    if status != 200:
        assert failed.value.status_code == status
        assert failed.value.request_id


def test_wish_of_the_provider_is_handed_on(openai: OpenAI) -> None:
    with pytest.raises(openai_package.RateLimitError) as limited:
        openai.chat.completions.create(model="limited", messages=HELLO)
    assert limited.value.response.headers["retry-after"] == "7"


@pytest.mark.contract("SERVE-02")
def test_unknown_model_is_told_in_both_forms(http: httpx.Client) -> None:
    told = http.post("/v1/chat/completions", json={"model": "ecko", "messages": HELLO}).json()
    assert told["object"] == "error"
    assert told["code"] == 404
    assert told["type"] == told["error"]["type"] == "NotFoundError"
    assert told["message"] == told["error"]["message"]
    assert told["message"].startswith("The model `ecko` does not exist.")
    assert "echo" in told["message"]


def test_surprise_is_logged_here_and_tells_nothing_outside(
    http: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    answer = http.post("/v1/chat/completions", json={"model": "odd", "messages": HELLO})
    assert answer.status_code == 500
    assert SECRET not in answer.text
    assert answer.headers["x-request-id"] in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("POST", "/", 404),
        ("GET", "/v1/chat/completions", 405),
        ("DELETE", "/v1/models/echo", 405),
    ],
)
def test_address_that_is_not_there_is_told_in_the_same_form(
    http: httpx.Client, method: str, path: str, status: int
) -> None:
    answer = http.request(method, path)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == "unknown_url"
    assert path in answer.json()["error"]["message"]
    assert answer.headers["x-request-id"]


@pytest.mark.contract("SERVE-02")
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_every_answer_names_its_request(http: httpx.Client, stream: bool) -> None:
    seen = set()
    for model in ("echo", "nobody", "failing", "odd"):
        answer = http.post("/v1/chat/completions", json={"model": model, "messages": HELLO, "stream": stream})
        seen.add(answer.headers["x-request-id"])
    assert len(seen) == 4


def test_no_word_of_a_conversation_is_logged(http: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="byzer_nb")
    asked: Any = [{"role": "user", "content": "a-secret-word"}]
    for model in ("echo", "failing", "odd", "breaking", "nobody", "text_only"):
        for stream in (False, True):
            http.post("/v1/chat/completions", json={"model": model, "messages": asked, "stream": stream})
    http.post("/v1/chat/completions", json={"model": "echo", "messages": "a-secret-word"})
    http.post("/v1/chat/completions", content=b'{"a-secret-word')
    assert "/v1/chat/completions" in caplog.text
    assert "a-secret-word" not in caplog.text
