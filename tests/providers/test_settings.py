"""What users write under `saas.`."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from byzer_nb.engines import build
from byzer_nb.errors import BadInputError, UnknownNameError
from byzer_nb.providers.openai import OpenAI
from byzer_nb.providers.settings import Settings, SettingWarning
from byzer_nb.types import DeploySpec, Secret


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
        ({"max_retries": "many"}, "saas.max_retries must be a number of at least 0, not 'many'."),
        ({"max_retries": -1}, "saas.max_retries must be a number of at least 0, not -1."),
        ({"max_retries": 1.5}, "saas.max_retries must be a whole number, not 1.5."),
        ({"timeout": 0}, "saas.timeout must be a number of at least 0.001, not 0."),
        ({"timeout": "nan"}, "saas.timeout must be a number of at least 0.001, not 'nan'."),
        ({"is_reasoning": "maybe"}, "saas.is_reasoning must be true or false, not 'maybe'."),
        ({"model": 4}, "saas.model must be text, not 4."),
        ({"proxies": "socks5://proxy:1"}, "saas.proxies must be the address of an HTTP proxy."),
        (
            {"https_verify": "/no/such/ca.pem"},
            "saas.https_verify names a CA bundle that cannot be read: '/no/such/ca.pem'.",
        ),
    ],
)
def test_wrong_value_is_named_when_the_model_is_deployed(given: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInputError) as caught:
        engine(**given)
    assert str(caught.value) == words


@pytest.mark.contract("SAAS-02")
@pytest.mark.parametrize("given", [{}, {"api_key": ""}, {"api_key": None}, {"api_key": " "}, {"api_key": Secret("")}])
def test_missing_key_is_a_value_error_that_names_it(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError) as caught:
        build(DeploySpec(name="chat", engine="saas/openai", settings=given))
    assert str(caught.value) == "saas.api_key is required for SaaS models"


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
    assert [str(warning.message) for warning in caught] == [
        "saas/openai does not know saas.modle, saas.shoe_size. Did you mean 'saas.model'?"
    ]


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
    assert "saas.base_url" in str(caught.value)


@pytest.mark.contract("SAAS-04")
def test_password_in_the_base_url_is_refused_without_showing_it() -> None:
    with pytest.raises(BadInputError, match=r"saas\.base_url must not carry") as caught:
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
