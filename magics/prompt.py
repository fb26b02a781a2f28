"""`%%prompt` and `%prompt`: a prompt in a cell, its answer below."""

from __future__ import annotations

import inspect
import json
import keyword
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments

from byzer_nb._lang import say
from byzer_nb._registry import nearest
from byzer_nb.errors import AnswerError, BadInputError, UndefinedVariableError

from ._arguments import Arguments, read_arguments
from ._errors import short_errors, told_as_of_the_prompt

if TYPE_CHECKING:  # these bring Jinja and pydantic, which loading the extension should not wait for
    from byzer_nb.prompts.ask import Question
    from byzer_nb.types import ChatOptions

    from .answering import Approval

# Promised, and not there yet.
LATER = {"--audio", "--cache", "--chat", "--compare", "--dry", "--image", "--no-cache"}
AT_THE_KEYBOARD = "?"  # no name of a function


@magics_class
class PromptMagics(Magics):
    """The magic `prompt`, for a line and for a cell."""

    @magic_arguments()
    @argument(
        "-m", "--model", action="append", metavar="NAME", help="The model to ask, else the default one (%%llm_use)."
    )
    @argument("-o", "--out", default="", metavar="VAR", help="Put the value of the answer into this variable.")
    @argument(
        "--as", dest="as_type", default="str", metavar="TYPE", help="Check the answer and turn it into this type."
    )
    @argument(
        "--tools", action="append", metavar="F,G", help="Functions of the notebook that the model may call; or a list."
    )
    @argument(
        "--approve",
        nargs="?",
        const=AT_THE_KEYBOARD,
        metavar="FUNCTION",
        help="Ask before each call of a tool; or let this function of the notebook decide.",
    )
    @argument("--system", default="", metavar="TEXT", help="What the model is told before the prompt; a template too.")
    @argument("--temperature", metavar="NUMBER", help="0 for the likeliest words; higher for more variety.")
    @argument("--max-tokens", metavar="COUNT", help="How long the answer may get.")
    @argument("--stop", action="append", metavar="TEXT", help="End the answer before this text; may be repeated.")
    @argument("--seed", metavar="NUMBER", help="The same seed gives the same answer, where the model can do that.")
    @argument("--set", action="append", metavar="KEY=VALUE", help="Any other generation option; may be repeated.")
    @argument("--show", action="store_true", help="Show the prompt with what is inserted marked; ask nobody.")
    @argument("--def", dest="define", action="store_true", help="Define a prompt function instead of asking.")
    @argument("--debug", action="store_true", help="Show the whole traceback of an error.")
    @no_var_expand
    @line_cell_magic
    @short_errors
    def prompt(self, line: str, cell: str | None = None) -> None:
        """Ask a model; the answer streams into the cell.

        The text is a Jinja template over the notebook's variables:

            topic = "a lighthouse"

            %%prompt -m chat -o story --temperature 0.7
            Tell me a short story about {{ topic }}.

            %prompt Say hello to {{ topic }}.

        (IPython takes a line that ends in a question mark for a call for help; a space after it, or %%prompt, asks it.)

        With a type the answer becomes a checked value of it; one that does not fit is asked for again, with the reason:

            %%prompt --as list[Person] -o people
            Who is in this text? {{ text }}

        With tools the model may call functions of the notebook before it answers. --approve asks before each call, at
        the keyboard (yes, no, all of them) or a function of yours, which takes the call:

            %%prompt --tools weather,convert --approve
            Is it warmer in Oslo than 50 degrees Fahrenheit?

            %prompt --tools weather --approve=allowed Is it cold in Oslo ?

        With --def the first line is a signature, and the rest the template of a prompt function:

            %%prompt --def
            tell_story(topic: str, words: int = 100) -> Story
            Tell a story about {{ topic }} in {{ words }} words.

        In a script: byzer_nb.ask("Tell me about {{ topic }}.", variables={"topic": topic})
        """
        arguments = read_arguments(PromptMagics.prompt.parser, line, later=LATER, has_text=cell is None)
        text = _text(arguments, cell)
        options = arguments.options
        if options.define:
            self._define(text, options)
            return
        question = self._question(text, options)
        tools = self._tools(options)
        try:
            if options.show:
                self._show(question, tools=tools)
            else:
                self._ask(question, tools=tools, options=options)
        except UndefinedVariableError as unknown:
            if not question.asks_for(unknown.variable):
                raise  # it is a part of a variable that is missing
            raise self._unknown_in_the_notebook(unknown) from unknown

    def _question(self, text: str, options: Namespace) -> Question:
        from byzer_nb.prompts.ask import Question
        from byzer_nb.prompts.shape import Shape
        from byzer_nb.prompts.template import Template

        from ._types import read_type

        names = self.shell.user_ns
        return Question(
            template=Template(text, owner="the cell"),
            variables=names,
            shape=Shape(read_type(options.as_type, names), name=options.as_type),
            model=_model(options),
            system=Template(options.system, owner="--system") if options.system else None,
            options=_chat_options(options),
        )

    def _tools(self, options: Namespace) -> list[Any]:  # Any: functions, and what brings some
        from ._functions import read_tools

        if options.approve is not None and not options.tools:
            raise BadInputError(
                say(en="--approve has nothing to ask for: there are no tools.", zh="--approve 没有可以批准的工具。"),
                hint=say(en="For example: --tools weather --approve", zh="例如：--tools weather --approve"),
            )
        return read_tools(options.tools or (), self.shell.user_ns, hidden=self.shell.user_ns_hidden)

    def _ask(self, question: Question, *, tools: list[Any], options: Namespace) -> None:
        from byzer_nb.prompts.ask import StoppedText

        from .answering import Answering
        from .painter import painter_for

        out, approve = _variable(options.out), self._approval(options.approve)
        with told_as_of_the_prompt():
            turns = question.turns()
        painter = painter_for(self.shell, is_json=not question.shape.is_text)
        answering = Answering(question, painter, turns=turns, tools=tools, approve=approve)
        try:
            value = answering.value()
        except AnswerError as wrong:
            self._keep(out, wrong.answer)
            hint = f"{wrong.hint} The text of the answer is in {out}.".strip() if out else wrong.hint
            raise AnswerError(wrong.message, answer=wrong.answer, hint=hint) from wrong
        except BaseException:  # an engine of somebody else may raise anything, and what came is worth keeping
            if answering.has_asked:
                self._keep(out, StoppedText(answering.so_far))
            raise
        self._keep(out, value)

    def _approval(self, name: str | None) -> Approval | None:
        if name is None:
            return None
        if name == AT_THE_KEYBOARD:
            from .approval import AtTheKeyboard

            return AtTheKeyboard()
        from ._functions import read_approval

        return read_approval(name, self.shell.user_ns, hidden=self.shell.user_ns_hidden)

    def _keep(self, name: str, value: object) -> None:
        if name:
            self.shell.push({name: value})

    def _show(self, question: Question, *, tools: list[Any]) -> None:
        from byzer_nb._sync import run
        from byzer_nb.prompts.marked import Part
        from byzer_nb.prompts.server_tools import offered
        from byzer_nb.prompts.tools import as_tools

        from .painter import painter_for

        with told_as_of_the_prompt():
            turns = question.parts()
        if tools:
            listed = [json.loads(tool.about) for tool in run(offered(as_tools(tools)))]
            about = "\n".join(json.dumps(each, ensure_ascii=False) for each in listed)
            turns = [("tools", [Part(text=about, is_inserted=False)]), *turns]
        painter_for(self.shell).prompt(turns)

    def _define(self, text: str, options: Namespace) -> None:
        from byzer_nb.client import Client

        from .definition import define
        from .painter import painter_for

        for option in ("out", "system", "show", "as_type", "tools", "approve"):
            if getattr(options, option) != PromptMagics.prompt.parser.get_default(option):
                flag = {"out": "-o", "as_type": "--as"}.get(option, f"--{option}")
                raise BadInputError(
                    say(en=f"--def and {flag} do not go together.", zh=f"--def 不能和 {flag} 一起用。"),
                    hint=say(
                        en="Where tools are needed, write a function that calls byzer_nb.ask(..., tools=[...]).",
                        zh="需要工具时，请写一个函数，在其中调用 byzer_nb.ask(..., tools=[...])。",
                    )
                    if option in ("tools", "approve")
                    else say(
                        en="A prompt function says in its signature what it returns, and is asked later.",
                        zh="提示函数在签名里写明返回类型，之后再调用。",
                    ),
                )
        client = Client(model=_model(options), options=_chat_options(options))
        function = define(text, client=client, names=self.shell.user_ns)
        self.shell.push({function.__name__: function})
        shown = f"{function.__name__}{inspect.signature(function)}".replace("__main__.", "")
        painter_for(self.shell).note(say(en=f"Defined: {shown}", zh=f"已定义：{shown}"))

    def _unknown_in_the_notebook(self, unknown: UndefinedVariableError) -> UndefinedVariableError:
        name = unknown.variable
        # IPython's own names stand in both; one that the user has given a value of his own is his.
        ipythons = self.shell.user_ns_hidden
        known = [
            known
            for known, value in self.shell.user_ns.items()
            if not known.startswith("_") and not (known in ipythons and ipythons[known] is value)
        ]
        hint = f"{nearest(name, known)}Set it in a cell above: {name} = ..."
        return UndefinedVariableError(unknown.message, variable=name, hint=hint)


