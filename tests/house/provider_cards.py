"""What the engines say of themselves, for the tables of docs/providers.md: which engine each of their rows is about.

`python -m tests.house.provider_cards` writes the yes and no of both tables anew, to be read in the diff.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

from byzer_nb.engines import ENGINES, build
from byzer_nb.types import DeploySpec, ModelCard
from tests.house.provider_page import PAGE, sections
from tests.standins.chatglm import PUBLIC_KEY

Settings = dict[str, Any]

TYPES = sorted(name for name in ENGINES.names() if name.startswith("saas/") and name != "saas/scripted")
SPEAK_OR_DRAW_ALONE = {"saas/azure", "saas/volcengine", "saas/siliconflow"}
COLUMNS = {
    "chat": "chat",
    "stream": "stream",
    "embed": "embed",
    "vision": "images",
    "hears": "audio",
    "speech out": "speak",
    "speech in": "transcribe",
    "image out": "draw",
    "tools": "tools",
    "schema": "schema",
}
ABILITY_ROWS = {row["type"]: row for row in sections()["What each can do"].rows("type")}
OPTION_ROWS = {row["type"]: row for row in sections()["Which options are sent"].rows("type")}
OPENAI_ROWS = list(ABILITY_ROWS)[:2]  # they and their kin are listed together
WORDS = {True: "yes", False: "–"}
EVERYWHERE = frozenset({"timeout", "extra"})

KEY: Settings = {"api_key": "id.secret"}
AWS: Settings = {"aws_access_key": "a", "aws_secret_key": "b", "region_name": "us-east-1"}
AZURE: Settings = KEY | {"azure_endpoint": "https://resource.openai.azure.com", "azure_deployment": "ours"}
OLD_GLM: Settings = KEY | {"base_url": "https://glm.example.com/api/paas", "public_key": PUBLIC_KEY}
ZHIPU_V3: Settings = KEY | {"base_url": "https://open.bigmodel.cn/api/paas/v3"}
COMPATIBLE: Settings = KEY | {"base_url": "https://dashscope.aliyuncs.com/compatible-mode/v1"}
MINIMAX: Settings = KEY | {"api_url": "https://api.minimax.io", "model": "MiniMax-Text-01"}
OLD_MINIMAX: Settings = KEY | {"group_id": "1"}
QIANFAN: Settings = {"api_key": "a", "secret_key": "b"}
QIANFAN_V2: Settings = {"api_key": "bce-v3/a"}
SPARK: Settings = {"appid": "1", "api_key": "a", "api_secret": "b"}
SPARK_OVER_HTTP: Settings = KEY | {"gpt_url": "https://spark-api-open.xf-yun.com/v1"}
SIGNED_BAICHUAN: Settings = KEY | {"secret_key": "b", "baichuan_api_url": "https://api.baichuan-ai.com/v1/chat"}
CLAUDE_ON_AWS: Settings = AWS | {"model": "anthropic.claude-3-haiku-20240307-v1:0"}
LLAMA_ON_AWS: Settings = AWS | {"model": "meta.llama3-8b-instruct-v1:0"}
CONVERSE: Settings = AWS | {"model": "amazon.nova-lite-v1:0", "api": "converse"}
LITELLM: Settings = KEY | {"model": "openai/gpt-4o"}
OPENAI_KINDS = [
    KEY | {"model": name} for name in ("gpt-4o", "text-embedding-3-small", "tts-1", "whisper-1", "dall-e-3")
]

# What a row of a table is about, where a key alone is not enough: settings for each kind of model that it has.
ABLE: dict[str, list[Settings]] = {
    **dict.fromkeys(OPENAI_ROWS, OPENAI_KINDS),
    "`saas/litellm`, for `openai/gpt-4o`": [LITELLM],
    "`saas/azure_openai`": [AZURE | kind for kind in OPENAI_KINDS],
    "`saas/volcengine`": [KEY | {"app_id": "1"}, KEY | {"resource_id": "seed-tts-2.0"}],
    "`saas/qianwen`": [KEY, KEY | {"model": "text-embedding-v3"}],
    "`saas/qianwen` at its compatible address": [COMPATIBLE, COMPATIBLE | {"model": "text-embedding-v3"}],
    "`saas/zhipu`, `saas/chatglm`": [KEY, KEY | {"model": "embedding-2"}],
    "`saas/zhipu` v3": [ZHIPU_V3],
    "`saas/chatglm` at its old service": [OLD_GLM],
    "`saas/minimax`": [MINIMAX],
    "`saas/minimax` with a group (old protocol)": [OLD_MINIMAX],
    "`saas/qianfan` with one key (v2)": [QIANFAN_V2],
    "`saas/qianfan` with two keys (v1)": [QIANFAN],
    "`saas/sparkdesk`, over its socket or HTTP": [SPARK, SPARK_OVER_HTTP],
    "`saas/baichuan`": [KEY, KEY | {"model": "Baichuan-Text-Embedding"}],
    "`saas/baichuan` signed (old protocol)": [SIGNED_BAICHUAN],
    "`saas/aws_bedrock`, Claude or Converse": [CLAUDE_ON_AWS, CONVERSE],
    "`saas/aws_bedrock`, Llama": [LLAMA_ON_AWS],
    "`saas/gemini`": [KEY, KEY | {"model": "gemini-embedding-001"}],
}
SENT: dict[str, list[Settings]] = {
    "`saas/litellm`, for `openai/gpt-4o`": [LITELLM],
    "`saas/openai` at another host": [KEY | {"base_url": "https://gateway.example.com"}],
    "`saas/qianwen`, `saas/qianwen_vl` at the compatible address": [COMPATIBLE],
    "`saas/zhipu` v3": [ZHIPU_V3],
    "`saas/chatglm` at its old service": [OLD_GLM],
    "`saas/minimax`, both protocols": [MINIMAX, OLD_MINIMAX],
    "`saas/qianfan` with one key (v2)": [QIANFAN_V2],
    "`saas/qianfan` with two keys (v1)": [QIANFAN | {"model": "ERNIE-Bot-4"}],
    "`saas/sparkdesk` over its socket": [SPARK],
    "`saas/sparkdesk` over HTTP": [SPARK_OVER_HTTP],
    "`saas/baichuan` signed (old protocol)": [SIGNED_BAICHUAN],
    "`saas/aws_bedrock`, Claude": [CLAUDE_ON_AWS],
    "`saas/aws_bedrock`, Llama": [LLAMA_ON_AWS],
    "`saas/aws_bedrock`, Converse": [CONVERSE],
}
# The ways in which a type's settings differ, where there is more than one.
WAYS: dict[str, list[Settings]] = {
    "saas/litellm": [LITELLM],
    "saas/azure_openai": [AZURE],
    "saas/volcengine": [KEY | {"app_id": "1"}],
    "saas/zhipu": [KEY, ZHIPU_V3],
    "saas/chatglm": [KEY, OLD_GLM],
    "saas/minimax": [OLD_MINIMAX],
    "saas/qianfan": [QIANFAN, QIANFAN_V2],
    "saas/sparkdesk": [SPARK, SPARK_OVER_HTTP],
    "saas/baichuan": [KEY, SIGNED_BAICHUAN],
    "saas/aws_bedrock": [CLAUDE_ON_AWS],
}


def types_in(text: str) -> list[str]:
    """The types that a text names."""
    return re.findall(r"`(saas/\w+)`", text)


def ways(engine: str) -> list[Settings]:
    """Settings for each way in which a type is asked; the first is its usual one."""
    return WAYS.get(engine, [KEY])


def engine_with(engine: str, settings: Settings) -> Any:  # Any: the engine's own class
    """An engine with these settings, and a model for types that have no usual one."""
    usual = {"model": "some-model"} if engine in ("saas/ollama", "saas/openrouter") else {}
    return build(DeploySpec(name="x", engine=engine, settings=usual | settings))


def card_of(engine: str, settings: Settings) -> ModelCard:
    """What an engine with these settings says of itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a model that is retired, or a package that is not ours
        card: ModelCard = engine_with(engine, settings).describe()
    return card


