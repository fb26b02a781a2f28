"""Every vendor with its stand-in: the suites that must hold for each of them run over this list.

A new vendor is one line here, a stand-in under tests/standins/ written from the vendor's public protocol, and a test
file of its own for what is special about it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from byzer_nb.engines import build
from byzer_nb.types import DeploySpec, Engine
from tests.standins.azure_openai import AzureOpenAIStandIn
from tests.standins.baichuan import BaichuanSignedStandIn, BaichuanStandIn
from tests.standins.bedrock import BedrockStandIn
from tests.standins.chatglm import PUBLIC_KEY, ChatGLMStandIn
from tests.standins.claude import ClaudeStandIn
from tests.standins.dashscope import CompatibleDashScopeStandIn, DashScopeStandIn
from tests.standins.gemini import GeminiStandIn
from tests.standins.minimax import MiniMaxCurrentStandIn, MiniMaxStandIn, verdict
from tests.standins.openai import OpenAIStandIn
from tests.standins.qianfan import QianfanStandIn, QianfanV2StandIn
from tests.standins.sparkdesk import SparkDeskStandIn, SparkHttpStandIn
from tests.standins.vendor import Act, VendorStandIn
from tests.standins.zhipu import ZhipuStandIn, ZhipuV3StandIn

Settings = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """A vendor's chat model, and what its protocol cannot say.

    `settings` are those for a stand-in. `wrong_key` changes them into some that the vendor refuses. `errors_in_success`
    are failures that come with HTTP 200, each with whether another try makes sense.
    """

    engine: str
    standin: Callable[[], VendorStandIn]
    settings: Callable[[Any], Settings]  # Any: the vendor's own stand-in
    name: str = ""  # where one engine stands here twice
    wrong_key: Mapping[str, str] = field(default_factory=lambda: {"api_key": "sk-wrong-0123456789abcdef-canary"})
    errors_in_success: tuple[tuple[Act, bool], ...] = ()
    counts_apart: bool = True  # says how many tokens were read and how many were written
    speaks_long: bool = True  # its answers may be longer than two thousand tokens
    http: bool = True  # asks with HTTP requests, so that a status can refuse it
    thinks: bool = True  # may send its reasoning beside the answer
    takes_blanks: bool = True  # answers a question that is nothing but blanks
    text_events: bool = True  # its stream is made of lines, which may end in CRLF and carry comments
    says_cut: bool = True  # tells an answer that reached its limit from one that is at its end
    limits_size: bool = True  # stops reading an answer that never ends
    calls_tools: bool = True  # takes tools, and calls them
    can_be_forced: bool = True  # a call can be asked for, and not only offered
    schema_settings: Mapping[str, str] = field(default_factory=dict)  # those with which it can be held to a schema
    most_stops: int = 2  # how many stop strings it takes, of the two that are tried

    def __str__(self) -> str:
        return self.name or self.engine

    def build(self, standin: VendorStandIn, *, name: str = "chat", **settings: Any) -> Engine:
        """An engine for a stand-in; it tries once unless told otherwise."""
        usual = {"max_retries": 0, **self.settings(standin)}
        return build(DeploySpec(name=name, engine=self.engine, settings=usual | settings))


def _openai(standin: OpenAIStandIn) -> Settings:
    return {"api_key": standin.key, "base_url": standin.url, "model": "gpt-4o"}


def _litellm(standin: OpenAIStandIn) -> Settings:
    return {"api_key": standin.key, "base_url": standin.url, "model": "openai/gpt-4o"}


def _claude(standin: ClaudeStandIn) -> Settings:
    return {"api_key": standin.key, "base_url": standin.url, "model": "claude-3-5-sonnet-20240620"}


def _gemini(standin: GeminiStandIn) -> Settings:
    return {"api_key": standin.key, "base_url": standin.url, "model": "gemini-2.5-flash"}


def _qianwen(standin: DashScopeStandIn) -> Settings:
    return {"api_key": standin.key, "base_url": standin.url, "model": "qwen-max"}


def _qianwen_vl(standin: DashScopeStandIn) -> Settings:
    return {"api_key": standin.key, "base_url": standin.url, "model": "qwen-vl-max"}


QIANWEN_ERRORS = (
    (Act(error={"code": "Throttling.RateQuota", "message": "Requests rate limit exceeded.", "request_id": "r"}), True),
    (Act(error={"code": "InternalError", "message": "An internal error.", "request_id": "r"}, error_at=0), True),
    (Act(error={"code": "DataInspectionFailed", "message": "No.", "request_id": "r"}, error_at=0), False),
)


def _azure(standin: AzureOpenAIStandIn) -> Settings:
    return {
        "api_key": standin.key,
        "azure_endpoint": standin.url,
        "azure_deployment": "our-chat",
        "api_version": "2024-02-15-preview",
    }


def _deepseek(standin: OpenAIStandIn) -> Settings:
    return {"api_key": standin.key, "base_url": standin.url}


def _minimax(standin: MiniMaxStandIn) -> Settings:
    return {"api_key": standin.key, "group_id": standin.group, "api_url": standin.api_url}


def _minimax_current(standin: MiniMaxCurrentStandIn) -> Settings:
    return {"api_key": standin.key, "api_url": standin.api_url, "model": "MiniMax-M1"}


MINIMAX_ERRORS = tuple(
    (Act(error=verdict(code, "vendor words zq81")), is_retryable)
    for is_retryable, codes in {True: (1000, 1001, 1002, 1013, 1039), False: (1004, 1008, 1027, 2013)}.items()
    for code in codes
)


def _baichuan(standin: BaichuanStandIn) -> Settings:
    return {"api_key": standin.key, "base_url": standin.url}


def _baichuan_signed(standin: BaichuanSignedStandIn) -> Settings:
    address = f"{standin.url}/chat"
    return {"api_key": standin.key, "secret_key": standin.secret, "baichuan_api_url": address, "model": "Baichuan2-53B"}


BAICHUAN_SIGNED_ERRORS = tuple(
    (Act(error={"code": code, "msg": "vendor words zq81"}), code in (1, 10203, 10500))
    for code in (1, 10000, 10104, 10106, 10200, 10203, 10301, 10401, 10500)
)


def _bedrock(**settings: str) -> Callable[[BedrockStandIn], Settings]:
    return lambda standin: {
        "aws_access_key": standin.access_key,
        "aws_secret_key": standin.key,
        "region_name": standin.region,
        "base_url": standin.url,
        **settings,
    }


WRONG_AWS_KEY = {"aws_secret_key": "wrong/0123456789abcdef+canary"}


def _qianfan(standin: QianfanStandIn) -> Settings:
    keys = {"api_key": standin.api_key, "secret_key": standin.secret_key}
    return {**keys, "base_url": standin.url, "model": "ERNIE-Bot-4"}


def _qianfan_v2(standin: QianfanV2StandIn) -> Settings:
    return {"api_key": standin.key, "base_url": standin.url, "model": "ernie-4.0-turbo-8k"}


def _sparkdesk(standin: SparkDeskStandIn) -> Settings:
    keys = {"appid": standin.appid, "api_key": standin.api_key, "api_secret": standin.api_secret}
    return {**keys, "gpt_url": standin.socket_url}


def _sparkdesk_http(standin: SparkHttpStandIn) -> Settings:
    return {"api_key": standin.key, "base_url": standin.url, "domain": "generalv3.5"}


SPARK_ERRORS = {10007: True, 10012: True, 10013: False, 10110: True, 10907: False, 11200: False, 11201: False}
QIANFAN_ERRORS = tuple(
    (Act(error={"error_code": code, "error_msg": "vendor words zq81"}), code in (2, 4, 15, 18, 336100, 336501))
    for code in (2, 4, 6, 15, 17, 18, 19, 110, 336003, 336100, 336103, 336501)
)


def _zhipu(standin: ZhipuStandIn) -> Settings:
    return {"api_key": standin.key, "base_url": standin.url, "model": "glm-4"}


def _zhipu_v3(standin: ZhipuV3StandIn) -> Settings:
    return {"api_key": standin.key, "base_url": standin.url, "model": "chatglm_turbo"}


def _chatglm(standin: ChatGLMStandIn) -> Settings:
    return {"api_key": standin.key, "base_url": standin.url, "public_key": PUBLIC_KEY}


def _said_by_zhipu(code: str) -> Act:
    return Act(error={"code": code, "message": "vendor words"})


VENDORS: list[Vendor] = [
    Vendor(
        name="saas/aws_bedrock claude",
        engine="saas/aws_bedrock",
        standin=BedrockStandIn,
        settings=_bedrock(model="anthropic.claude-3-haiku-20240307-v1:0"),
        schema_settings={"model": "anthropic.claude-sonnet-4-5-20250929-v1:0"},
        wrong_key=WRONG_AWS_KEY,
        text_events=False,
        takes_blanks=False,
    ),
    Vendor(
        name="saas/aws_bedrock llama",
        engine="saas/aws_bedrock",
        standin=BedrockStandIn,
        settings=_bedrock(model="meta.llama3-8b-instruct-v1:0"),
        calls_tools=False,
        wrong_key=WRONG_AWS_KEY,
        text_events=False,
        thinks=False,
        speaks_long=False,
    ),
    Vendor(
        name="saas/aws_bedrock converse",
        engine="saas/aws_bedrock",
        standin=BedrockStandIn,
        settings=_bedrock(model="amazon.nova-lite-v1:0", api="converse"),
        schema_settings={"model": "anthropic.claude-sonnet-4-5-20250929-v1:0"},
        wrong_key=WRONG_AWS_KEY,
        text_events=False,
        takes_blanks=False,
    ),
    Vendor(engine="saas/openai", standin=OpenAIStandIn, settings=_openai),
    Vendor(engine="saas/litellm", standin=OpenAIStandIn, settings=_litellm, limits_size=False),
    Vendor(engine="saas/deepseek", standin=OpenAIStandIn, settings=_deepseek),
    Vendor(
        engine="saas/azure_openai",
        standin=AzureOpenAIStandIn,
        settings=_azure,
        schema_settings={"api_version": "2024-10-21"},
    ),
    Vendor(
        engine="saas/claude",
        standin=ClaudeStandIn,
        settings=_claude,
        schema_settings={"model": "claude-sonnet-4-5-20250929"},
        errors_in_success=(
            (Act(error={"type": "overloaded_error", "message": "Overloaded"}), True),
            (Act(error={"type": "invalid_request_error", "message": "No."}), False),
        ),
        takes_blanks=False,
    ),
    Vendor(
        engine="saas/gemini",
        standin=GeminiStandIn,
        settings=_gemini,
        schema_settings={"model": "gemini-2.5-flash"},
        errors_in_success=(
            (Act(error={"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}), True),
            (Act(error={"code": 400, "message": "No.", "status": "INVALID_ARGUMENT"}), False),
        ),
    ),
    Vendor(engine="saas/qianwen", standin=DashScopeStandIn, settings=_qianwen, errors_in_success=QIANWEN_ERRORS),
    Vendor(
        engine="saas/qianwen",
        name="saas/qianwen at its compatible address",
        standin=CompatibleDashScopeStandIn,
        settings=_qianwen,
    ),
    Vendor(
        engine="saas/qianwen_vl",
        standin=DashScopeStandIn,
        settings=_qianwen_vl,
        errors_in_success=QIANWEN_ERRORS,
        calls_tools=False,
    ),
    Vendor(
        engine="saas/minimax",
        standin=MiniMaxStandIn,
        calls_tools=False,
        settings=_minimax,
        errors_in_success=MINIMAX_ERRORS,
        counts_apart=False,
        thinks=False,
    ),
    Vendor(
        engine="saas/minimax",
        name="saas/minimax v2",
        standin=MiniMaxCurrentStandIn,
        can_be_forced=False,
        settings=_minimax_current,
        errors_in_success=MINIMAX_ERRORS,
    ),
    Vendor(engine="saas/baichuan", standin=BaichuanStandIn, settings=_baichuan, thinks=False, calls_tools=False),
    Vendor(
        engine="saas/baichuan",
        name="saas/baichuan signed",
        standin=BaichuanSignedStandIn,
        calls_tools=False,
        settings=_baichuan_signed,
        errors_in_success=BAICHUAN_SIGNED_ERRORS,
        thinks=False,
        text_events=False,
    ),
    Vendor(
        engine="saas/zhipu",
        standin=ZhipuStandIn,
        can_be_forced=False,
        settings=_zhipu,
        errors_in_success=((_said_by_zhipu("1302"), True), (_said_by_zhipu("1301"), False)),
        most_stops=1,
    ),
    Vendor(
        engine="saas/zhipu",
        name="saas/zhipu, version 3",
        standin=ZhipuV3StandIn,
        calls_tools=False,
        settings=_zhipu_v3,
        wrong_key={"api_key": "wrong0123456789abcdef.canary0123456789"},
        errors_in_success=((_said_by_zhipu("1302"), True), (_said_by_zhipu("1301"), False)),
        thinks=False,
        says_cut=False,
    ),
    Vendor(
        engine="saas/chatglm",
        standin=ChatGLMStandIn,
        calls_tools=False,
        settings=_chatglm,
        errors_in_success=((_said_by_zhipu("1302"), True), (_said_by_zhipu("1301"), False)),
        counts_apart=False,
        thinks=False,
        says_cut=False,
    ),
    Vendor(
        engine="saas/qianfan",
        standin=QianfanStandIn,
        calls_tools=False,
        settings=_qianfan,
        wrong_key={"secret_key": "wrong-0123456789abcdef-canary"},
        errors_in_success=QIANFAN_ERRORS,
        takes_blanks=False,
        thinks=False,
    ),
    Vendor(
        engine="saas/qianfan",
        name="qianfan v2",
        standin=QianfanV2StandIn,
        settings=_qianfan_v2,
        wrong_key={"api_key": "bce-v3/wrong-0123456789abcdef-canary"},
    ),
    Vendor(
        engine="saas/sparkdesk",
        standin=SparkDeskStandIn,
        calls_tools=False,
        settings=_sparkdesk,
        wrong_key={"api_secret": "wrong-0123456789abcdef-canary"},
        errors_in_success=tuple(
            (Act(error={"code": code, "message": "vendor words zq81"}), again) for code, again in SPARK_ERRORS.items()
        ),
        http=False,
        text_events=False,
        says_cut=False,
    ),
    Vendor(
        engine="saas/sparkdesk",
        name="sparkdesk over http",
        standin=SparkHttpStandIn,
        calls_tools=False,
        settings=_sparkdesk_http,
        errors_in_success=tuple(
            (Act(error={"code": str(code), "message": "vendor words zq81", "type": "api_error"}), again)
            for code, again in SPARK_ERRORS.items()
        ),
        says_cut=False,
    ),
]