def _text(arguments: Arguments, cell: str | None) -> str:
    """The template: the lines of the cell, or what follows the options of the line."""
    if cell is not None and arguments.rest:
        raise BadInputError(
            say(
                en=f"The line of %%prompt takes options only, not {arguments.rest!r}.",
                zh=f"%%prompt 这一行只能写选项，不能写 {arguments.rest!r}。",
            ),
            hint=say(
                en="Name a model with -m, and write the prompt below: %%prompt -m chat",
                zh="用 -m 指定模型，提示词写在下面：%%prompt -m chat",
            ),
        )
    text = arguments.rest if cell is None else cell.strip("\n")
    if not text.strip():
        example = "%prompt Say hello to {{ name }}."
        raise BadInputError(
            say(en="There is no prompt.", zh="没有提示词。"),
            hint=say(en=f"For example: {example}", zh=f"例如：{example}"),
        )
    return text


def _model(options: Namespace) -> str:
    names: list[str] = options.model or []
    if len(names) > 1:
        shown = ", ".join(names)
        raise BadInputError(
            say(en=f"More than one model is named: {shown}.", zh=f"指定了多个模型：{shown}。"),
            hint=say(
                en=f"Comparing models is not in this version; name one: -m {names[0]}",
                zh=f"这个版本还不能比较模型，请只写一个：-m {names[0]}",
            ),
        )
    return names[0] if names else ""


