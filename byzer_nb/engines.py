"""Every engine by name, and how one is built from a spec.

A provider is called `saas/<name>` and lives in `providers/`; a local engine has a bare name and lives in `backends/`.
Other packages add theirs with an entry point in the group `byzer_nb.engines`.
"""

from __future__ import annotations

from typing import Protocol

from byzer_nb._registry import Registry
from byzer_nb.errors import BadInputError
from byzer_nb.types import DeploySpec, Engine


class EngineClass(Protocol):
    """A class of engines: it reads the settings of a spec, and says what is wrong with them before anything runs."""

    def from_spec(self, spec: DeploySpec) -> Engine:
        """A ready engine; missing or wrong settings raise `BadInputError` naming the key."""
        ...


ENGINES = Registry[EngineClass](
    "engine",
    {
        "saas/openai": "byzer_nb.providers.openai:OpenAI",
        "saas/official_openai": "byzer_nb.providers.openai:OpenAI",
        "saas/reasoning_openai": "byzer_nb.providers.openai:OpenAI",
        "saas/deepseek": "byzer_nb.providers.openai:OpenAI",
        "saas/moonshot": "byzer_nb.providers.openai:OpenAI",
        "saas/kimi": "byzer_nb.providers.openai:OpenAI",
        "saas/yi": "byzer_nb.providers.openai:OpenAI",
        "saas/ollama": "byzer_nb.providers.openai:OpenAI",
        "saas/openrouter": "byzer_nb.providers.openai:OpenAI",
        "saas/siliconflow": "byzer_nb.providers.siliconflow:SiliconFlow",
        "saas/azure_openai": "byzer_nb.providers.azure_openai:AzureOpenAI",
        "saas/azure": "byzer_nb.providers.azure_speech:AzureSpeech",
        "saas/volcengine": "byzer_nb.providers.volcengine:Volcengine",
        "saas/qianwen": "byzer_nb.providers.qianwen:Qianwen",
        "saas/qianwen_vl": "byzer_nb.providers.qianwen_vl:QianwenVL",
        "saas/zhipu": "byzer_nb.providers.zhipu:Zhipu",
        "saas/chatglm": "byzer_nb.providers.chatglm:ChatGLM",
        "saas/minimax": "byzer_nb.providers.minimax:MiniMax",
        "saas/qianfan": "byzer_nb.providers.qianfan:Qianfan",
        "saas/sparkdesk": "byzer_nb.providers.sparkdesk:SparkDesk",
        "saas/baichuan": "byzer_nb.providers.baichuan:Baichuan",
        "saas/aws_bedrock": "byzer_nb.providers.bedrock:Bedrock",
        "saas/claude": "byzer_nb.providers.claude:Claude",
        "saas/gemini": "byzer_nb.providers.gemini:Gemini",
        "saas/litellm": "byzer_nb.providers.litellm:LiteLLM",
        "saas/scripted": "byzer_nb.providers.scripted:ScriptedEngine",
        "numpy": "byzer_nb.backends.numpy_engine:NumpyEngine",
        "transformers": "byzer_nb.backends.transformers_engine:TransformersEngine",
        "byzer-tiny": "byzer_nb.backends.byzer_tiny:ByzerTiny",
    },
)


def build(spec: DeploySpec) -> Engine:
    """The engine that a spec describes; blocking work such as loading weights happens here."""
    cls = ENGINES.get(spec.engine)
    if not callable(getattr(cls, "from_spec", None)):
        raise BadInputError(
            f"The engine {spec.engine!r} is {cls!r}, which has no from_spec.",
            hint="Its class needs a class method from_spec(spec) that gives a ready engine; see EngineClass.",
        )
    return cls.from_spec(spec)
