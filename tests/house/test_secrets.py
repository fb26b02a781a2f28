"""A key goes over the wire and shows itself nowhere else: no output, log, repr, traceback, warning or pickle."""

from __future__ import annotations

import logging
import pickle
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.ultratb import VerboseTB

import byzer_nb
from byzer_nb import ByzerError, SimpleByzerLLM
from byzer_nb.engines import build
from byzer_nb.types import DeploySpec, Secret
from tests.standins.openai import OpenAIStandIn
from tests.standins.vendor import KEY, Act

ANY_PART = KEY.removeprefix("sk-")[:12]  # providers like to quote a piece of the key they refuse
OURS = Path(byzer_nb.__file__).parent


class Seen:
    """Everything that somebody could have read during a test."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def show(self, thing: object) -> None:
        """Look at a thing in all the ways in which a notebook or a log would."""
        self.texts += [repr(thing), str(thing), f"{thing}", repr(vars(thing)) if hasattr(thing, "__dict__") else ""]
        if hasattr(thing, "_repr_mimebundle_"):
            self.texts.append(repr(thing._repr_mimebundle_()))

    def pickle(self, thing: object) -> None:
        """Its bytes as text; a thing that cannot be pickled gives nothing away."""
        try:
            self.texts.append(pickle.dumps(thing).decode("latin-1"))
        except (TypeError, AttributeError, pickle.PicklingError, ByzerError) as refused:
            self.texts.append(str(refused))

    def traceback(self, error: BaseException) -> None:
        """An error as it is printed."""
        self.show(error)
        self.texts += traceback.format_exception(error)

    def failure(self, error: BaseException) -> None:
        """The error of a call, also with the variables of our own frames, as verbose tracebacks print them."""
        self.traceback(error)
        causes: list[BaseException | None] = [error, error.__cause__, error.__context__]
        for cause in filter(None, causes):
            self.show(cause)
            for frame, _ in traceback.walk_tb(cause.__traceback__):
                if OURS in Path(frame.f_code.co_filename).parents:
                    self.texts.append(repr(frame.f_locals))


@pytest.fixture
def standin() -> Iterator[OpenAIStandIn]:
    with OpenAIStandIn() as server:
        yield server


@pytest.fixture
def seen(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Iterator[Seen]:
    """What the test looked at, all that was printed, logged at any level, or warned of; checked at the end."""
    everything = Seen()
    loggers = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
    levels = {logger: logger.level for logger in loggers}
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    with warnings.catch_warnings(record=True) as warned, caplog.at_level(logging.DEBUG):
        warnings.simplefilter("always")
        yield everything
    for logger, level in levels.items():
        logger.setLevel(level)
    captured = capfd.readouterr()
    everything.texts += [captured.out, captured.err, caplog.text, *(str(warning.message) for warning in warned)]
    assert [text for text in everything.texts if ANY_PART in text] == []


def deployed(standin: OpenAIStandIn, **parameters: object) -> SimpleByzerLLM:
    """A client that says all it does, with one model behind the canary key."""
    llm = SimpleByzerLLM(default_model_name="chat", verbose=True)
    wanted = {"saas.api_key": KEY, "saas.base_url": standin.url, "saas.model": "gpt-4o", "saas.max_retries": 0}
    llm.deploy(pretrained_model_type="saas/openai", udf_name="chat", infer_params={**wanted, **parameters})
    return llm


@pytest.mark.contract("CORE-04", "SAAS-02")
def test_calls_of_every_kind_show_no_key(standin: OpenAIStandIn, seen: Seen) -> None:
    llm = deployed(standin)
    seen.show(llm.chat_oai([{"role": "user", "content": "hi"}]))
    seen.show(list(llm.stream_chat_oai([{"role": "user", "content": "hi"}])))
    seen.show(llm.emb("chat", "a text"))
    seen.show(byzer_nb.Client(model="chat").chat("hi"))

    @byzer_nb.prompt(llm)
    def ask(question: str) -> str:  # type: ignore[empty-body]
        """{{ question }}"""

    seen.show(ask("hi"))
    seen.show(ask)
    seen.show(llm)
    seen.show(llm.get_meta("chat"))
    assert {request.headers["Authorization"] for request in standin.requests} == {f"Bearer {KEY}"}
    llm.undeploy("chat")


def test_clients_engines_and_specs_show_no_key(standin: OpenAIStandIn, seen: Seen) -> None:
    settings = {"api_key": KEY, "base_url": standin.url}
    spec = DeploySpec(name="chat", engine="saas/openai", settings=settings)
    engine = build(spec)
    for thing in (spec, engine, engine.describe(), *vars(engine).values(), Secret(KEY)):
        seen.show(thing)
    seen.show(byzer_nb.load("chat", "saas/openai", **settings))
    byzer_nb.unload("chat")


def test_what_people_keep_is_not_pickled_with_a_key(standin: OpenAIStandIn, seen: Seen) -> None:
    llm = deployed(standin)
    for thing in (llm, llm.client, llm.chat_oai("hi"), llm.get_meta("chat")):
        seen.pickle(thing)
    llm.undeploy("chat")


@pytest.mark.contract("SAAS-04")
@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda llm: llm.chat_oai("hi"), id="chat"),
        pytest.param(lambda llm: list(llm.stream_chat_oai("hi")), id="stream"),
        pytest.param(lambda llm: llm.emb("chat", "a text"), id="embed"),
        pytest.param(lambda llm: byzer_nb.prompt(llm)(greet)(), id="prompt function"),
    ],
)
def test_a_refused_key_is_not_quoted(
    standin: OpenAIStandIn, seen: Seen, call: Callable[[SimpleByzerLLM], object]
) -> None:
    standin.key = "another"  # the server then quotes both ends of the key that it was given
    llm = deployed(standin)
    with pytest.raises(ByzerError) as refused:
        call(llm)
    seen.failure(refused.value)
    llm.undeploy("chat")


def greet() -> str:  # type: ignore[empty-body]
    """Say hello."""


def test_a_key_that_the_server_sends_back_is_hidden(standin: OpenAIStandIn, seen: Seen) -> None:
    standin.always = Act(
        status=400, error={"message": f"You sent Authorization: Bearer {KEY}", "type": KEY, "code": KEY}
    )
    llm = deployed(standin)
    with pytest.raises(ByzerError) as refused:
        llm.chat_oai("hi")
    seen.failure(refused.value)
    llm.undeploy("chat")


@pytest.mark.parametrize("act", [Act(hang_up=True), Act(raw=b"<html>"), Act(reset_at=1), Act(malformed_at=1)])
def test_broken_answers_show_no_key(standin: OpenAIStandIn, seen: Seen, act: Act) -> None:
    standin.always = act
    llm = deployed(standin)
    with pytest.raises(ByzerError) as broken:
        list(llm.stream_chat_oai("hi"))
    seen.failure(broken.value)
    llm.undeploy("chat")


def test_the_password_of_a_proxy_is_hidden(standin: OpenAIStandIn, seen: Seen) -> None:
    llm = deployed(standin, **{"saas.proxies": {"http": f"http://user:{KEY}@127.0.0.1:9"}})
    with pytest.raises(ByzerError) as unreachable:
        llm.chat_oai("hi")
    seen.failure(unreachable.value)
    llm.undeploy("chat")


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({"saas.base_url": f"http://user:{KEY}@127.0.0.1:9/v1"}, id="in the address"),
        pytest.param({"saas.base_url": KEY}, id="in the place of the address"),
        pytest.param({"saas.max_retries": KEY}, id="in the place of a number"),
        pytest.param({"saas.proxies": {"http": f"socks://user:{KEY}@127.0.0.1:9"}}, id="in a proxy of another kind"),
    ],
)
def test_a_key_in_the_wrong_place_is_not_quoted(
    standin: OpenAIStandIn, seen: Seen, parameters: dict[str, object]
) -> None:
    with pytest.raises(ByzerError) as refused:
        deployed(standin, **parameters)
    seen.traceback(refused.value)


@pytest.mark.parametrize(
    "cell",
    [
        "SimpleByzerLLM().deploy(udf_name='x', infer_params={'saas.api_key': key(), 'saas.timeout': 'abc'})",
        "SimpleByzerLLM().deploy(udf_name='x', infer_params={'saas.api_keys': [key()]})",
        "SimpleByzerLLM().deploy(udf_name='x', infer_params={'saas.api_kye': key()})",
        "SimpleByzerLLM().deploy(udf_name='x', infer_params=key())",
        "load('x', 'saas/openai', api_key=key(), timeout='abc')",
        "load('x', 'saas/openai', api_key='k', proxies='http://user:' + key() + '@host', timeout='abc')",
        "load('x', 'saas/openai', api_key='k', base_url='http://host?key=' + key(), timeout='abc')",
        "load('x', 'saas/openai', api_key={'a': [key()]})",
        "load('x', ScriptedEngine(), api_key=key())",
    ],
)
def test_verbose_tracebacks_show_no_key(seen: Seen, shell: InteractiveShell, cell: str) -> None:
    shell.push({"key": lambda: KEY})  # what stands in the user's own cell is shown as it is
    shell.run_cell("from byzer_nb import ScriptedEngine, SimpleByzerLLM, load")
    done = shell.run_cell(cell)
    refused = done.error_in_exec
    assert isinstance(refused, ByzerError)
    seen.failure(refused)
    verbose = VerboseTB(theme_name="nocolor")
    told = "\n".join(verbose.structured_traceback(type(refused), refused, refused.__traceback__))
    assert "byzer_nb" in told  # our frames are in it, and with them their variables
    seen.texts.append(told)


def test_a_key_under_a_misspelt_name_is_not_shown(standin: OpenAIStandIn, seen: Seen) -> None:
    llm = deployed(standin, **{"saas.api_kye": KEY, "saas.organization_key": KEY})
    llm.undeploy("chat")
    with pytest.raises(ByzerError) as missing:
        SimpleByzerLLM().deploy(udf_name="chat", infer_params={"saas.apikey": KEY})
    seen.traceback(missing.value)


@pytest.mark.contract("NB-05")
@pytest.mark.parametrize("line", ["-m chat", "-m chat --debug"])
def test_a_cell_shows_no_key(standin: OpenAIStandIn, seen: Seen, shell: InteractiveShell, line: str) -> None:
    llm = deployed(standin)
    shell.run_line_magic("load_ext", "byzer_nb")
    assert shell.run_cell(f"%%prompt {line} -o answer\nhi").success
    seen.show(shell.user_ns["answer"])
    standin.key = "another"
    refused = shell.run_cell(f"%%prompt {line}\nhi")
    if refused.error_in_exec is not None:
        seen.failure(refused.error_in_exec)
    llm.undeploy("chat")
