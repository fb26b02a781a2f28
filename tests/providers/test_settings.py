"""The settings of a provider, as `load` takes them."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from byzer_nb import load
from byzer_nb.engines import build
from byzer_nb.errors import BadInputError, MissingSettingError, UnknownNameError
from byzer_nb.providers.openai import OpenAI
from byzer_nb.types import DeploySpec, Secret
from byzer_nb.types.settings import Settings, SettingWarning


def settings(**given: Any) -> Settings:
    return Settings(DeploySpec(name="chat", engine="saas/openai", settings=given))


def engine(**given: Any) -> OpenAI:
    built = build(DeploySpec(name="chat", engine="saas/openai", settings={"api_key": "sk-1"} | given))
    assert isinstance(built, OpenAI)
    return built


@pytest.mark.contract("SAAS-02")
@pytest.mark.parametrize(("given", "expected"), [("10", 10), (10, 10), (" '7' ", 7), (10.0, 10), (None, 3)])
def test_numbers_may_be_strings(given: Any, expected: int) -> None:
    assert settings(max_retries=given).whole("max_retries", default=3) == expected


def test_what_came_from_the_environment_may_be_any_kind_and_is_quoted_in_no_error() -> None:
    given = settings(n=Secret("3"), f=Secret("off"), u=Secret("http://x"), wrong=Secret("hidden-words"))
    assert (given.whole("n", default=0), given.flag("f", default=True), given.text("u")) == (3, False, "http://x")
    with pytest.raises(BadInputError, match="wrong must be a number") as refused:
        given.number("wrong", default=1)
    assert "hidden" not in str(refused.value)


@pytest.mark.contract("SAAS-02")
@pytest.mark.parametrize(
    ("given", "expected"), [("false", False), (False, False), ("True", True), (1, True), ("off", False), (None, True)]
)
def test_flags_may_be_strings(given: Any, expected: bool) -> None:
    assert settings(https_verify=given).flag("https_verify", default=True) is expected


@pytest.mark.contract("SAAS-02")
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"max_retries": "many"}, "max_retries must be a number of at least 0, not 'many'."),
        ({"max_retries": -1}, "max_retries must be a number of at least 0, not -1."),
        ({"max_retries": 1.5}, "max_retries must be a whole number, not 1.5."),
        ({"timeout": 0}, "timeout must be a number of at least 0.001, not 0."),
        ({"timeout": "nan"}, "timeout must be a number of at least 0.001, not 'nan'."),
        ({"is_reasoning": "maybe"}, "is_reasoning must be true or false, not 'maybe'."),
        ({"model": 4}, "model must be text, not 4."),
        ({"proxies": "socks5://proxy:1"}, "proxies must be the address of an HTTP proxy."),
        ({"proxies": "http://me:password@proxy:99999"}, "proxies must be the address of an HTTP proxy."),
        (
            {"https_verify": "/no/such/ca.pem"},
            "https_verify names a CA bundle that cannot be read: '/no/such/ca.pem'.",
        ),
    ],
)
def test_wrong_value_is_named_when_the_model_is_deployed(given: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInputError) as caught:
        engine(**given)
    assert str(caught.value) == words
    assert caught.value.hint


@pytest.mark.contract("SAAS-02")
def test_hint_is_what_to_type_next() -> None:
    with pytest.raises(BadInputError) as caught:
        engine(max_retries="many")
    assert caught.value.hint == "Write: load('chat', 'saas/openai', max_retries=10)"


@pytest.mark.contract("SAAS-04")
@pytest.mark.parametrize("name", ["https_verify", "base_url", "timeout", "is_reasoning", "model"])
@pytest.mark.parametrize("key", ["/certs/sk-canary-0123456789.pem", "/certs/canary-0123456789/ca.pem"])
def test_key_in_the_wrong_place_is_not_quoted(name: str, key: str) -> None:
    wrong: object = [key] if name == "model" else key
    with pytest.raises(BadInputError) as caught:
        engine(api_key=Secret("canary-0123456789"), **{name: wrong})
    assert "canary" not in str(caught.value)
    assert "******" in str(caught.value)


@pytest.mark.contract("SAAS-02")
@pytest.mark.parametrize("given", [{}, {"api_key": ""}, {"api_key": None}, {"api_key": " "}, {"api_key": Secret("")}])
def test_missing_key_is_a_value_error_that_names_it(given: dict[str, Any]) -> None:
    with pytest.raises(MissingSettingError) as caught:
        build(DeploySpec(name="chat", engine="saas/openai", settings=given))
    assert str(caught.value) == "saas/openai needs the setting api_key."
    assert caught.value.setting == "api_key"
    assert caught.value.hint == "Write: load('chat', 'saas/openai', api_key=...)"


@pytest.mark.contract("SAAS-02")
def test_misspelt_key_is_told_before_the_missing_one() -> None:
    spec = DeploySpec(name="chat", engine="saas/openai", settings={"api_kye": "sk-1"})
    with (
        pytest.warns(SettingWarning, match=r"does not know api_kye\. Did you mean 'api_key'\?"),
        pytest.raises(MissingSettingError),
    ):
        build(spec)


@pytest.mark.contract("SAAS-02")
def test_every_setting_is_read_before_the_key_is_missed() -> None:
    given = {"model": "m", "proxies": "", "https_verify": "false", "max_output_tokens": 5, "timeout": 3, "api_base": ""}
    with pytest.raises(MissingSettingError):  # and no warning, which would be an error here
        build(DeploySpec(name="chat", engine="saas/openai", settings=given))


@pytest.mark.contract("SAAS-02")
def test_prefix_of_another_dialect_is_told_to_be_left_out() -> None:
    with pytest.raises(BadInputError, match=r"'saas\.api_key' has a prefix") as caught:
        load("chat", "saas/openai", **{"saas.api_key": "sk-canary"})
    assert caught.value.hint == "Write api_key without 'saas.': load('chat', 'saas/openai', api_key=...)"


@pytest.mark.contract("SAAS-04")
@pytest.mark.parametrize("key", ["sk-canary\r\nX-Evil: 1", "“sk-canary”", "sk-canary\0"])
def test_key_that_cannot_travel_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(BadInputError, match="has characters that no key has") as caught:
        engine(api_key=key)
    assert "canary" not in str(caught.value)


@pytest.mark.contract("SAAS-02")
def test_unknown_settings_give_one_warning_that_names_them_all() -> None:
    with pytest.warns(SettingWarning) as caught:
        engine(modle="gpt-4o", shoe_size=43)
    (warning,) = caught
    told = str(warning.message)
    assert told.startswith(
        "saas/openai does not know modle, shoe_size. Did you mean 'model'? Known: api_base, api_key,"
    )


@pytest.mark.contract("SAAS-10")
def test_settings_of_older_clients_are_taken_in_silence() -> None:
    older = {"api_base": "http://h:1/v1", "api_version": "2023-07-01-preview", "api_type": "open_ai"}
    assert "h:1" in repr(engine(**older))


@pytest.mark.contract("SAAS-02", "SAAS-10")
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, "https://api.openai.com/v1/chat/completions"),
        ("https://h", "https://h/v1/chat/completions"),
        ("https://h/", "https://h/v1/chat/completions"),
        ("https://h/v1", "https://h/v1/chat/completions"),
        ("https://h/v1/", "https://h/v1/chat/completions"),
        ("'https://h/v1'", "https://h/v1/chat/completions"),
        ("https://h/v1//", "https://h/v1/chat/completions"),
        ("https://h/v1/chat/completions", "https://h/v1/chat/completions"),
        ("https://h/beta", "https://h/beta/chat/completions"),
        ("https://h/v1beta/openai/", "https://h/v1beta/openai/chat/completions"),
        ("https://h/api/paas/v4", "https://h/api/paas/v4/chat/completions"),
        ("http://h:11434/v1/?api-version=1", "http://h:11434/v1/chat/completions?api-version=1"),
    ],
)
def test_base_url_gets_its_version_once(given: str | None, expected: str) -> None:
    assert str(engine(base_url=given).address) == expected


@pytest.mark.contract("SAAS-10")
@pytest.mark.parametrize("given", ["localhost:8000/v1", "https:/h/v1", "ftp://h", "h", "https://", "https://[::1"])
def test_base_url_that_is_none_is_shown(given: str) -> None:
    with pytest.raises(BadInputError) as caught:
        engine(base_url=given)
    assert repr(given) in str(caught.value)
    assert "base_url" in str(caught.value)


@pytest.mark.contract("SAAS-04")
def test_password_in_the_base_url_is_refused_without_showing_it() -> None:
    with pytest.raises(BadInputError, match=r"base_url must not carry") as caught:
        engine(base_url="https://me:canary@h/v1")
    assert "canary" not in str(caught.value)


def test_own_certificates_can_be_given(tmp_path: Path) -> None:
    bundle = ssl.get_default_verify_paths().cafile
    if bundle is None or not Path(bundle).exists():
        pytest.skip("this machine has no certificates")
    assert engine(https_verify=bundle)


@pytest.mark.contract("SAAS-01")
def test_both_names_of_openai_are_the_same_engine() -> None:
    for name in ("saas/openai", "saas/official_openai"):
        built = build(DeploySpec(name="chat", engine=name, settings={"api_key": "sk-1"}))
        assert isinstance(built, OpenAI)
        assert built.describe().engine == name


@pytest.mark.contract("SAAS-01")
def test_unknown_type_names_the_nearest_and_lists_all() -> None:
    with pytest.raises(UnknownNameError, match="No engine is called 'saas/opena'") as caught:
        build(DeploySpec(name="chat", engine="saas/opena"))
    assert "Did you mean 'saas/openai'?" in caught.value.hint
    assert "saas/official_openai" in caught.value.hint
