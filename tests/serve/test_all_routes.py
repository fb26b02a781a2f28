"""What holds for every route, whatever it does."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from byzer_nb.serve.routes import ROUTES, RouteSpec
from tests.serve.engines import TEXT_ONLY, Forgetting, Media, Watched, with_tools
from tests.serve.gateways import RunningGateway, eventually
from tests.serve.generated import FORMS, DirectGateway, Generator, validator
from tests.serve.sockets import Plain
from tests.serve.test_hostile_bodies import BROKEN

POSTS = [route for route in ROUTES if route.method == "POST" and "{" not in route.path]
BY_BODY = [route for route in POSTS if "transcriptions" not in route.path]  # that one takes a form
JSON = ((b"content-type", b"application/json"),)


def name_of(route: RouteSpec) -> str:
    """Its method and its path."""
    return f"{route.method} {route.path}"


def is_told(answer: httpx.Response) -> bool:
    """Whether an error has the form of one of the protocols."""
    told = answer.json()
    return bool(told.get("error", {}).get("message") or told.get("message"))


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_body_that_is_no_request_is_refused_everywhere(http: httpx.Client, body: bytes) -> None:
    for route in POSTS:
        answer = http.post(route.path, content=body, headers={"content-type": "application/json"})
        assert 400 <= answer.status_code < 500, (route.path, answer.text)
        assert is_told(answer), (route.path, answer.text)


@pytest.mark.parametrize("route", POSTS, ids=name_of)
def test_unknown_field_is_refused_by_its_name(http: httpx.Client, route: RouteSpec) -> None:
    answer = http.post(route.path, json={"model": "echo", "no_such_field": 1})
    assert 400 <= answer.status_code < 500
    assert is_told(answer)


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_every_method_is_answered(http: httpx.Client, route: RouteSpec) -> None:
    path = route.path.replace("{name:path}", "echo").replace("{id}", "resp_none")
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        answer = http.request(method, path)
        assert answer.status_code < 500, (method, path, answer.text)
        assert any(name.endswith("request-id") for name in answer.headers)


BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "hi"}]},
    "/v1/completions": {"prompt": "hi"},
    "/v1/responses": {"input": "hi"},
    "/v1/messages": {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 1000},
}


@pytest.mark.parametrize("path", BODIES)
def test_model_that_is_not_there_is_a_404(http: httpx.Client, path: str) -> None:
    answer = http.post(path, json={"model": "nobody", **BODIES[path]})
    assert answer.status_code == 404
    assert "nobody" in answer.text


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_hang_up_stops_the_model_whatever_the_protocol(gateway: RunningGateway, path: str, stream: bool) -> None:
    slow: Watched = gateway.engines["slow"]
    slow.forget()
    body = json.dumps({"model": "slow", "stream": stream, **BODIES[path]}).encode()
    with Plain(gateway) as plain:
        plain.send(
            b"POST %s HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % (path.encode(), len(body)) + body
        )
        assert eventually(lambda: slow.running == 1)
    assert slow.was_stopped.wait(5)
    assert eventually(lambda: gateway.is_at_rest)


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_no_failure_of_a_model_goes_unsaid(http: httpx.Client, path: str, stream: bool) -> None:
    for model in ("failing", "odd", "limited", "breaking", "odd_later"):
        answer = http.post(path, json={"model": model, "stream": stream, **BODIES[path]})
        if answer.status_code == 200:
            assert stream
            assert "error" in answer.text.rstrip().rpartition("\n\n")[2], (model, answer.text)
        else:
            assert answer.status_code in (429, 500, 502)
            assert is_told(answer)
        assert "sk-upstream" not in answer.text or model == "failing"


# -- forms ------------------------------------------------------------------------------------------------------------

MODELS = {
    "able": Forgetting(with_tools),
    "plain": Forgetting("Seven.", capabilities=TEXT_ONLY),
    "media": Media(),
}
DESCRIBED = ("/v1/completions", "/v1/embeddings", "/v1/audio/speech", "/v1/images/generations")


@pytest.fixture(scope="module")
def direct() -> Iterator[DirectGateway]:
    """The gateway without a socket."""
    with DirectGateway(MODELS) as gateway:
        yield gateway


def check(gateway: DirectGateway, path: str, body: Any) -> int:
    """Ask, and hold the answer to the form that the description gives it."""
    status, headers, answer = gateway.call("POST", path, json.dumps(body).encode(), JSON)
    if status != 200:
        assert status in (400, 404), (body, answer)
        validator("Failure").validate(json.loads(answer))
        return status
    content = FORMS["paths"][path]["post"]["responses"]["200"]["content"]
    kind = headers[b"content-type"].partition(b";")[0].decode()
    if kind == "application/json":
        validator(content[kind]["schema"]["$ref"].rpartition("/")[2]).validate(json.loads(answer))
    elif kind == "text/event-stream" and kind in content:
        for event in answer.decode().removesuffix("\n\n").split("\n\n")[:-1]:
            form = content[kind]["schema"]["$ref"].rpartition("/")[2]
            validator(form).validate(json.loads(event.removeprefix("data: ")))
    return status


@pytest.mark.contract("SERVE-04", "SERVE-05")
@pytest.mark.parametrize("path", DESCRIBED)
def test_requests_of_the_described_forms_get_such_answers(direct: DirectGateway, path: str) -> None:
    form = FORMS["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    generator = Generator(3)
    statuses: Counter[int] = Counter()
    for number in range(600):
        body = generator.fitting(form)
        body["model"] = ("able", "plain")[number % 2] if path == "/v1/completions" else "media"
        if isinstance(body.get("n"), int):
            body["n"] = min(body["n"], 3)
            body.pop("best_of", None)
        statuses[check(direct, path, body)] += 1
        statuses[check(direct, path, generator.broken(body))] += 1
    assert statuses[200] > 50, statuses
    assert statuses[400] > 50, statuses
