"""ChatGLM-130B alone: its token and the key that it is encrypted with, its conversations, and what took its place."""

from __future__ import annotations

import asyncio
import base64
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from byzer_nb.engines import build
from byzer_nb.errors import BadInputError, MissingSettingError, ModelCallError, RefusedError
from byzer_nb.providers.chatglm import ChatGLM
from byzer_nb.providers.rsa_public_key import RsaPublicKey
from byzer_nb.types import ChatOptions, ChatRequest, DeploySpec, Message
from byzer_nb.types.settings import SettingWarning
from tests.providers.asking import answered, asked, said
from tests.providers.failing import assert_no_key
from tests.standins.chatglm import PUBLIC_KEY, ChatGLMStandIn, decrypted
from tests.standins.vendor import KEY, Act
from tests.standins.zhipu import ZhipuStandIn

pytestmark = pytest.mark.contract("SAAS-23")

Make = Callable[..., ChatGLM]
PEM = f"-----BEGIN PUBLIC KEY-----\n{PUBLIC_KEY[:64]}\n{PUBLIC_KEY[64:]}\n-----END PUBLIC KEY-----\n"
FOR_SIGNING = base64.b64encode(  # RSA-PSS: the same numbers under another name
    base64.b64decode(PUBLIC_KEY).replace(bytes.fromhex("2a864886f70d010101"), bytes.fromhex("2a864886f70d01010a"))
).decode()
ELLIPTIC = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEHw0bgoIjgxQM/Rx+hUH+Isb3KJrUvwmG+rl0gPnRaoYVT4wmTX/O0ScsdzD41EKFQPTJ9U3f"
    "i57zZ4k6vyfaUw=="
)


@pytest.fixture
def chatglm() -> Iterator[ChatGLMStandIn]:
    """The old service in process."""
    with ChatGLMStandIn() as standin:
        yield standin


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """Makes engines, and closes them at the end."""
    made: list[ChatGLM] = []

    def make(standin: ChatGLMStandIn | None = None, **settings: Any) -> ChatGLM:
        usual: dict[str, Any] = {"max_retries": 0}
        if standin is not None:
            usual |= {"api_key": standin.key, "base_url": standin.url, "public_key": PUBLIC_KEY}
        engine = build(DeploySpec(name="chat", engine="saas/chatglm", settings=usual | settings))
        assert isinstance(engine, ChatGLM)
        made.append(engine)
        return engine

    yield make
    for engine in made:
        await engine.close()


# -- settings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["api_key", "public_key"])
def test_missing_setting_is_named(make: Make, missing: str) -> None:
    given = {"api_key": "k", "public_key": PUBLIC_KEY, "base_url": "https://maas.aminer.cn/api/paas"}
    del given[missing]
    with pytest.raises(MissingSettingError, match=missing) as caught:
        make(**given)
    assert caught.value.setting == missing


@pytest.mark.parametrize(
    "key", ["no base64 at all!", "aGVsbG8=", ELLIPTIC, FOR_SIGNING, PUBLIC_KEY[:40], PUBLIC_KEY[:-4], "MAA=", "MA=="]
)
def test_key_that_is_not_rsa_is_named(make: Make, key: str) -> None:
    with pytest.raises(BadInputError, match="public_key is not an RSA public key"):
        make(api_key="k", public_key=key, base_url="https://maas.aminer.cn/api/paas")


@pytest.mark.parametrize("key", [PUBLIC_KEY, PEM, f"  {PUBLIC_KEY}\n", f'"{PUBLIC_KEY}"', PEM.replace("\n", "\r\n")])
async def test_key_may_be_written_in_several_ways(make: Make, chatglm: ChatGLMStandIn, key: str) -> None:
    assert await said(make(chatglm, public_key=key), asked("hello"))


