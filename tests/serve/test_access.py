"""Who may come in, how often, and for how much; and that no key is ever seen again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import openai as openai_package
import pytest
from openai import OpenAI

from byzer_nb.errors import BadInputError, MissingFileError
from byzer_nb.serve.keys import KeyEntry, Keyring, hash_of, new_key, read_keys
from byzer_nb.serve.settings import Cors, ServeSettings
from tests.serve.conftest import ENTRIES, KEYS, OpenGateway
from tests.serve.engines import Watched
from tests.serve.gateways import RunningGateway, eventually
from tests.serve.sockets import CHAT, Plain, chat_body

HELLO: Any = [{"role": "user", "content": "hi"}]
OPEN = ("/health", "/version")
Ask = Callable[..., httpx.Response]


@pytest.fixture
def web(guarded: RunningGateway) -> Iterator[httpx.Client]:
    """Plain HTTP to the guarded gateway."""
    with httpx.Client(base_url=guarded.origin, timeout=30) as client:
        yield client


@pytest.fixture
def ask(web: httpx.Client) -> Ask:
    """Asks the guarded gateway with somebody's key."""

    def ask(who: str = "", *, model: str = "echo", **given: Any) -> httpx.Response:
        body = {"model": model, "messages": HELLO, **given}
        return web.post("/v1/chat/completions", json=body, headers=key_of(who) if who else {})

    return ask


def key_of(who: str) -> dict[str, str]:
    """The header with somebody's key."""
    return {"authorization": f"Bearer {KEYS.get(who, who)}"}


# -- the door ---------------------------------------------------------------------------------------------------------


@pytest.mark.contract("SERVE-07")
def test_every_route_but_two_wants_a_key(web: httpx.Client) -> None:
    from byzer_nb.serve.routes import ROUTES

    for route in ROUTES:
        path = route.path.replace("{name:path}", "echo").replace("{", "").replace("}", "")
        answer = web.request(route.method, path)
        assert (answer.status_code == 401) is (path not in OPEN), path
        assert path in OPEN or answer.headers["www-authenticate"] == "Bearer"
        assert any(name.endswith("request-id") for name in answer.headers), path


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/openapi.json", "/v1", "/v1/models/", "//v1/models", "/v1/%2e%2e/metrics"]
)
def test_nobody_learns_without_a_key_what_is_not_there(guarded: RunningGateway, web: httpx.Client, path: str) -> None:
    assert web.get(guarded.origin + path).status_code == 401
    assert web.get(guarded.origin + path, headers=key_of("ann")).status_code == 404


@pytest.mark.contract("SERVE-07")
def test_refusal_has_the_promised_form(ask: Ask) -> None:
    answer = ask()
    assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})


@pytest.mark.parametrize(
    "key",
    ["wrong", KEYS["ann"][:-1], KEYS["ann"] + "x", KEYS["ann"].upper(), hash_of(KEYS["ann"]), "é", "x" * 9000],
)
def test_key_that_is_not_quite_right_opens_nothing(web: httpx.Client, key: str) -> None:
    for headers in ({"authorization": f"Bearer {key}".encode()}, {"x-api-key": key.encode()}):
        assert web.get("/v1/models", headers=headers).status_code == 401


@pytest.mark.parametrize("scheme", ["", "Basic ", "bearer", "Token ", "Bearer  x "])
def test_key_in_another_scheme_opens_nothing(web: httpx.Client, scheme: str) -> None:
    headers = {"authorization": f"{scheme}{KEYS['ann']}"}
    assert web.get("/v1/models", headers=headers).status_code == 401


@pytest.mark.contract("SERVE-07")
@pytest.mark.parametrize(
    "headers", [{"authorization": f"Bearer {KEYS['ann']}"}, {"authorization": f"bearer {KEYS['ann']}"},
                {"x-api-key": KEYS["ann"]}]
)  # fmt: skip
def test_key_opens_the_door(web: httpx.Client, headers: dict[str, str]) -> None:
    for path in ("/v1/models", "/metrics", "/requests"):
        assert web.get(path, headers=headers).status_code == 200


@pytest.mark.contract("SERVE-07")
def test_official_client_comes_in_with_its_key(guarded: RunningGateway) -> None:
    with OpenAI(base_url=guarded.base_url, api_key=KEYS["ann"]) as client:
        assert client.chat.completions.create(model="echo", messages=HELLO).choices[0].message.content == "hi"
    stranger = OpenAI(base_url=guarded.base_url, api_key="wrong", max_retries=0)
    with stranger, pytest.raises(openai_package.AuthenticationError):
        stranger.models.list()


