"""`byzerllm query`: one question to a deployed model."""

from __future__ import annotations

import base64
import binascii
import json
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from byzer_nb.cli.joining import join
from byzer_nb.cli.messages import remark, say
from byzer_nb.cli.parser import Parser
from byzer_nb.cli.program import Command
from byzer_nb.cli.progress import ProgressLine
from byzer_nb.errors import AnswerError, BadInputError

if TYPE_CHECKING:
    from byzer_nb.seed.responses import LLMResponse

TEMPLATES = ("auto", "default", "llama", "qwen", "yi", "empty")
SOUNDS = (".mp3", ".wav")


def _about() -> str:
    return say(en="Ask a deployed model and print its answer.", zh="向已部署的模型提问并打印回答。")


def _add_flags(parser: Parser) -> None:
    parser.add_argument("--model", required=True, help=say(en="The name of the model.", zh="模型实例的名字。"))
    parser.add_argument("--query", required=True, metavar="TEXT", help=say(en="The question.", zh="问题。"))
    parser.add_argument(
        "--template",
        default="auto",
        choices=TEMPLATES,
        help=say(
            en="The chat template, for weights that bring none (default: auto).",
            zh="对话模板，用于没有自带模板的权重（默认 auto）。",
        ),
    )
    parser.add_argument(
        "--output_file",
        default="",
        metavar="FILE",
        help=say(
            en="Write the answer there instead; .mp3 and .wav get the sound that it holds.",
            zh="把回答写入文件而不是打印；.mp3 和 .wav 写入其中的声音。",
        ),
    )


def _run(given: Namespace) -> int:
    return ask(given, model=given.model, query=given.query, template=given.template, output_file=given.output_file)


def ask(given: Namespace, *, model: str, query: str, template: str = "auto", output_file: str = "") -> int:
    """Print or write down what the model answers."""
    path = Path(output_file).expanduser() if output_file else None
    if path is not None and not path.absolute().parent.is_dir():  # before anything is paid for
        raise BadInputError(
            say(
                en=f"There is no folder {str(path.absolute().parent)!r} to write the answer into.",
                zh=f"没有目录 {str(path.absolute().parent)!r}，无法写入回答。",
            ),
            hint=say(en="Make it first, or change --output_file.", zh="请先创建该目录，或者修改 --output_file。"),
        )
    with ProgressLine() as progress:
        join(given, progress)
        progress.show(say(en=f"{model} is answering", zh=f"{model} 正在回答"))
        response = _answer(model, query, template)
    if path is not None:
        path.write_bytes(file_contents(response.output, path))
        remark(say(en=f"The answer is in {path}.", zh=f"回答已写入 {path}。"))
    elif not given.json:
        print(response.output)
    if given.json:
        answer = {"output": response.output} if path is None else {"output_file": str(path)}
        print(json.dumps({"model": model, **answer, "metadata": response.metadata}, ensure_ascii=False))
    return 0


def _answer(model: str, query: str, template: str) -> LLMResponse:
    from byzer_nb._sync import run
    from byzer_nb.client.deployed import deployed_models
    from byzer_nb.seed.llm import ByzerLLM
    from byzer_nb.seed.templates import Templates

    llm = ByzerLLM()
    if template != "auto":
        llm.setup_template(model, getattr(Templates, template)())
    try:
        response: LLMResponse = llm.chat_oai([{"role": "user", "content": query}], model=model)[0]  # type: ignore[assignment]  # no class is asked for
        return response
    finally:
        run(deployed_models().close())


def file_contents(answer: str, path: Path) -> bytes:
    """The bytes for a file of that kind: the sound that an answer holds, or its text."""
    if path.suffix.lower() not in SOUNDS:
        return answer.encode()
    try:
        return base64.b64decode(answer, validate=True)
    except binascii.Error:
        raise AnswerError(
            say(
                en=f"The answer holds no sound, so nothing was written to {path}.",
                zh=f"回答里没有声音，所以没有写入 {path}。",
            ),
            answer=answer,
            hint=say(en="Ask a model that speaks, or give a file of text.", zh="请使用语音模型，或者写入文本文件。"),
        ) from None


QUERY = Command(name="query", about=_about, add_flags=_add_flags, run=_run, takes_file=True)