def known_settings(engine: str, settings: Settings) -> set[str]:
    """The names that an engine reads, as its own warning lists them."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        engine_with(engine, {**settings, "nobody_reads_this": 1})
    words = next(str(each.message) for each in told if "nobody_reads_this" in str(each.message))
    return set(re.split(r", ", words.partition("Known: ")[2].rstrip(".")))


def abilities(label: str, engine: str) -> dict[str, bool]:
    """What a type can do, with any of its models, by the columns of the table."""
    cards = [card_of(engine, settings) for settings in ABLE.get(label, ways(engine)[:1])]
    return {head: any(getattr(card.capabilities, name) for card in cards) for head, name in COLUMNS.items()}


def options_sent(label: str, engine: str) -> list[frozenset[str]]:
    """The options that a type is sent, for each of its ways in a row; two of them go everywhere."""
    return [
        card_of(engine, settings).capabilities.options - EVERYWHERE for settings in SENT.get(label, ways(engine)[:1])
    ]


def main() -> None:
    """Write the cells of both tables."""
    lines = PAGE.read_text(encoding="utf-8").split("\n")
    for rows, said in ((ABILITY_ROWS, abilities), (OPTION_ROWS, _sent)):
        for label, row in rows.items():
            able = said(label, types_in(label)[0])
            cells = [WORDS[able[head]] for head in row if head != "type"]
            place = next(at for at, line in enumerate(lines) if line.startswith(f"| {label} | ") and _is_of(line, row))
            lines[place] = f"| {' | '.join([label, *cells])} |"
    PAGE.write_text("\n".join(lines), encoding="utf-8")


def _sent(label: str, engine: str) -> dict[str, bool]:
    options = options_sent(label, engine)[0]
    return {head: head in options for head in next(iter(OPTION_ROWS.values()))}


def _is_of(line: str, row: dict[str, str]) -> bool:
    """Whether a line is in the table of that row, for a type may stand alone in both."""
    return line.count("|") == len(row) + 1


if __name__ == "__main__":
    main()
