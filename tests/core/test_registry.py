"""Names that strangers may add to."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from byzer_nb._registry import Registry, nearest
from byzer_nb.errors import BadInputError, UnknownNameError


@pytest.fixture
def animals() -> Registry[object]:
    return Registry("animal", {"cat": "collections:OrderedDict", "horse": "os.path:join", "lost": "nowhere.at_all:X"})


def test_a_name_is_resolved_on_first_use(animals: Registry[object]) -> None:
    import collections

    assert animals.get("cat") is collections.OrderedDict
    assert animals.get("cat") is animals.get("cat")


def test_names_are_sorted(animals: Registry[object]) -> None:
    animals.add("ant", "os.path:join")
    assert animals.names() == ["ant", "cat", "horse", "lost"]


@pytest.mark.parametrize("typo", ["hores", "HORSE", "horse "])
def test_a_typo_is_answered_with_the_nearest_name(animals: Registry[object], typo: str) -> None:
    with pytest.raises(UnknownNameError, match="No animal is called") as raised:
        animals.get(typo)
    assert raised.value.hint == "Did you mean 'horse'? Known: cat, horse, lost"


def test_a_name_that_is_no_text_gets_the_same_answer(animals: Registry[object]) -> None:
    with pytest.raises(UnknownNameError, match="No animal is called 5"):
        animals.get(5)  # type: ignore[arg-type]


def test_nothing_is_suggested_when_nothing_is_near() -> None:
    assert nearest("zzz", ["cat"]) == ""
    assert nearest("cta", ["cat", "horse"]) == "Did you mean 'cat'? "


def test_a_taken_name_is_refused_and_the_same_again_is_not(animals: Registry[object]) -> None:
    animals.add("cat", "collections:OrderedDict")
    with pytest.raises(BadInputError, match="already 'collections:OrderedDict'"):
        animals.add("cat", "collections:Counter")
    assert animals.names() == ["cat", "horse", "lost"]


def test_a_name_that_was_added_by_hand_can_be_corrected(animals: Registry[object]) -> None:
    import collections

    animals.add("ant", "collections:Typo")
    with pytest.raises(BadInputError, match="where nothing is"):
        animals.get("ant")
    animals.add("ant", "os.path:join")
    assert animals.get("ant") is not collections.Counter
    animals.add("ant", "collections:Counter")
    assert animals.get("ant") is collections.Counter


@pytest.mark.parametrize("place", ["nowhere.at_all:X", "collections.nowhere:X", "collections:Nothing", "collections"])
def test_a_place_where_nothing_is_is_named(place: str) -> None:
    with pytest.raises(BadInputError, match=f"'odd' should be at '{place}'"):
        Registry("animal", {"odd": place}).get("odd")


def test_what_a_module_lacks_itself_is_said_in_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "needs_more.py").write_text("import a_package_nobody_has")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="a_package_nobody_has"):
        Registry("animal", {"odd": "needs_more:X"}).get("odd")


def install(folder: Path, package: str, points: str) -> None:
    """A package with entry points, as pip would have left it."""
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[byzer_nb.animals]\n{points}\n")


def test_another_package_adds_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, animals: Registry[object]
) -> None:
    install(tmp_path, "zoo", "zebra = zoo_animals:Zebra [stripes]")
    (tmp_path / "zoo_animals.py").write_text("class Zebra: pass")
    monkeypatch.syspath_prepend(tmp_path)
    assert "zebra" in animals.names()
    assert getattr(animals.get("zebra"), "__name__", "") == "Zebra"
    sys.modules.pop("zoo_animals")


def test_another_package_cannot_take_a_name_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, animals: Registry[object]
) -> None:
    install(tmp_path, "impostor", "cat = impostor:Cat")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BadInputError, match="already") as raised:
        animals.names()
    assert raised.value.hint == "Uninstall impostor."
    assert animals.get("cat")  # what is known works on
