"""Baidu's own client as judge of the first protocol, and OpenAI's of the second: same requests, same words."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from byzer_nb.engines import build
from byzer_nb.types import ChatOptions, ChatRequest, DeploySpec, Message
from tests.providers.asking import answered
from tests.standins.qianfan import QianfanStandIn, QianfanV2StandIn
from tests.standins.vendor import Act, Seen

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its own making
    import qianfan
    from qianfan.fake_pyarrow_replacer import _ModuleFinder

# It answers `import pyarrow` with half a module, for the whole process; Ray, in a later test, would use it.
sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _ModuleFinder)]

pytestmark = pytest.mark.contract("SAAS-25")

TURNS = (
    Message(role="system", content="Be brief."),
    Message(role="user", content="你好"),
    Message(role="assistant", content="hello"),
    Message(role="user", content='again "quoted"'),
)
SDK_TURNS = [{"role": turn.role, "content": turn.content} for turn in TURNS if turn.role != "system"]

CASES: list[Any] = [
    pytest.param("ERNIE-Bot-turbo", ChatOptions(), {}, id="plain"),
    pytest.param(
        "ERNIE-4.0-8K",
        ChatOptions(
            max_tokens=5,
            temperature=0.5,
            top_p=0.7,
            stop=("x", "y"),
            repetition_penalty=1.2,
            extra={"user_id": "me", "disable_search": True},
        ),
        {
            "max_output_tokens": 5,
            "temperature": 0.5,
            "top_p": 0.7,
            "stop": ["x", "y"],
            "penalty_score": 1.2,
            "user_id": "me",
            "disable_search": True,
        },
        id="every option",
    ),
    pytest.param("ERNIE-Speed-8K", ChatOptions(temperature=0.9), {"temperature": 0.9}, id="path of its own"),
]


@pytest.fixture
def baidu(monkeypatch: pytest.MonkeyPatch) -> Iterator[QianfanStandIn]:
    """The first protocol in process, to which the vendor's client is sent as well."""
    with QianfanStandIn() as standin:
        config = qianfan.get_config()
        monkeypatch.setattr(config, "BASE_URL", standin.origin)
        monkeypatch.setattr(config, "DISABLE_CACHE", True)
        yield standin


def asked_for(seen: Seen) -> dict[str, Any]:
    """The body, without what the vendor's client says about itself."""
    return {name: value for name, value in seen.body.items() if name != "extra_parameters"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize(("model", "options", "sdk_options"), CASES)
async def test_sdk_sends_the_same_request_and_reads_the_same_words(
    baidu: QianfanStandIn, model: str, options: ChatOptions, sdk_options: dict[str, Any], stream: bool
) -> None:
    baidu.always = Act(reply="one two three 四")
    token = baidu.grant()
    settings = {"access_token": token, "base_url": baidu.url, "model": model, "max_retries": 0}
    engine = build(DeploySpec(name="chat", engine="saas/qianfan", settings=settings))
    deltas = await answered(engine, ChatRequest(messages=TURNS, options=options, stream=stream))
    await engine.close()
    sdk = qianfan.ChatCompletion(version="1", model=model, access_token=token)
    found: Any = sdk.do(messages=SDK_TURNS, system="Be brief.", stream=stream, **sdk_options)
    pieces = [piece.body for piece in found] if stream else [found.body]
    first, second = baidu.requests
    assert asked_for(first) == asked_for(second)
    assert first.target == second.target
    assert "".join(delta.text for delta in deltas) == "".join(piece["result"] for piece in pieces)
    usage = deltas[-1].usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (
        pieces[-1]["usage"]["prompt_tokens"],
        pieces[-1]["usage"]["completion_tokens"],
    )


@pytest.mark.filterwarnings("ignore")
async def test_sdk_asks_for_its_token_in_the_same_way(baidu: QianfanStandIn) -> None:
    keys = {"api_key": baidu.api_key, "secret_key": baidu.secret_key}
    engine = build(DeploySpec(name="chat", engine="saas/qianfan", settings={**keys, "base_url": baidu.url}))
    await answered(engine, ChatRequest(messages=TURNS))
    await engine.close()
    qianfan.ChatCompletion(version="1", ak=baidu.api_key, sk=baidu.secret_key).do(messages=SDK_TURNS)
    ours, theirs = baidu.token_requests
    assert ours == theirs


@pytest.mark.filterwarnings("ignore")
def test_sdk_takes_the_stand_in_for_the_real_thing(baidu: QianfanStandIn) -> None:
    sdk = qianfan.ChatCompletion(version="1", model="ERNIE-Bot-4", access_token=baidu.grant())
    baidu.next(Act(error={"error_code": 336003, "error_msg": "vendor words"}))
    with pytest.raises(qianfan.errors.APIError, match="vendor words"):
        sdk.do(messages=SDK_TURNS)
    with pytest.raises(qianfan.errors.APIError, match="must be an odd number"):
        sdk.do(messages=SDK_TURNS[:2])


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_openai_sdk_sends_the_same_request_in_the_new_protocol(stream: bool) -> None:
    model = "ernie-4.0-turbo-8k"
    with QianfanV2StandIn() as baidu:
        settings = {"api_key": baidu.key, "base_url": baidu.origin, "model": model, "max_retries": 0}
        engine = build(DeploySpec(name="chat", engine="saas/qianfan", settings=settings))
        options = ChatOptions(max_tokens=5, temperature=0.0, top_p=0.5, stop=("x",), seed=3)
        deltas = await answered(engine, ChatRequest(messages=TURNS, options=options, stream=stream))
        await engine.close()
        turns: Any = [{"role": turn.role, "content": turn.content} for turn in TURNS]
        wanted: Any = {"max_tokens": 5, "temperature": 0.0, "top_p": 0.5, "stop": ["x"], "seed": 3}
        if stream:
            wanted |= {"stream": True, "stream_options": {"include_usage": True}}
        with openai.OpenAI(api_key=baidu.key, base_url=baidu.url, max_retries=0) as sdk:
            found: Any = sdk.chat.completions.create(model=model, messages=turns, **wanted)
            if stream:
                theirs = "".join(each.choices[0].delta.content or "" for each in found if each.choices)
            else:
                theirs = found.choices[0].message.content
        first, second = baidu.requests
        assert first.body == second.body
        assert first.path == second.path
        assert first.headers["Authorization"] == second.headers["Authorization"]
        assert "".join(delta.text for delta in deltas) == theirs
