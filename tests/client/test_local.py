"""Models inside this process: names come and go, and an engine is closed by whoever made it."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from byzer_nb import Client, ScriptedEngine
from byzer_nb.client import LocalTransport, shared_models
from byzer_nb.client.local import BUNDLED
from byzer_nb.errors import (
    UnknownModelError,
    UnknownNameError,
    UnsupportedError,
)
from byzer_nb.types import DeploySpec
from tests.client.conftest import Known


def spec(name: str = "m", *, reply: str = "hi") -> DeploySpec:
    return DeploySpec(name=name, engine="saas/scripted", settings={"reply": reply})


@pytest.fixture
def models() -> LocalTransport:
    return LocalTransport()


async def deployed(models: LocalTransport, name: str = "m") -> ScriptedEngine:
    engine = await models.deploy(spec(name))
    assert isinstance(engine, ScriptedEngine)
    return engine


async def test_what_is_deployed_answers_and_is_closed_when_it_goes(models: LocalTransport) -> None:
    engine = await deployed(models)
    assert "m" in models
    assert (await Client(models).aio.chat("x")).text == "hi"
    assert await models.undeploy("m")
    assert engine.is_closed
    assert "m" not in models
    assert not await models.undeploy("m")


async def test_what_is_added_is_closed_by_who_made_it(models: LocalTransport) -> None:
    engine = ScriptedEngine()
    await models.add("m", engine)
    assert await models.undeploy("m")
    assert not engine.is_closed


async def test_replacing_closes_the_old_one_only_if_it_was_deployed_here(models: LocalTransport) -> None:
    own = await deployed(models)
    foreign = ScriptedEngine("foreign")
    await models.add("m", foreign)
    assert own.is_closed
    assert models.engine("m") is foreign
    newest = await deployed(models)
    assert not foreign.is_closed
    await models.close()
    assert newest.is_closed


async def test_adding_the_same_engine_again_does_not_close_it(models: LocalTransport) -> None:
    engine = await deployed(models)
    await models.add("m", engine)
    assert not engine.is_closed


async def test_a_deployment_that_fails_leaves_the_old_one_at_work(models: LocalTransport) -> None:
    engine = await deployed(models)
    with pytest.raises(UnknownNameError, match="No engine is called 'saas/scriptid'") as unknown:
        await models.deploy(DeploySpec(name="m", engine="saas/scriptid"))
    assert "saas/scripted" in unknown.value.hint
    assert models.engine("m") is engine
    assert not engine.is_closed


async def test_the_name_answers_while_it_is_replaced(models: LocalTransport, known_as: Known) -> None:
    class SlowToClose(ScriptedEngine):
        async def close(self) -> None:
            await asyncio.sleep(0.05)
            seen.append((await Client(models).aio.chat("x", model="m")).text)

    seen: list[str] = []
    known_as("slow", SlowToClose)
    await models.deploy(DeploySpec(name="m", engine="slow"))
    await models.deploy(spec(reply="new"))
    assert seen == ["new"]


async def test_the_newest_is_the_default_one_unless_one_was_chosen(models: LocalTransport) -> None:
    assert models.default_model() == BUNDLED
    for name in ("one", "two"):
        await models.deploy(spec(name))
    assert models.default_model() == "two"
    await models.deploy(spec("one"))  # again, and so it is the newest
    assert models.default_model() == "one"
    assert models.choose("two").model == "scripted"
    assert (models.default_model(), models.chosen) == ("two", "two")
    await models.undeploy("two")
    assert (models.default_model(), models.chosen) == ("one", "")


async def test_a_chosen_model_stays_chosen_when_it_is_replaced(models: LocalTransport) -> None:
    await models.deploy(spec("one"))
    models.choose("one")
    await models.deploy(spec("two"))
    await models.deploy(spec("one", reply="better"))
    await models.deploy(spec("three"))
    assert models.default_model() == "one"
    await models.add("one", ScriptedEngine())
    assert models.default_model() == "one"


def test_a_model_that_is_not_there_cannot_be_chosen(models: LocalTransport) -> None:
    with pytest.raises(UnknownModelError, match="Model nope not deployed"):
        models.choose("nope")
    assert models.chosen == ""


async def test_forgetting_an_engine_drops_all_its_names_and_closes_nothing(models: LocalTransport) -> None:
    engine = await deployed(models)
    await models.add("alias", engine)
    await deployed(models, "other")
    await models.forget(engine)
    assert models.own_names() == ["other"]
    assert not engine.is_closed


async def test_closing_goes_on_after_an_engine_that_fails(models: LocalTransport, known_as: Known) -> None:
    class Stuck(ScriptedEngine):
        async def close(self) -> None:
            raise OSError("stuck")

    known_as("stuck", Stuck)
    await models.deploy(DeploySpec(name="stuck", engine="stuck"))
    engine = await deployed(models, "fine")
    with pytest.raises(OSError, match="stuck"):
        await models.close()
    assert engine.is_closed
    assert models.own_names() == []


# -- one behind the other -----------------------------------------------------------------------------------------


async def test_what_is_not_here_is_looked_for_beyond(models: LocalTransport) -> None:
    front = LocalTransport(beyond=models)
    behind = await deployed(models, "behind")
    assert "behind" in front
    assert front.engine("behind") is behind
    assert (front.names(), front.own_names()) == (["behind"], [])
    assert front.default_model() == "behind"
    assert not await front.undeploy("behind")
    await front.add("here", ScriptedEngine("front"))
    assert front.names() == ["here", "behind"]
    assert front.default_model() == "here"


async def test_a_name_that_is_in_both_is_listed_once_and_found_here(models: LocalTransport) -> None:
    front = LocalTransport(beyond=models)
    engine = await deployed(models)
    await front.add("m", ScriptedEngine())
    assert front.names() == ["m"]
    assert front.engine("m") is not engine


async def test_an_unknown_name_is_compared_with_those_here_and_beyond(models: LocalTransport) -> None:
    front = LocalTransport(beyond=models)
    await front.add("chat_here", ScriptedEngine())
    await deployed(models, "other")
    with pytest.raises(UnknownModelError) as unknown:
        front.engine("chat_hare")
    assert unknown.value.hint == "Did you mean 'chat_here'? Running: chat_here, other, byzer-tiny"


async def test_a_choice_beyond_ends_with_its_model(models: LocalTransport) -> None:
    front = LocalTransport(beyond=models)
    await deployed(models, "behind")
    front.choose("behind")
    await models.undeploy("behind")
    assert front.default_model() == BUNDLED


# -- the bundled model --------------------------------------------------------------------------------------------


@pytest.fixture
def bundled(known_as: Known) -> list[str]:
    """A quick engine in the place of the bundled one; in the list, the threads in which it was built."""
    built: list[str] = []

    class Bundled(ScriptedEngine):
        @classmethod
        def from_spec(cls, spec: DeploySpec) -> Bundled:
            built.append(threading.current_thread().name)
            time.sleep(0.05)
            return cls("bundled")

    known_as(BUNDLED, Bundled)
    return built


async def test_the_bundled_model_loads_on_its_first_call_and_only_once(
    models: LocalTransport, bundled: list[str]
) -> None:
    front = LocalTransport(beyond=models)
    assert front.default_model() == BUNDLED
    assert front.names() == []
    replies = await asyncio.gather(*[Client(front).aio.chat("x") for _ in range(5)])
    assert {reply.text for reply in replies} == {"bundled"}
    assert len(bundled) == 1
    assert models.names() == [BUNDLED]


async def test_the_loop_goes_on_while_the_bundled_model_loads(models: LocalTransport, bundled: list[str]) -> None:
    here = threading.current_thread().name
    await models.describe(BUNDLED)
    assert bundled != [here]


async def test_the_bundled_model_is_the_default_one_only_when_there_is_no_other(
    models: LocalTransport, bundled: list[str]
) -> None:
    await models.deploy(spec("m"))
    models.choose(BUNDLED)
    assert models.default_model() == BUNDLED
    await models.undeploy(BUNDLED)
    assert models.default_model() == "m"


# -- what happens while it loads ----------------------------------------------------------------------------------


async def test_an_engine_whose_deployment_was_cancelled_is_closed_when_it_is_ready(
    models: LocalTransport, known_as: Known
) -> None:
    made: list[ScriptedEngine] = []
    may_go_on = threading.Event()

    class Slow(ScriptedEngine):
        @classmethod
        def from_spec(cls, spec: DeploySpec) -> Slow:
            may_go_on.wait(5)
            made.append(cls())
            return made[0]  # type: ignore[return-value]

    known_as("slow", Slow)
    loading = asyncio.create_task(models.deploy(DeploySpec(name="m", engine="slow")))
    await asyncio.sleep(0.05)
    loading.cancel()
    await asyncio.gather(loading, return_exceptions=True)
    assert "m" not in models
    may_go_on.set()
    for _ in range(100):
        if made and made[0].is_closed:
            break
        await asyncio.sleep(0.02)
    assert made[0].is_closed


async def test_what_an_engine_lacks_is_said(models: LocalTransport) -> None:
    await deployed(models)
    with pytest.raises(UnsupportedError, match="'m' does not support tokenizer service"):
        await models.tokenize("m", "hello")


def test_the_shared_models_are_always_the_same() -> None:
    assert shared_models() is shared_models()
