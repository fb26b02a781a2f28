"""Signature Version 4, against Amazon's published examples and against its own library."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as AmazonsCredentials
from yarl import URL

from byzer_nb.providers.aws_signature import Credentials, signed
from byzer_nb.providers.wire.call import Call
from byzer_nb.types import Secret

pytestmark = pytest.mark.contract("SAAS-28")

AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
CREDENTIALS = Credentials(access_key=Secret(ACCESS_KEY), secret_key=Secret(SECRET_KEY))
HOST = "https://example.amazonaws.com"


def authorisation(call: Call, url: str, *, service: str = "service", credentials: Credentials = CREDENTIALS) -> str:
    headers = signed(call, URL(url, encoded=True), credentials, region="us-east-1", service=service, at=AT).headers
    return headers["Authorization"].reveal()


@pytest.mark.parametrize(
    ("method", "url", "signature"),
    [
        ("GET", f"{HOST}/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", f"{HOST}/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "GET",
            f"{HOST}/?Param2=value2&Param1=value1",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
    ],
)
def test_published_examples_have_their_signatures(method: str, url: str, signature: str) -> None:
    assert authorisation(Call(path="", method=method), url) == (
        f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders=host;x-amz-date, Signature={signature}"
    )


@pytest.mark.parametrize("token", [None, "lent/token+1=="])
@pytest.mark.parametrize(
    "url",
    [
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-3-haiku-20240307-v1%3A0/invoke",
        "https://h.example/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A%3Afoundation-model%2Fmeta.llama3/invoke",
        "http://127.0.0.1:8000/prefix//model/a~b_c/invoke/",
        "http://127.0.0.1:8000",
        "https://h.example:443/a%20b/%E4%BD%A0?z=1&a=%2F%20x&a=b&empty=",
        "http://[::1]:8000/a",
    ],
)
def test_any_request_is_signed_as_amazons_library_signs_it(url: str, token: str | None) -> None:
    body = '{"prompt": "你好"}'.encode()
    call = Call(path="", body=body, headers={"Content-Type": "application/json", "X-Amzn-Trace": "  a   b "})
    credentials = Credentials(
        access_key=Secret(ACCESS_KEY), secret_key=Secret(SECRET_KEY), session_token=Secret(token) if token else None
    )
    theirs = AWSRequest(method="POST", url=url, data=body, headers={**call.headers, "X-Amz-Date": "20150830T123600Z"})
    if token:
        theirs.headers["X-Amz-Security-Token"] = token
    theirs.context["timestamp"] = "20150830T123600Z"
    signer = SigV4Auth(AmazonsCredentials(ACCESS_KEY, SECRET_KEY, token), "bedrock", "us-east-1")
    expected = signer.signature(signer.string_to_sign(theirs, signer.canonical_request(theirs)), theirs)
    ours = authorisation(call, url, service="bedrock", credentials=credentials)
    assert ours.endswith(f"Signature={expected}")
    assert f"SignedHeaders={signer.signed_headers(signer.headers_to_sign(theirs))}, " in ours


def test_keys_stay_behind_secrets() -> None:
    lent = Credentials(access_key=Secret(ACCESS_KEY), secret_key=Secret(SECRET_KEY), session_token=Secret("lent-token"))
    made = signed(Call(path=""), URL(HOST), lent, region="us-east-1", service="service", at=AT)
    assert made.headers["X-Amz-Security-Token"] == Secret("lent-token")
    for word in (ACCESS_KEY, SECRET_KEY, "lent-token"):
        assert word not in repr(lent) + repr(made)
