"""A line that tries a gateway out."""

from __future__ import annotations

import json
import shlex

KEY_VARIABLE = "BYZERLLM_API_KEY"


def curl_line(address: str, model: str, *, has_key: bool) -> str:
    """A question to a model, to be pasted into a shell; a key is taken from a variable and stands in no line."""
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello"}]}, ensure_ascii=False)
    key = f' -H "Authorization: Bearer ${KEY_VARIABLE}"' if has_key else ""
    return f"curl {address}/v1/chat/completions -H 'Content-Type: application/json'{key} -d {shlex.quote(body)}"
