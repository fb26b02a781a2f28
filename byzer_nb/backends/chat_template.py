"""How a conversation is written down for a model: the chat template that its makers ship with it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from byzer_nb.backends.template_turns import one_call_a_turn, shown_tool, turns_of
from byzer_nb.errors import BadInputError, UnsupportedError
from byzer_nb.types import Message, ToolSpec

if TYPE_CHECKING:
    from jinja2 import Template

PLAIN_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message.role == 'system' %}{{ message.content }}\n\n"
    "{% elif message.role == 'assistant' %}Assistant: {{ message.content }}\n"
    "{% else %}User: {{ message.content }}\n"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)

# Stands after the last words while the template is rendered; what the template writes behind it is the end of the turn.
_OPEN_END = "\ue000the turn stays open\ue001"


class ChatTemplate:
    """A Jinja template, compiled on first use in a sandbox: it comes with the weights, so it is a stranger's code."""

    def __init__(
        self, source: str, *, model: str, special_tokens: Mapping[str, str] | None = None, with_tools: str | None = None
    ) -> None:
        self.source = source
        self._source_with_tools = with_tools or source  # some models have a template of its own for that
        self.is_plain = source == PLAIN_TEMPLATE  # not the model's own
        self._model = model
        self._special_tokens = dict(special_tokens or {})

    @classmethod
    def or_plain(
        cls,
        source: str | None,
        *,
        model: str,
        special_tokens: Mapping[str, str] | None = None,
        with_tools: str | None = None,
    ) -> ChatTemplate:
        """The model's own template; without one the plain `User:` / `Assistant:` form, with a warning."""
        if source is None:
            warnings.warn(
                f"The model {model!r} has no chat template, so turns are written as 'User:' and 'Assistant:'. "
                "It may never have learnt to answer in that form.",
                stacklevel=3,
            )
        return cls(
            PLAIN_TEMPLATE if source is None else source,
            model=model,
            special_tokens=special_tokens,
            with_tools=with_tools,
        )

    @property
    def names_tools(self) -> bool:
        """Whether it speaks of tools at all."""
        return "tools" in self._source_with_tools

    def render(
        self,
        messages: Sequence[Message],
        *,
        continue_last: bool = False,
        tools: Sequence[ToolSpec] = (),
        is_over: bool = False,
    ) -> str:
        """The text that the model reads: it ends where the answer begins, or in the middle of the last turn.

        Of a talk that `is_over` it ends after the last turn.
        """
        from jinja2 import TemplateError

        turns = turns_of(messages, model=self._model)
        is_about_tools = bool(tools) or any(message.tool_calls for message in messages)
        template = self._compiled_with_tools if is_about_tools else self._compiled
        if continue_last:
            if not turns or turns[-1]["role"] != "assistant":
                raise BadInputError(
                    "There is nothing to continue: the last message is not the assistant's.",
                    hint="Continuing needs both: the option, and a last message with the role 'assistant'.",
                )
            turns[-1]["content"] += _OPEN_END
        try:
            text = template.render(
                messages=turns,
                add_generation_prompt=not (continue_last or is_over),
                tools=[shown_tool(tool) for tool in tools] or None,
                **self._special_tokens,
            )
        except TemplateError as refused:
            if any(len(message.tool_calls) > 1 for message in messages):  # Llama's takes no two at once
                return self.render(one_call_a_turn(messages), continue_last=continue_last, tools=tools, is_over=is_over)
            raise BadInputError(
                f"The chat template of {self._model!r} does not take these messages: {refused}",
                hint="Some models want no system message, or user and assistant strictly in turn.",
            ) from refused
        if not continue_last:
            return text
        begun, mark, _ = text.rpartition(_OPEN_END)
        if not mark:
            raise UnsupportedError(
                f"The chat template of {self._model!r} cannot leave the last turn open.",
                hint="Leave out the last assistant message.",
            )
        return begun

    @cached_property
    def _compiled(self) -> Template:
        return self._compile(self.source)

    @cached_property
    def _compiled_with_tools(self) -> Template:
        is_same = self._source_with_tools == self.source
        return self._compiled if is_same else self._compile(self._source_with_tools)

    def _compile(self, source: str) -> Template:
        from jinja2 import TemplateSyntaxError
        from jinja2.ext import loopcontrols
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, _generation_block()]
        )
        environment.filters["tojson"] = _as_json
        environment.globals["raise_exception"] = _refuse
        environment.globals["strftime_now"] = _now
        try:
            return environment.from_string(source)
        except TemplateSyntaxError as broken:
            raise BadInputError(f"The chat template of {self._model!r} cannot be read: {broken}") from broken


def _as_json(value: Any, indent: int | None = None, **settings: Any) -> str:  # Any: whatever the template holds
    # Jinja's own filter escapes for HTML, which no model was trained on.
    return json.dumps(value, **{"ensure_ascii": False, "indent": indent, **settings})


def _refuse(message: str) -> NoReturn:
    from jinja2 import TemplateError

    raise TemplateError(message)


def _now(form: str) -> str:
    return datetime.now().strftime(form)


def _generation_block() -> type[Any]:
    """The tag `{% generation %}`: it marks the assistant's words for training, and is only its content here."""
    from jinja2 import nodes
    from jinja2.ext import Extension
    from jinja2.parser import Parser

    class GenerationBlock(Extension):
        tags = {"generation"}  # noqa: RUF012  # jinja2's own form

        def parse(self, parser: Parser) -> nodes.Node | list[nodes.Node]:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    return GenerationBlock
