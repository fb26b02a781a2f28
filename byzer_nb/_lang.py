"""Words for people, in English, or in Chinese when BYZER_NB_LANG starts with "zh"."""

from __future__ import annotations

import os


def say(*, en: str, zh: str) -> str:
    """The one of two sentences that the reader wants."""
    return zh if os.environ.get("BYZER_NB_LANG", "").lower().startswith("zh") else en
