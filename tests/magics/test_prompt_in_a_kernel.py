"""`%%prompt` in a real kernel: how often it paints, what is saved, and what the stop button does."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from tests.magics.kernel import Kernel, Ran
from tests.standins.openai import OpenAIStandIn
from tests.standins.vendor import KEY, Act

# 3,000 tokens, evenly over two seconds; `first_at` is when the first one left the engine.
STEADY = """
from byzer_nb.types import Capabilities, Delta, ModelCard, Usage

class Steady:
    words = [f"word{number} " for number in range(3000)]
    seconds = 2.0

    def describe(self):
        return ModelCard(model="steady", engine="steady", capabilities=Capabilities())

    async def chat(self, request):
        clock = asyncio.get_running_loop().time
        started = clock()
        for number, word in enumerate(self.words):
            while (ahead := started + self.seconds * number / len(self.words) - clock()) > 0:
                await asyncio.sleep(ahead)
            if number == 0:
                self.first_at = time.time()
            yield Delta(text=word)
        yield Delta(finish_reason="stop", usage=Usage(input_tokens=1, output_tokens=len(self.words)))

    async def close(self):
        pass

steady = Steady()
run(shared_models().add("steady", steady))
"""
WORDS = "".join(f"word{number} " for number in range(3000))


@pytest.fixture(scope="module")
def steady(kernel: Kernel) -> Kernel:
    """The kernel, with an engine of an even pace."""
    kernel.ok(STEADY)
    return kernel


@pytest.fixture(scope="module")
def painted(steady: Kernel) -> Ran:
    """A cell with 3,000 tokens in two seconds."""
    return steady.ok("%%prompt -m steady -o said\nGo on.")


@pytest.mark.contract("NB-05")
def test_3000_tokens_paint_a_cell_5_to_60_times(painted: Ran) -> None:
    assert 5 <= len(painted.paints) <= 60


@pytest.mark.contract("NB-05")
def test_a_cell_is_painted_at_most_ten_times_a_second(painted: Ran) -> None:
    times = [message.at for message in painted.paints[:-1]]  # the last comes with the last token
    assert (len(times) - 1) / (times[-1] - times[0]) <= 11  # on the whole: a message may be late, and the next on time


@pytest.mark.contract("NB-05")
def test_what_is_saved_is_the_whole_text(painted: Ran, steady: Kernel) -> None:
    answer, footer = painted.outputs
    assert answer == {"text/markdown": WORDS, "text/plain": WORDS}
    assert footer["text/plain"].startswith("steady · 1 tokens in, 3000 out · first token 0.")
    assert painted.printed == ""
    whole = [message for message in painted.paints if "text/plain" in message.content["data"]]
    assert whole == painted.paints[-1:]  # each paint crosses the wire, so the text goes once until the last
    assert steady.ok("said == ''.join(steady.words)").plain == ["True"]


@pytest.mark.contract("NB-05")
def test_the_first_paint_comes_within_150_ms_of_the_first_token(steady: Kernel) -> None:
    delays = []
    for _ in range(4):  # noise of the machine only ever adds
        ran = steady.ok("steady.seconds = 0.05\n%prompt -m steady Go on.")
        delays.append(ran.paints[0].at - float(steady.ok("steady.first_at").plain[0]))
        if delays[-1] <= 0.15:
            break
    steady.ok("steady.seconds = 2.0")
    assert min(delays) <= 0.15


@pytest.mark.contract("NB-05")
def test_stop_returns_within_a_second_and_keeps_what_came(steady: Kernel) -> None:
    ran = steady.run("%prompt -m steady -o part Go on.", interrupt_after=0.5)
    assert ran.status == "error"
    assert ran.messages[-1].at - ran.paints[0].at < 1.5
    assert ran.error == ["Stopped."]
    assert 50 < len(ran.markdown) < len(WORDS)
    assert WORDS.startswith(ran.markdown)
    assert ran.plain[-1].endswith(" · stopped")
    assert steady.ok("part").plain == [repr(ran.markdown)]
    assert steady.ok("type(part).__name__").plain == ["'StoppedText'"]


@pytest.fixture
def openai() -> Iterator[OpenAIStandIn]:
    with OpenAIStandIn() as standin:
        yield standin


@pytest.mark.contract("NB-05")
def test_stop_closes_the_connection_to_the_provider(kernel: Kernel, openai: OpenAIStandIn) -> None:
    openai.always = Act(reply=["and "] * 1000, rate=50)
    load = f"byzer_nb.load('gpt', 'saas/openai', base_url={openai.url!r}, api_key={KEY!r}, model='gpt-4o')"
    kernel.ok(f"_ = {load}")
    ran = kernel.run("%prompt -m gpt Go on.", interrupt_after=0.5)
    assert ran.error == ["Stopped."]
    deadline = time.monotonic() + 2
    while openai.busy and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (openai.busy, openai.aborted) == (0, 1)
    kernel.ok("byzer_nb.unload('gpt')")
    assert KEY not in ran.everything


@pytest.mark.contract("NB-05")
def test_stop_before_the_first_token_leaves_one_line(kernel: Kernel) -> None:
    kernel.ok("_ = deploy('slow', 'at last', delay=30)")
    kernel.ok("import threading, signal; threading.Timer(0.5, signal.raise_signal, [signal.SIGINT]).start()")
    ran = kernel.run("%prompt -m slow -o none Well.")
    assert ran.error == ["Stopped."]
    assert ran.plain == ["slow · stopped"]
    assert kernel.ok("none").plain == ["''"]


@pytest.mark.contract("NB-05")
def test_it_says_who_is_asked_until_there_is_something_to_read(kernel: Kernel) -> None:
    kernel.ok("_ = deploy('late', 'Here I am.', delay=0.3)")
    ran = kernel.ok("%prompt -m late Hello")
    first = next(message for message in ran.messages if message.kind == "display_data")
    assert first.content["data"]["text/plain"] == "asking late …"
    assert ran.plain[0] == "Here I am."


@pytest.mark.contract("NB-05")
def test_reasoning_is_folded_above_the_answer_and_escaped(kernel: Kernel) -> None:
    kernel.ok("from byzer_nb.types import Reply")
    kernel.ok("_ = deploy('thinker', [Reply(text='42', reasoning='<script>6 x 7</script>')], token_delay=0.05)")
    ran = kernel.ok("%prompt -m thinker How much.")
    thoughts, answer, _ = ran.outputs
    assert thoughts["text/html"].startswith("<details><summary>")
    assert "&lt;script&gt;6 x 7&lt;/script&gt;" in thoughts["text/html"]
    assert answer == {"text/markdown": "42", "text/plain": "42"}
    opened = [message for message in ran.messages if "<details open>" in str(message.content)]
    assert opened  # there is nothing else to read meanwhile


@pytest.mark.contract("NB-05")
def test_a_typed_answer_streams_and_then_shows_its_value(kernel: Kernel) -> None:
    kernel.ok("_ = deploy('typed', '{\"a\": [1, 2]}')")
    text, value, footer = kernel.ok("%prompt -m typed --as dict[str,list[int]] Which.").outputs
    assert text == {"text/markdown": '```json\n{"a": [1, 2]}\n```', "text/plain": '{"a": [1, 2]}'}
    assert value["text/plain"] == "{'a': [1, 2]}"
    assert footer["text/plain"].startswith("typed · ")


@pytest.mark.contract("NB-05")
def test_show_marks_what_was_inserted_and_escapes_it(kernel: Kernel) -> None:
    kernel.ok("bad = '<b>{{ x }}</b>'")
    [shown] = kernel.ok("%%prompt --show --as int\n<i> {{ bad }}").outputs
    assert "&lt;i&gt; <mark" in shown["text/html"]
    assert ">&lt;b&gt;{{ x }}&lt;/b&gt;</mark>" in shown["text/html"]
    assert shown["text/plain"].startswith("<i> <b>{{ x }}</b>\n\nAnswer with JSON only")


@pytest.mark.contract("NB-05")
def test_show_marks_what_was_inserted_into_the_system_text(kernel: Kernel) -> None:
    kernel.ok("bad = '<b>'")
    [shown] = kernel.ok("%%prompt --show --system 'Be {{ bad }}'\nHello").outputs
    assert "Be <mark" in shown["text/html"]
    assert ">&lt;b&gt;</mark>" in shown["text/html"]


def test_an_engine_that_fails_in_its_own_way_leaves_no_waiting_line(kernel: Kernel) -> None:
    kernel.ok(
        "from byzer_nb.types import Capabilities, Delta, ModelCard\n"
        "class Strange:\n"
        "    def describe(self):\n"
        "        return ModelCard(model='s', engine='s', capabilities=Capabilities())\n"
        "    async def chat(self, request):\n"
        "        raise KeyError('inside')\n"
        "        yield\n"
        "    async def close(self):\n"
        "        pass\n"
        "run(shared_models().add('strange', Strange()))"
    )
    ran = kernel.run("%prompt -m strange Hi")
    assert ran.plain == ["strange · no answer"]
    assert "KeyError" in "\n".join(ran.error)


def test_names_of_models_are_escaped_in_the_footer(kernel: Kernel) -> None:
    kernel.ok("_ = deploy('<img/src=x>', 'Hello')")
    footer = kernel.ok("%prompt -m <img/src=x> Hi").outputs[-1]
    assert "<img" not in footer["text/html"]


@pytest.mark.contract("NB-05")
def test_an_error_is_two_lines_in_a_notebook_too(kernel: Kernel) -> None:
    ran = kernel.run("%prompt Hello {{ nobody }}")
    assert ran.status == "error"
    assert len(ran.error) == 2
    assert ran.outputs == []
    [error] = [message.content for message in ran.messages if message.kind == "error"]
    assert error["ename"] == "UndefinedVariableError"


@pytest.mark.contract("NB-05", "PROMPT-17")
def test_prompt_functions_work_in_both_forms_and_asyncio_stays_unpatched(kernel: Kernel) -> None:
    kernel.ok(
        "_ = deploy('echo'); before = (asyncio.run, type(asyncio.get_event_loop_policy()), asyncio.get_running_loop)"
    )
    kernel.ok("%%prompt --def -m echo\nf(word) -> str\n{{ word }}")
    assert kernel.ok("f('sync')").plain == ["'sync'"]
    assert kernel.ok("await f.aio('async')").plain == ["'async'"]
    both = "await asyncio.gather(f.aio('a'), f.aio('b')) + [f('c')]"
    assert kernel.ok(both).plain == ["['a', 'b', 'c']"]
    kernel.ok(
        "async def inside():\n    get_ipython().run_line_magic('prompt', '-m echo -o in_loop Hi')\nawait inside()"
    )
    assert kernel.ok("in_loop").plain == ["'Hi'"]
    after = "(asyncio.run, type(asyncio.get_event_loop_policy()), asyncio.get_running_loop) == before"
    assert kernel.ok(f"{after}, asyncio.run.__module__").plain == ["(True, 'asyncio.runners')"]
    ran = kernel.run("asyncio.run(f.aio('again'))")
    assert "cannot be called from a running event loop" in "\n".join(ran.error)


def test_captured_output_holds_the_answer_once(kernel: Kernel) -> None:
    kernel.ok("_ = deploy('echo')")
    kernel.ok("%%capture got\n%prompt -m echo Hello")
    texts = json.loads(kernel.ok("import json; print(json.dumps([o.data for o in got.outputs]))").printed)
    assert sum(data.get("text/markdown") == "Hello" for data in texts) == 1
