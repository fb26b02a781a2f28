"""Whether a call of a tool may be made: asked at the keyboard, or decided by a function of the notebook."""

from __future__ import annotations

from collections.abc import Awaitable

from IPython.core.error import StdinNotImplementedError

from byzer_nb._lang import say
from byzer_nb.errors import BadInputError
from byzer_nb.types import ToolCall

from .calls import shown_call


class AtTheKeyboard:
    """Asks whoever sits there, call by call, until he says `a` for all."""

    def __init__(self) -> None:
        self._allows_all = False

    def __call__(self, call: ToolCall) -> bool | Awaitable[bool]:
        """The answer to one call."""
        question = say(
            en=f"Call {shown_call(call)}? [y]es, [n]o, [a]ll of them: ",
            zh=f"调用 {shown_call(call)} 吗？[y] 是，[n] 否，[a] 全部允许：",
        )
        while not self._allows_all:
            word = self._word(question).strip().lower()
            if word in ("a", "all", "全部"):
                self._allows_all = True
            elif word in ("y", "yes", "是", "n", "no", "否"):
                return word in ("y", "yes", "是")
        return True

    def _word(self, question: str) -> str:
        try:
            return input(question)
        except (StdinNotImplementedError, EOFError) as deaf:
            raise BadInputError(
                say(
                    en="Nobody can be asked whether a tool may be called: this notebook runs without a keyboard.",
                    zh="无法询问是否允许调用工具：这个笔记本没有键盘输入。",
                ),
                hint=say(
                    en="Let a function of yours decide (--approve=allowed), or decide between two steps of "
                    "byzer_nb.prompts.tool_loop.ToolLoop.",
                    zh="请用自己的函数决定（--approve=allowed），或者用 byzer_nb.prompts.tool_loop.ToolLoop 分步决定。",
                ),
            ) from deaf
