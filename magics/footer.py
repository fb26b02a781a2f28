"""The small line under an answer: who gave it, what it took, and how it ended."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Literal

from byzer_nb._lang import say
from byzer_nb.types import Reply

if TYPE_CHECKING:  # it brings pydantic, for which a line of other magics should not wait
    from byzer_nb.prompts.ladder import Rung

Ending = Literal["done", "stopped", "broken"]

QUIET = "color:var(--jp-ui-font-color2,gray);font-size:85%"


def footer(
    reply: Reply,
    *,
    ending: Ending = "done",
    is_bundled_by_default: bool = False,
    rung: Rung | None = None,
    tries: int = 1,
) -> str:
    """The facts of a reply in one line; of a typed one also by which means it came, and in how many tries."""
    model = reply.model
    if is_bundled_by_default:
        model += say(en=" (bundled: no model was named)", zh="（内置：没有指定模型）")
    if reply.worker is not None:
        model += say(en=f", worker {reply.worker}", zh=f"，worker {reply.worker}")
    return " · ".join([model, *_facts(reply), *_means(rung, tries), *_end(reply, ending)])


def _facts(reply: Reply) -> list[str]:
    facts = []
    used = reply.usage
    if used.input_tokens or used.output_tokens:
        facts.append(
            say(
                en=f"{used.input_tokens} tokens in, {used.output_tokens} out",
                zh=f"输入 {used.input_tokens} 个 token，输出 {used.output_tokens} 个",
            )
        )
    if reply.first_token_seconds:
        seconds = f"{reply.first_token_seconds:.2f} s"
        facts.append(say(en=f"first token {seconds}", zh=f"首个 token {seconds}"))
    if reply.tokens_per_second:
        speed = f"{reply.tokens_per_second:.0f}"
        facts.append(say(en=f"{speed} tokens/s", zh=f"每秒 {speed} 个 token"))
    return facts


def _means(rung: Rung | None, tries: int) -> list[str]:
    if rung is None:
        return []
    means = {
        "schema": say(en="by its schema", zh="按 schema"),
        "tool": say(en="by a tool", zh="用工具"),
        "constrained": say(en="by constrained decoding", zh="约束解码"),
        "words": say(en="asked in words", zh="用文字要求"),
    }
    return [means[rung], *([say(en=f"{tries} tries", zh=f"问了 {tries} 次")] if tries > 1 else [])]


def _end(reply: Reply, ending: Ending) -> list[str]:
    if ending == "stopped":
        return [say(en="stopped", zh="已停止")]
    if ending == "broken":
        has_begun = reply.text or reply.reasoning
        return [say(en="broke off", zh="中断") if has_begun else say(en="no answer", zh="没有回答")]
    if reply.finish_reason == "length":
        return [say(en="cut at the limit of tokens", zh="达到 token 上限")]
    if reply.finish_reason == "content_filter":
        return [say(en="held back by the provider's filter", zh="被服务商过滤")]
    return []


def small(text: str) -> str:
    """A line of HTML in small, quiet type."""
    return f'<small style="{QUIET}">{escape(text)}</small>'
