"""A secret shows itself nowhere, and still gets to where it is needed."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import pprint
import traceback
from dataclasses import asdict, dataclass

import msgspec
import pydantic_core
import pytest
import yaml

from byzer_nb.errors import WrongTypeError
from byzer_nb.types import DeploySpec, Secret
from byzer_nb.types.secret import names_a_secret, with_secrets

CANARY = "sk-CANARY0123456789"


@dataclass
class Login:
    user: str
    key: Secret


@pytest.fixture
def secret() -> Secret:
    return Secret(CANARY)


def test_reveal_gives_it(secret: Secret) -> None:
    assert secret.reveal() == CANARY
    assert Secret(secret).reveal() == CANARY


def test_no_text_made_of_it_shows_it(secret: Secret) -> None:
    login = Login("ada", secret)
    texts = [
        repr(secret),
        str(secret),
        f"{secret} {secret!r} {secret!s} {secret:>20} {secret:20}",
        "%s %r" % (secret, secret),  # noqa: UP031
        "{} {:^30}".format(secret, secret),  # noqa: UP032
        repr(login),
        repr(asdict(login)),
        repr(vars(login)),
        pprint.pformat({"login": [login, secret]}),
        repr([secret, (secret,), {secret: secret}]),
        json.dumps({"key": secret}, default=str),
        repr(DeploySpec(name="m", engine="saas/openai", settings={"api_key": secret})),
    ]
    assert [text for text in texts if "CANARY" in text] == []
    assert "******" in str(secret)


@pytest.mark.parametrize(
    "write",
    [json.dumps, yaml.dump, yaml.safe_dump, msgspec.json.encode, msgspec.msgpack.encode, pydantic_core.to_json],
    ids=lambda each: f"{each.__module__}.{each.__name__}",
)
def test_no_writer_of_text_takes_it(write: object, secret: Secret) -> None:
    assert callable(write)
    with pytest.raises((TypeError, ValueError, yaml.YAMLError)) as refused:
        write({"key": secret})
    assert "CANARY" not in str(refused.value)


@pytest.mark.parametrize("protocol", range(4))
def test_the_old_pickles_that_are_text_do_not_take_it(protocol: int, secret: Secret) -> None:
    with pytest.raises(WrongTypeError, match="not written as text"):
        pickle.dumps(secret, protocol)


def test_a_traceback_with_local_variables_does_not_show_it(secret: Secret) -> None:
    def use(key: Secret, spec: Login) -> None:
        raise RuntimeError(f"refused: {key}")

    try:
        use(secret, Login("ada", secret))
    except RuntimeError as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "refused: ******" in shown
    assert "CANARY" not in shown


def test_a_log_does_not_show_it(secret: Secret, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("byzer_nb.test").warning("key %s, login %r", secret, Login("ada", secret))
    assert "CANARY" not in caplog.text


def test_it_has_no_dict_to_look_into(secret: Secret) -> None:
    assert not hasattr(secret, "__dict__")


def test_it_is_true_when_there_is_one(secret: Secret) -> None:
    assert secret
    assert not Secret("")
    assert (repr(Secret("")), str(Secret(""))) == ("Secret('')", "")


def test_it_equals_its_like_and_no_plain_text(secret: Secret) -> None:
    assert secret == Secret(CANARY)
    assert hash(secret) == hash(Secret(CANARY))
    assert secret != CANARY
    assert secret != Secret("other")


def test_it_travels_to_another_process(secret: Secret) -> None:
    for arrived in (pickle.loads(pickle.dumps(secret)), copy.copy(secret), copy.deepcopy(Login("a", secret)).key):
        assert arrived.reveal() == CANARY


@pytest.mark.parametrize("value", [None, 5, b"sk-CANARY", ["sk-CANARY"]])
def test_what_is_no_text_is_refused_without_being_shown(value: object) -> None:
    with pytest.raises(WrongTypeError, match="A secret is a string") as refused:
        Secret(value)  # type: ignore[arg-type]
    assert "CANARY" not in str(refused.value)


@pytest.mark.parametrize(
    "name",
    ["api_key", "KEY", "apikey", "client-secret", "hf_token", "proxy.password", "Authorization", "saas.api_keys"],
)
def test_a_name_tells_a_secret(name: str) -> None:
    assert names_a_secret(name)


@pytest.mark.parametrize("name", ["max_tokens", "tokenizer", "monkey", "base_url", "keyspath", "model"])
def test_other_names_do_not(name: str) -> None:
    assert not names_a_secret(name)


def test_settings_get_their_secrets_hidden() -> None:
    given = {"api_key": CANARY, "max_tokens": 5, "model": "m", "token": None}
    hidden = with_secrets(given)
    assert hidden == {"api_key": Secret(CANARY), "max_tokens": 5, "model": "m", "token": None}
    assert given["api_key"] == CANARY


@pytest.mark.parametrize(
    "value",
    [
        f"http://user:{CANARY}@proxy.example.com:3128",
        f"https://{CANARY}@example.com",
        f"https://example.com/v1?api_key={CANARY}",
        CANARY,
    ],
)
def test_what_looks_like_a_secret_is_hidden_under_any_name(value: str) -> None:
    assert with_secrets({"proxies": value})["proxies"] == Secret(value)
    assert "CANARY" not in repr(with_secrets({"proxies": {"https": value}, "tried": [value, (value,)]}))


@pytest.mark.parametrize(
    "value", ["http://127.0.0.1:9/v1?a=b", "mail me@example.com", "sk-1", "see http://u:p/ or", ""]
)
def test_other_texts_stay_as_they_are(value: str) -> None:
    assert with_secrets({"reply": value, "pair": (value, 1)}) == {"reply": value, "pair": (value, 1)}


def test_everything_under_a_secret_name_is_hidden_however_deep() -> None:
    hidden = with_secrets({"api_keys": ["a", ("b",)], "token": {"read": "c", "age": 5}, "headers": {"X-Api-Key": "d"}})
    assert hidden == {
        "api_keys": [Secret("a"), [Secret("b")]],
        "token": {"read": Secret("c"), "age": 5},
        "headers": {"X-Api-Key": Secret("d")},
    }