@pytest.mark.parametrize("bits", [1024, 2048, 4096])
def test_owner_of_the_key_can_read_what_was_encrypted(bits: int) -> None:
    rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa")
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    padding = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.padding")
    private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    pem = private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    key = RsaPublicKey.read(pem.decode())
    first, second = key.encrypt(b"1700000000000"), key.encrypt(b"1700000000000")
    assert first != second
    assert private.decrypt(base64.b64decode(first), padding.PKCS1v15()) == b"1700000000000"
    with pytest.raises(ValueError, match="too many"):
        key.encrypt(bytes(bits // 8 - 10))


@pytest.mark.contract("SAAS-02")
@pytest.mark.parametrize("tail", ["", "/", "/api/paas", "/api/paas/", "/api/paas/passApiToken/createApiToken"])
async def test_address_may_have_any_tail(make: Make, chatglm: ChatGLMStandIn, tail: str, stream: bool) -> None:
    await said(make(chatglm, base_url=chatglm.origin + tail), asked(stream=stream))
    way = "sse/chatGLM" if stream else "chatGLM"
    assert chatglm.requests[-1].path == f"/api/paas/model/v1/open/engines/{way}/chatGLM"


# -- conversations -----------------------------------------------------------------------------------------------------


async def test_body_of_a_question(make: Make, chatglm: ChatGLMStandIn, stream: bool) -> None:
    turns = (
        Message(role="system", content="Be brief."),
        Message(role="user", content="你好"),
        Message(role="assistant", content="hello"),
        Message(role="user", content="one"),
        Message(role="user", content="two"),
    )
    options = ChatOptions(temperature=0.5, top_p=0.25, extra={"risk": 0.3})
    await answered(make(chatglm), ChatRequest(messages=turns, options=options, stream=stream))
    body = dict(chatglm.requests[-1].body)
    assert len(body.pop("requestTaskNo")) == 19
    assert body == {
        "prompt": "one\n\ntwo",
        "history": ["Be brief.\n\n你好", "hello"],
        "temperature": 0.5,
        "top_p": 0.25,
        "risk": 0.3,
    }


async def test_plain_question_has_no_history(make: Make, chatglm: ChatGLMStandIn) -> None:
    engine = make(chatglm)
    for _ in range(2):
        await said(engine, asked("hello"))
    first, second = (dict(request.body) for request in chatglm.requests)
    assert first.pop("requestTaskNo") != second.pop("requestTaskNo")
    assert first == second == {"prompt": "hello", "history": [], "risk": 0.15}


async def test_conversation_may_begin_with_an_answer(make: Make, chatglm: ChatGLMStandIn) -> None:
    turns = (Message(role="assistant", content="Welcome."), Message(role="user", content="hello"))
    await answered(make(chatglm), ChatRequest(messages=turns))
    assert chatglm.requests[-1].body["history"] == ["", "Welcome."]


@pytest.mark.parametrize("name", ["prompt", "history", "requestTaskNo"])
async def test_extra_does_not_decide_what_the_call_decides(make: Make, chatglm: ChatGLMStandIn, name: str) -> None:
    with pytest.raises(BadInputError, match=name):
        await answered(make(chatglm), asked(extra={name: "x"}))


async def test_growing_events_become_pieces(make: Make, chatglm: ChatGLMStandIn) -> None:
    chatglm.always = Act(reply=["one", " two", "\nthree"])
    deltas = await answered(make(chatglm), asked())
    assert [delta.text for delta in deltas] == ["one", " two", "\nthree", ""]
    assert deltas[-1].request_id.startswith("7_")


async def test_event_that_takes_words_back_is_an_error(make: Make, chatglm: ChatGLMStandIn) -> None:
    chatglm.always = Act(raw=b"event:add\ndata:one two\n\nevent:add\ndata:one, two\n\n", raw_type="text/event-stream")
    with pytest.raises(ModelCallError, match="differ"):
        await answered(make(chatglm), asked())


async def test_answer_that_is_not_finished_is_an_error(make: Make, chatglm: ChatGLMStandIn) -> None:
    chatglm.always = Act(finish_reason=None)
    with pytest.raises(ModelCallError, match="not finished"):
        await answered(make(chatglm), asked(stream=False))


# -- the token ---------------------------------------------------------------------------------------------------------


async def test_time_is_encrypted_with_the_public_key(make: Make, chatglm: ChatGLMStandIn) -> None:
    await said(make(chatglm), asked())
    (call,) = chatglm.token_calls
    assert call.keys() == {"apiKey", "encrypted"}
    assert call["apiKey"] == KEY
    assert len(decrypted(call["encrypted"])) == 13
    assert chatglm.requests[-1].headers["Authorization"] == chatglm.token


async def test_token_is_asked_for_once(make: Make, chatglm: ChatGLMStandIn) -> None:
    engine = make(chatglm)
    for stream in (True, False, True):
        await said(engine, asked(stream=stream))
    assert len(chatglm.token_calls) == 1


@pytest.mark.parametrize("by", ["envelope", "status"])
async def test_token_that_is_no_longer_taken_is_asked_for_anew(
    make: Make, chatglm: ChatGLMStandIn, stream: bool, by: str
) -> None:
    engine = make(chatglm)
    await said(engine, asked(stream=stream))
    if by == "envelope":
        chatglm.expire()
    else:
        chatglm.next(Act(status=401, message="Token已过期"))
    assert await said(engine, asked("still there?", stream=stream)) == "still there?"
    assert await said(engine, asked("and now?", stream=stream)) == "and now?"
    assert len(chatglm.token_calls) == 2


async def test_calls_at_the_same_time_get_over_an_old_token_together(make: Make, chatglm: ChatGLMStandIn) -> None:
    engine = make(chatglm)
    await said(engine, asked())
    chatglm.expire()
    chatglm.always = Act(rate=100)
    questions = [f"question {number}" for number in range(8)]
    answers = await asyncio.gather(
        *(said(engine, asked(question, stream=place % 2 == 0)) for place, question in enumerate(questions))
    )
    assert answers == questions
    assert len(chatglm.token_calls) == 2


async def test_new_token_that_is_not_taken_either_is_the_end(make: Make, chatglm: ChatGLMStandIn, stream: bool) -> None:
    engine = make(chatglm)
    await said(engine, asked(stream=stream))
    chatglm.always = Act(status=401, message="Token已过期")
    with pytest.raises(RefusedError) as caught:
        await said(engine, asked(stream=stream))
    assert len(chatglm.token_calls) == 2
    assert len(chatglm.requests) == 3
    assert_no_key(caught.value)
    assert_no_key(caught.value, key=chatglm.token)
    chatglm.always = Act()
    assert await said(engine, asked("hi", stream=stream)) == "hi"  # the account may be in order again


async def test_other_refusals_do_not_cost_a_token(make: Make, chatglm: ChatGLMStandIn) -> None:
    engine = make(chatglm)
    await said(engine, asked())
    chatglm.always = Act(error={"code": 1113, "msg": "您的账户已欠费", "success": False})
    with pytest.raises(RefusedError, match="已欠费"):
        await said(engine, asked())
    assert len(chatglm.token_calls) == 1


async def test_trouble_of_the_token_service_is_tried_as_often_as_anything(make: Make, chatglm: ChatGLMStandIn) -> None:
    chatglm.token_status = 500
    with pytest.raises(ModelCallError) as caught:
        await said(make(chatglm, max_retries=2), asked())
    assert caught.value.retryable
    assert len(chatglm.token_calls) == 3
    assert not chatglm.requests


# -- what took its place -----------------------------------------------------------------------------------------------


@pytest.fixture
def zhipu() -> Iterator[ZhipuStandIn]:
    """Zhipu in process."""
    with ZhipuStandIn() as standin:
        yield standin


async def test_without_an_old_address_zhipu_answers_and_that_is_told(
    make: Make, zhipu: ZhipuStandIn, stream: bool
) -> None:
    with pytest.warns(SettingWarning, match="ChatGLM-130B is retired: 'chat' .glm-4 at .*saas/zhipu") as told:
        engine = make(api_key=zhipu.key, base_url=zhipu.url, public_key=PUBLIC_KEY)
    assert len(told) == 1
    assert await said(engine, asked("hello", stream=stream)) == "hello"
    (request,) = zhipu.requests
    assert request.path == "/api/paas/v4/chat/completions"
    assert request.body["model"] == "glm-4"
    assert engine.describe().engine == "saas/chatglm"


def test_without_any_address_it_is_zhipus_own(make: Make) -> None:
    with pytest.warns(SettingWarning, match="open.bigmodel.cn"):
        engine = make(api_key="a.b")
    assert str(engine.address_of("x")) == "https://open.bigmodel.cn/api/paas/v4/x"


def test_old_address_is_told_of_nothing(make: Make) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make(api_key="k", public_key=PUBLIC_KEY, base_url="https://maas.aminer.cn")