def test_key_is_asked_for_before_the_body_comes(guarded: RunningGateway) -> None:
    with Plain(guarded) as plain:
        plain.send(CHAT + b"content-length: 1000\r\n\r\n")
        assert plain.answer()[0] == 401


# -- limits -----------------------------------------------------------------------------------------------------------


def test_requests_of_a_minute_are_counted_by_key(ask: Ask) -> None:
    assert [ask("bob").status_code for _ in range(3)] == [200, 200, 429]
    refused = ask("bob")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert "'bob'" in refused.json()["error"]["message"]
    assert ask("ann").status_code == 200


def test_requests_that_fail_count_too(ask: Ask) -> None:
    assert [ask("bob", model="nobody").status_code for _ in range(3)] == [404, 404, 429]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_tokens_of_a_minute_are_counted_by_key(ask: Ask, stream: bool) -> None:
    assert ask("cid", stream=stream, messages=[{"role": "user", "content": "one two three"}]).status_code == 200
    refused = ask("cid", stream=stream)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_budget_is_spent_on_models_with_a_price(ask: Ask, stream: bool) -> None:
    for _ in range(3):
        assert ask("dan", stream=stream).status_code == 200  # costs nothing
    assert [ask("dan", model="priced", stream=stream).status_code for _ in range(3)] == [
        200,
        200,
        429,
    ]  # 2 dollars each
    refused = ask("dan", stream=stream)
    assert refused.json()["error"]["code"] == "budget_exceeded"
    assert "retry-after" not in refused.headers
    assert ask("ann", model="priced").status_code == 200


def test_hanging_up_does_not_save_the_tokens(open_gateway: OpenGateway) -> None:
    slow = Watched("word " * 50, token_delay=0.02)
    gateway = open_gateway({"slow": slow}, keys=ENTRIES)
    with_key = CHAT + f"authorization: Bearer {KEYS['cid']}\r\n".encode()
    body = chat_body("slow", stream=True)
    with Plain(gateway) as plain:
        plain.send(with_key + b"content-length: %d\r\n\r\n" % len(body) + body)
        for _ in range(8):
            assert plain.until(b"word")
    assert slow.was_stopped.wait(5)
    assert eventually(lambda: gateway.is_idle)
    answer = httpx.get(f"{gateway.base_url}/models", headers=key_of("cid"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limit_exceeded")


# -- what is shown ----------------------------------------------------------------------------------------------------


def test_no_key_is_seen_in_logs_errors_settings_and_answers(
    guarded: RunningGateway, web: httpx.Client, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seen = [repr(guarded.settings), repr(ENTRIES), repr(Keyring(ENTRIES))]
    for who in (*KEYS, "bz-test-wrong-key"):
        for model in ("echo", "odd", "failing", "nobody", "odd_later"):
            for stream in (False, True):
                answer = ask(who, model=model, stream=stream)
                seen += [answer.text, str(answer.headers)]
    seen += [web.get(path, headers=key_of("ann")).text for path in ("/requests", "/metrics", "/nowhere")]
    assert "who=ann" in caplog.text
    for key in (*KEYS.values(), "bz-test-wrong-key"):
        assert not any(key in text for text in (*seen, caplog.text))
    for entry in ENTRIES:
        assert not any(entry.hash in text for text in (*seen, caplog.text))


def test_guest_sees_his_own_requests_only(web: httpx.Client, ask: Ask) -> None:
    ask("ann")
    ask("bob")
    rows = {who: web.get("/requests", headers=key_of(who)).json()["data"] for who in ("ann", "bob")}
    assert {row["who"] for row in rows["ann"]} == {"ann"}
    assert {row["who"] for row in rows["bob"]} == {"bob"}


# -- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.contract("SERVE-07")
@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "192.168.0.1", "example.com", "localhost.example.com"])
def test_without_a_key_only_this_machine_is_served(host: str) -> None:
    with pytest.raises(BadInputError, match="Without a key"):
        ServeSettings(host=host)
    assert ServeSettings(host=host, keys=ENTRIES).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_is_served_without_a_key(host: str) -> None:
    assert ServeSettings(host=host).address.startswith("http://")


@pytest.mark.contract("SERVE-07")
def test_one_file_of_two_for_tls_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("")
    with pytest.raises(BadInputError, match="--ssl_certfile is missing"):
        ServeSettings(ssl_keyfile=str(tmp_path / "key.pem"))
    with pytest.raises(MissingFileError):
        ServeSettings(ssl_keyfile=str(tmp_path / "key.pem"), ssl_certfile=str(tmp_path / "no.pem"))


@pytest.mark.parametrize(
    "wrong", [{"port": 80000}, {"port": -1}, {"timeout": 0}, {"stall_seconds": -1}, {"workers": 0}, {"head_seconds": 0}]
)
def test_setting_that_cannot_be_is_an_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInputError, match=str(next(iter(wrong.values())))):
        ServeSettings(**wrong)


