"""Well-known models of providers: what `easy-byzerllm deploy` fills in for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownModel:
    """The type of a model, and what it needs beside a key; its own name is the provider's unless `extra` says so."""

    type: str
    extra: Mapping[str, str] = field(default_factory=dict)


def _at(address: str, type_: str = "saas/openai") -> KnownModel:
    return KnownModel(type=type_, extra={"saas.base_url": address})


OPENAI = KnownModel(type="saas/openai")
DEEPSEEK = _at("https://api.deepseek.com/v1")
SILICONFLOW = _at("https://api.siliconflow.cn/v1")
QIANWEN = KnownModel(type="saas/qianwen")
QIANWEN_VL = KnownModel(type="saas/qianwen_vl")

KNOWN_MODELS: Mapping[str, KnownModel] = {
    "gpt-3.5-turbo-0125": OPENAI,
    "text-embedding-3-small": OPENAI,
    "gpt4o": KnownModel(type="saas/openai", extra={"saas.model": "gpt-4o"}),
    "deepseek-chat": DEEPSEEK,
    "deepseek-coder": DEEPSEEK,
    "moonshot-v1-32k": _at("https://api.moonshot.cn/v1", "saas/official_openai"),
    "alibaba/Qwen1.5-110B-Chat": SILICONFLOW,
    "alibaba/Qwen2-72B-Instruct": SILICONFLOW,
    "deepseek-ai/deepseek-v2-chat": SILICONFLOW,
    "yi-vision": _at("https://api.lingyiwanwu.com/v1"),
    "qwen1.5-32b-chat": QIANWEN,
    "qwen-max": QIANWEN,
    "qwen-vl-chat-v1": QIANWEN_VL,
    "qwen-vl-max": QIANWEN_VL,
    "sonnet3.5": KnownModel(type="saas/claude", extra={"saas.model": "claude-3-5-sonnet-20240620"}),
}
