"""`%llm_use`: which model answers when a prompt names none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments

from byzer_nb._display import Displayed
from byzer_nb._lang import say

from ._arguments import read_arguments
from ._errors import short_errors


@magics_class
class UseMagics(Magics):
    """The magic `llm_use`."""

    @magic_arguments()
    @argument("--debug", action="store_true", help="Show the whole traceback of an error.")
    @no_var_expand
    @line_magic
    @short_errors
    def llm_use(self, line: str) -> Choice | None:
        """Choose the model that answers when a prompt names none; without a name, show what can be chosen.

            %llm_use chat
            %llm_use

        In a script: byzer_nb.use("chat")
        """
        from byzer_nb.client.loading import use

        from .painter import painter_for

        name = read_arguments(UseMagics.llm_use.parser, line).rest
        if not name:
            return _choice()
        card = use(name)
        painter_for(self.shell).note(
            say(en=f"{name} answers from now on ({card.engine}).", zh=f"现在由 {name} 回答（{card.engine}）。")
        )
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice(Displayed):
    """The models that can be called, and the one that is meant when none is named."""

    default: str
    names: Sequence[str]

    def __repr__(self) -> str:
        return "\n".join([*(f"{self._mark(name)} {name}" for name in self.names), _how()])

    def _html(self) -> str:
        rows = "".join(f"<tr><td>{self._mark(name)}</td><td>{escape(name)}</td></tr>" for name in self.names)
        return f"<table>{rows}</table><small>{escape(_how())}</small>"

    def _mark(self, name: str) -> str:
        return "→" if name == self.default else " "


def _choice() -> Choice:
    from byzer_nb._sync import run
    from byzer_nb.client import reachable_models
    from byzer_nb.client.local import BUNDLED

    models = reachable_models()
    return Choice(default=models.default_model(), names=list(dict.fromkeys([*run(models.models()), BUNDLED])))


def _how() -> str:
    return say(
        en="→ answers when no model is named; change it with %llm_use NAME",
        zh="→ 没有指定模型时由它回答；用 %llm_use 名字 更换",
    )