def test_new_keys_are_long_and_never_the_same() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("bz-") and len(key) > 40 for key in keys)


def test_file_of_keys_gives_the_entries(tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    file.write_text(
        f"- {{name: ann, hash: {hash_of('a')}, requests_per_minute: 3}}\n- {{name: bob, hash: {hash_of('b')}}}\n"
    )
    assert read_keys(file) == (
        KeyEntry(name="ann", hash=hash_of("a"), requests_per_minute=3),
        KeyEntry(name="bob", hash=hash_of("b")),
    )


BAD_FILES = {
    "no list": "name: ann",
    "no YAML": "- {",
    "an unknown field": f"- {{name: a, hash: {hash_of('a')}, budgget: 3}}",
    "no hash": "- {name: a}",
    "a key instead of a hash": "- {name: a, hash: bz-0123456789}",
    "a negative limit": f"- {{name: a, hash: {hash_of('a')}, budget: -1}}",
    "one name twice": f"- {{name: a, hash: {hash_of('a')}}}\n- {{name: a, hash: {hash_of('b')}}}",
    "a number": "- 7",
}


@pytest.mark.parametrize("text", BAD_FILES.values(), ids=BAD_FILES)
def test_file_of_keys_that_is_wrong_is_an_error_with_a_hint(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys.yaml"
    file.write_text(text)
    with pytest.raises(BadInputError) as wrong:
        read_keys(file)
    assert "bz-0123456789" not in f"{wrong.value} {wrong.value.hint}"


# -- browsers ---------------------------------------------------------------------------------------------------------

PREFLIGHT = {
    "origin": "https://page.example",
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization",
}


def test_pages_of_other_origins_may_not_call(http: httpx.Client) -> None:
    assert http.options("/v1/chat/completions", headers=PREFLIGHT).status_code == 403
    for path in ("/v1/models", "/health"):
        answer = http.get(path, headers={"origin": "https://page.example"})
        assert answer.status_code == 403
        assert """--allowed_origins '["https://page.example"]'""" in answer.json()["message"]
        assert not any(name.startswith("access-control") for name in answer.headers)


def test_a_page_from_here_may_call_where_no_key_is_wanted(http: httpx.Client) -> None:
    for origin in ("http://localhost:8888", "http://127.0.0.1:8888", "http://[::1]:8888", "http://app.localhost"):
        assert http.get("/v1/models", headers={"origin": origin}).status_code == 200
    for origin in ("http://localhost.example", "http://notlocalhost", "http://localhost@evil.example"):
        assert http.get("/v1/models", headers={"origin": origin}).status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "[", "10.0.0.7:8000"])
def test_a_name_that_somebody_lets_point_here_is_not_answered_without_a_key(http: httpx.Client, host: str) -> None:
    answer = http.get("/v1/models", headers={"host": host})
    assert answer.status_code == 403
    assert "start it with a key" in answer.json()["message"]


def test_an_allowed_page_may_call_without_a_key_and_no_other(open_gateway: OpenGateway) -> None:
    gateway = open_gateway(cors=Cors(origins=("https://page.example",)))
    answers = [
        httpx.get(f"{gateway.base_url}/models", headers={"origin": origin}).status_code
        for origin in ("https://page.example", "https://other.example", "null")
    ]
    assert answers == [200, 403, 403]


@pytest.mark.contract("SERVE-07")
def test_pages_may_call_where_that_is_set(open_gateway: OpenGateway) -> None:
    gateway = open_gateway(keys=ENTRIES, cors=Cors(origins=("https://page.example",)))
    allowed = httpx.options(f"{gateway.base_url}/chat/completions", headers=PREFLIGHT)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "https://page.example"
    near = PREFLIGHT | {"access-control-request-private-network": "true"}  # as browsers ask for addresses at home
    answer = httpx.options(f"{gateway.base_url}/chat/completions", headers=near)
    assert (answer.status_code, answer.headers["access-control-allow-private-network"]) == (200, "true")
    other = httpx.options(
        f"{gateway.base_url}/chat/completions", headers=PREFLIGHT | {"origin": "https://evil.example"}
    )
    assert "access-control-allow-origin" not in other.headers
    refused = httpx.get(f"{gateway.base_url}/models", headers={"origin": "https://page.example"})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "https://page.example"
