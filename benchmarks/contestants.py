"""The same question asked in several ways; each way is a pair of sync calls and perhaps an async one."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Awaitable, Callable, Generator, Iterator
from dataclasses import dataclass

import openai

from byzer_nb import SimpleByzerLLM, prompt

MODEL = "bench"
KEY = "no-key-needed"
QUESTION = "How much does a call cost?"
MESSAGES = [{"role": "user", "content": QUESTION}]


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """A way to ask: for a whole answer, for a stream, and many at once where that is possible."""

    name: str
    unary: Callable[[], str | None]
    stream: Callable[[], Iterator[str]]
    many: Callable[[], Awaitable[str | None]] | None = None


def contestants(address: str) -> list[Contestant]:
    """The SDK first, then ours, then whoever else is installed."""
    found = [openai_sdk(address), prompt_function(address)]
    for name, make in (("litellm", litellm_completion), ("byzerllm", original)):
        if importlib.util.find_spec(name) is not None:
            found.append(make(address))
    return found


def openai_sdk(address: str) -> Contestant:
    """The raw SDK, as its own documentation uses it."""
    client = openai.OpenAI(base_url=address, api_key=KEY)
    many = openai.AsyncOpenAI(base_url=address, api_key=KEY)

    def unary() -> str | None:
        return client.chat.completions.create(model=MODEL, messages=MESSAGES).choices[0].message.content

    def stream() -> Iterator[str]:
        for chunk in client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True):
            yield chunk.choices[0].delta.content or ""

    async def one_of_many() -> str | None:
        return (await many.chat.completions.create(model=MODEL, messages=MESSAGES)).choices[0].message.content

    return Contestant(name=f"openai SDK {openai.__version__}", unary=unary, stream=stream, many=one_of_many)


def prompt_function(address: str) -> Contestant:
    """Our prompt function over `saas/openai`."""
    llm = SimpleByzerLLM(default_model_name=MODEL)
    llm.deploy(
        pretrained_model_type="saas/openai",
        udf_name=MODEL,
        infer_params={"saas.base_url": address, "saas.api_key": KEY, "saas.model": MODEL},
    )

    @prompt(llm)
    def ask(question: str) -> str:  # type: ignore[empty-body]
        """{{ question }}"""

    @prompt(llm)
    def tell(question: str) -> Generator[str, None, None]:  # type: ignore[empty-body]
        """{{ question }}"""

    return Contestant(
        name="byzer_nb prompt function",
        unary=lambda: ask(QUESTION),
        stream=lambda: tell(QUESTION),
        many=lambda: ask.aio(QUESTION),
    )


def litellm_completion(address: str) -> Contestant:
    """litellm's `completion`, kept from fetching its price list over the network."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm

    def unary() -> str | None:
        answer = litellm.completion(model=f"openai/{MODEL}", messages=MESSAGES, api_base=address, api_key=KEY)
        return str(answer.choices[0].message.content)

    def stream() -> Iterator[str]:
        for chunk in litellm.completion(
            model=f"openai/{MODEL}", messages=MESSAGES, api_base=address, api_key=KEY, stream=True
        ):
            yield chunk.choices[0].delta.content or ""

    async def one_of_many() -> str | None:
        answer = await litellm.acompletion(model=f"openai/{MODEL}", messages=MESSAGES, api_base=address, api_key=KEY)
        return str(answer.choices[0].message.content)

    return Contestant(name="litellm", unary=unary, stream=stream, many=one_of_many)


def original(address: str) -> Contestant:
    """The package whose name our alias takes where it is absent."""
    import byzerllm
    from loguru import logger

    logger.disable("byzerllm")  # it logs a line for every stream

    llm = byzerllm.SimpleByzerLLM(default_model_name=MODEL)
    llm.deploy(
        model_path="",
        pretrained_model_type="saas/openai",
        udf_name=MODEL,
        infer_params={"saas.base_url": address, "saas.api_key": KEY, "saas.model": MODEL},
    )

    def question(question: str) -> None:
        """{{ question }}"""

    question.__annotations__["return"] = str  # it does not read annotations that are postponed, as they are here
    ask = byzerllm.prompt(llm)(question)

    def stream() -> Iterator[str]:
        for piece, _meta in llm.stream_chat_oai(conversations=MESSAGES, delta_mode=True):
            yield piece

    return Contestant(name="byzerllm prompt function", unary=lambda: str(ask(QUESTION)), stream=stream)