def _variable(name: str) -> str:
    if name and (not name.isidentifier() or keyword.iskeyword(name)):
        raise BadInputError(
            say(en=f"{name!r} cannot be the name of a variable.", zh=f"{name!r} 不能作为变量名。"),
            hint=say(en="For example: -o answer", zh="例如：-o answer"),
        )
    return name


def _chat_options(options: Namespace) -> ChatOptions:
    from byzer_nb.prompts.ask import read_options

    given: dict[str, Any] = {name: getattr(options, name) for name in ("temperature", "max_tokens", "seed")}
    given["stop"] = tuple(stop.replace("\\n", "\n").replace("\\t", "\t") for stop in options.stop or ())
    if "" in given["stop"]:
        raise BadInputError(
            say(en="--stop has no text to stop at.", zh="--stop 没有写结束文字。"),
            hint=say(en="For example: --stop END", zh="例如：--stop END"),
        )
    given = {name: value for name, value in given.items() if value not in (None, ())}
    return read_options({**given, **dict(_setting(text) for text in options.set or ())})


def _setting(text: str) -> tuple[str, Any]:
    """`top_p=0.9` as a name and a value; a value that is no JSON is a text."""
    from byzer_nb.prompts.ask import option_meant

    name, equals, value = text.partition("=")
    if not (name and equals):
        raise BadInputError(
            say(en=f"--set takes a name and a value, not {text!r}.", zh=f"--set 需要名字和值，而不是 {text!r}。"),
            hint=say(en="For example: --set top_p=0.9", zh="例如：--set top_p=0.9"),
        )
    if meant := option_meant(name):
        raise BadInputError(
            say(en=f"There is no option {name!r}.", zh=f"没有选项 {name!r}。"),
            hint=say(en=f"Did you mean --set {meant}={value}", zh=f"您是不是想写 --set {meant}={value}")
            + say(
                en=f' (or, for a provider with just that name, --set extra={{"{name}": ...}})?',
                zh=f'（服务商确实用这个名字时：--set extra={{"{name}": ...}}）？',
            ),
        )
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
