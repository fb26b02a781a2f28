"""The hosts that speak OpenAI's protocol and have an engine name of their own; one line a host."""

from __future__ import annotations

import re
from dataclasses import dataclass

from yarl import URL

from byzer_nb.providers.wire.route_settings import read_url
from byzer_nb.types.settings import Settings

_CALLS = re.compile(r"/+(chat/completions|embeddings|audio/speech|audio/transcriptions|images/generations)?/*$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """What is usual at a host. Without a model, one must be named; `host` says whose habits it has at any address."""

    base_url: str
    model: str = ""
    host: str = ""
    needs_key: bool = True


OPENAI = Preset(base_url="https://api.openai.com/v1", model="gpt-3.5-turbo-1106")
MOONSHOT = Preset(base_url="https://api.moonshot.cn/v1", model="moonshot-v1-8k", host="moonshot")

PRESETS: dict[str, Preset] = {
    "saas/openai": OPENAI,
    "saas/official_openai": OPENAI,
    "saas/reasoning_openai": OPENAI,
    "saas/deepseek": Preset(base_url="https://api.deepseek.com/v1", model="deepseek-chat", host="deepseek"),
    "saas/moonshot": MOONSHOT,
    "saas/kimi": MOONSHOT,
    "saas/yi": Preset(base_url="https://api.lingyiwanwu.com/v1", model="yi-vision"),
    "saas/ollama": Preset(base_url="http://localhost:11434/v1", host="ollama", needs_key=False),
    "saas/openrouter": Preset(base_url="https://openrouter.ai/api/v1"),
}


def preset_of(engine: str) -> Preset:
    """What is usual for an engine of that name; one that nobody knows is like OpenAI."""
    return PRESETS.get(engine, OPENAI)


def read_base_url(settings: Settings, *names: str, default: str) -> URL:
    """The address with `/v1` where no path was given; any other path is meant as it is."""
    url = read_url(settings, *names, default=default)
    return url.with_path(_CALLS.sub("", url.path) or "/v1").with_query(url.query)
