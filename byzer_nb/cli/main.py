"""The two console scripts, and how a command ends: 0 well, 1 failed, 2 wrong usage, 130 stopped with Ctrl-C."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from argparse import Namespace
from collections.abc import Iterable, Sequence
from io import TextIOWrapper
from typing import TextIO

from byzer_nb.cli.banner import show_banner
from byzer_nb.cli.completion import completion_command
from byzer_nb.cli.deploy import DEPLOY
from byzer_nb.cli.easy import EASY_CHAT, EASY_DEPLOY, EASY_UNDEPLOY
from byzer_nb.cli.key import KEY
from byzer_nb.cli.messages import remark, say, two_lines
from byzer_nb.cli.process_list import begin_again_masked, has_secrets, own_words, secrets_in
from byzer_nb.cli.program import Command, Program
from byzer_nb.cli.query import QUERY
from byzer_nb.cli.serve import SERVE
from byzer_nb.cli.stat import STAT
from byzer_nb.cli.undeploy import UNDEPLOY
from byzer_nb.types.masking import Mask
from byzer_nb.types.secret import Secret

FAILED, STOPPED = 1, 130


def _about() -> str:
    return say(en="Deploy models on a Ray cluster and talk to them.", zh="在 Ray 集群上部署模型并与之对话。")


def _about_easy() -> str:
    return say(en="Well-known models with a key and nothing else.", zh="只需一个密钥即可使用常用模型。")


COMPLETION = completion_command(lambda: (BYZERLLM, EASY_BYZERLLM))
BYZERLLM: Program = Program(
    name="byzerllm", about=_about, commands=(DEPLOY, UNDEPLOY, QUERY, STAT, SERVE, KEY, COMPLETION)
)
EASY_BYZERLLM: Program = Program(
    name="easy-byzerllm", about=_about_easy, commands=(EASY_DEPLOY, EASY_CHAT, EASY_UNDEPLOY)
)


def byzerllm() -> int:
    """What the script `byzerllm` does with its arguments; the exit code."""
    return _main(BYZERLLM, *own_words())


def easy_byzerllm() -> int:
    """What the script `easy-byzerllm` does with its arguments; the exit code."""
    return _main(EASY_BYZERLLM, *own_words())


def api_server() -> int:
    """What the module of the documents does that serves OpenAI's protocol: `byzerllm serve`, flags with dashes too."""
    words, is_masked = own_words()
    if not is_masked:
        words = [SERVE.name, *map(_with_underscores, words)]
    return _main(BYZERLLM, words, is_masked)


def _with_underscores(word: str) -> str:
    flag, equals, value = word.partition("=")
    return flag[:2] + flag[2:].replace("-", "_") + equals + value if flag.startswith("--") else word


def _main(program: Program, words: Sequence[str], is_masked: bool) -> int:
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without Chinese characters is no failure
    return main(program, words, is_masked)


def main(program: Program, words: Sequence[str], is_masked: bool = True) -> int:
    """Do what the words say; the exit code. Unless it is masked already, the process may begin again to be so."""
    given = Namespace(debug="--debug" in words)
    try:
        command, given = program.read(words)
        if not is_masked and has_secrets(given):
            begin_again_masked(words, given)
        code = _run(command, given)
        sys.stdout.flush()  # here, where it is noticed when nobody reads any more
        return code
    except KeyboardInterrupt:
        remark(say(en="Stopped.", zh="已停止。"))
        return STOPPED
    except BrokenPipeError:  # the reader of stdout went away, and wants no more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:  # whatever it is, the person at the terminal gets two lines
        _report(error, debug=getattr(given, "debug", False), secrets=secrets_in(given))
        return FAILED


def _run(command: Command, given: Namespace) -> int:
    if command.is_plain:
        return command.run(given)
    show_banner(given)
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        return command.run(given)


def _report(error: Exception, *, debug: bool, secrets: Iterable[Secret]) -> None:
    lines = traceback.format_exception(error) if debug else [f"{line}\n" for line in two_lines(error)]
    # A key may stand in other people's words, such as a provider's answer.
    remark(Mask(secrets).apply("".join(lines)).rstrip("\n"))


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    remark(f"{category.__name__}: {message}")  # without the place in our code, which is no business of the user
