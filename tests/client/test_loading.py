"""Loading, unloading and choosing models of this process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import byzer_nb
from byzer_nb import Client, ScriptedEngine
from byzer_nb.client import shared_models
from byzer_nb.client.local import BUNDLED
from byzer_nb.errors import BadInputError, ByzerError, WrongTypeError
from byzer_nb.types import ChatRequest, Delta, DeploySpec, ModelCard, Secret
from tests.client.conftest import Known


@pytest.fixture
def loaded() -> Iterator[None]:
    yield
    for name in ("m", "n", "scripted"):
        byzer_nb.unload(name)


@pytest.mark.usefixtures("loaded")
class TestLoading:
    def test_what_is_loaded_answers_by_name_everywhere(self) -> None:
        card = byzer_nb.load("m", "saas/scripted", reply="loaded")
        assert isinstance(card, ModelCard)
        assert Client(model="m").chat("x").text == "loaded"
        assert byzer_nb.unload("m")
        assert not byzer_nb.unload("m")

    def test_a_ready_engine_is_taken_as_it_is(self) -> None:
        engine = ScriptedEngine("mine")
        byzer_nb.load("m", engine)
        assert Client().chat("x").text == "mine"
        byzer_nb.unload("m")
        assert not engine.is_closed

    def test_a_ready_engine_takes_no_settings(self) -> None:
        with pytest.raises(WrongTypeError, match="takes no settings"):
            byzer_nb.load("m", ScriptedEngine(), reply="x")

    def test_the_used_model_is_the_default_one(self) -> None:
        byzer_nb.load("m", "saas/scripted", reply="m")
        byzer_nb.load("n", "saas/scripted", reply="n")
        byzer_nb.use("m")
        assert Client().chat("x").text == "m"

    def test_an_engine_can_be_used_at_once(self) -> None:
        engine = ScriptedEngine("used")
        assert byzer_nb.use(engine).model == "scripted"
        assert Client().chat("x").text == "used"

    def test_a_key_is_hidden_on_its_way_to_the_engine(self, known_as: Known) -> None:
        seen: list[DeploySpec] = []

        class Keyed(ScriptedEngine):
            @classmethod
            def from_spec(cls, spec: DeploySpec) -> Keyed:
                seen.append(spec)
                return cls()

        known_as("keyed", Keyed)
        byzer_nb.load("m", "keyed", api_key="sk-CANARY", base_url="http://x")
        assert seen[0].settings == {"api_key": Secret("sk-CANARY"), "base_url": "http://x"}

    @pytest.mark.parametrize(("name", "engine"), [("", "saas/scripted"), ("m", ""), (5, "saas/scripted")])
    def test_a_name_that_is_none_is_refused(self, name: str, engine: str) -> None:
        with pytest.raises((BadInputError, WrongTypeError)) as refused:
            byzer_nb.load(name, engine)
        assert isinstance(refused.value, ByzerError)


class NoCard(ScriptedEngine):
    def describe(self) -> str:  # type: ignore[override]
        return "a card"


class NoPieces(ScriptedEngine):
    async def chat(self, request: ChatRequest) -> str:  # type: ignore[override]
        return "hi"


class NoGenerator(ScriptedEngine):
    def chat(self, request: ChatRequest) -> list[Delta]:  # type: ignore[override]
        return [Delta(text="hi")]


@pytest.mark.usefixtures("loaded")
class TestWhatIsNoEngine:
    @pytest.mark.parametrize(
        ("thing", "reason"),
        [
            (None, "None is no engine: it has no describe and no chat and no close"),
            (3, "3 is no engine"),
            (ScriptedEngine, "ScriptedEngine is a class of engines"),
            (NoCard(), r"NoCard.describe\(\) gives 'a card' and no ModelCard"),
            (NoPieces(), "NoPieces.chat yields nothing"),
        ],
        ids=["None", "number", "class", "no card", "coroutine"],
    )
    def test_it_is_refused_and_nothing_changes(self, thing: Any, reason: str) -> None:
        before = shared_models().default_model()
        for call in (lambda: byzer_nb.load("m", thing), lambda: byzer_nb.use(thing)):
            with pytest.raises(WrongTypeError, match=reason) as refused:
                call()
            assert refused.value.hint
        assert "m" not in shared_models()
        assert shared_models().default_model() == before

    def test_a_ready_engine_needs_a_name_too(self) -> None:
        with pytest.raises(BadInputError, match="needs a name"):
            byzer_nb.load("", ScriptedEngine())
        with pytest.raises(WrongTypeError, match="is a string, not 5"):
            byzer_nb.load(5, ScriptedEngine())  # type: ignore[arg-type]

    def test_a_chat_that_gives_something_else_is_told_when_it_is_called(self) -> None:
        byzer_nb.load("m", NoGenerator())
        with pytest.raises(WrongTypeError, match=r"gave .* and no async generator") as refused:
            Client(model="m").chat("x")
        assert "yield Delta" in refused.value.hint


@pytest.mark.usefixtures("loaded")
class TestWhoAnswersNow:
    def test_loading_says_when_unnamed_prompts_go_elsewhere(self) -> None:
        first = byzer_nb.load("m", "saas/scripted")
        assert f"go to 'm'; byzer_nb.use({BUNDLED!r}) goes back" in repr(first)
        assert "go to &#x27;m&#x27;" in first._repr_mimebundle_()["text/html"]
        assert "byzer_nb.use('m') goes back" in repr(byzer_nb.load("n", ScriptedEngine()))

    def test_loading_says_nothing_when_they_do_not(self) -> None:
        byzer_nb.load("m", "saas/scripted")
        assert "goes back" not in repr(byzer_nb.load("m", "saas/scripted"))
        byzer_nb.use("m")
        assert "goes back" not in repr(byzer_nb.load("n", "saas/scripted"))

    def test_without_the_chosen_one_the_newest_answers(self) -> None:
        byzer_nb.load("m", "saas/scripted", reply="m")
        byzer_nb.load("n", "saas/scripted", reply="n")
        byzer_nb.use("m")
        byzer_nb.unload("m")
        assert Client().chat("x").text == "n"
