"""docs/providers.md says what the engines say of themselves: abilities, options, settings, defaults and examples."""

from __future__ import annotations

import re

import pytest

from byzer_nb.cli.deployment import Deployment
from byzer_nb.cli.main import BYZERLLM
from byzer_nb.magics._arguments import read_arguments
from byzer_nb.magics._settings import read_settings
from byzer_nb.magics.deploy import DeployMagics, options_first
from byzer_nb.types import Capabilities
from byzer_nb.types.options import OPTION_NAMES
from byzer_nb.types.policy import SETTINGS as POLICY_SETTINGS
from tests.house.provider_cards import (
    ABILITY_ROWS,
    ABLE,
    COLUMNS,
    EVERYWHERE,
    KEY,
    OPTION_ROWS,
    SENT,
    SPEAK_OR_DRAW_ALONE,
    TYPES,
    WORDS,
    abilities,
    card_of,
    engine_with,
    known_settings,
    options_sent,
    types_in,
    ways,
)
from tests.house.provider_page import COMMON, Example, Section, sections

ABOUT_TYPES = [section for section in sections().values() if section.title.startswith("`saas/")]
# Values for the variables that the examples take from the environment, where the form of a key matters.
VALUES = {"QIANFAN_V2_KEY": "bce-v3/key", "VOLCENGINE_APP_ID": "1234567890"}


@pytest.mark.parametrize("label", ABILITY_ROWS)
def test_table_of_abilities_says_what_the_cards_say(label: str) -> None:
    for engine in types_in(label):
        said = {head: WORDS[able] for head, able in abilities(label, engine).items()}
        assert {"type": label, **said} == ABILITY_ROWS[label], (
            f"{engine}; python -m tests.house.provider_cards mends it"
        )


@pytest.mark.parametrize("label", OPTION_ROWS)
def test_table_of_options_says_what_the_cards_say(label: str) -> None:
    said = {option for option, word in OPTION_ROWS[label].items() if word == WORDS[True]}
    for engine in types_in(label):
        assert options_sent(label, engine) == [said] * len(options_sent(label, engine)), engine


def test_tables_have_every_type_every_ability_and_every_option() -> None:
    assert {engine for label in ABILITY_ROWS for engine in types_in(label)} == set(TYPES)
    assert {engine for label in OPTION_ROWS for engine in types_in(label)} == set(TYPES) - SPEAK_OR_DRAW_ALONE
    beside = {"continues", "completes", "tokenizer", "chat_template", "options"}
    assert set(COLUMNS.values()) == set(Capabilities.__dataclass_fields__) - beside
    assert {"type", *OPTION_NAMES} - EVERYWHERE == set(next(iter(OPTION_ROWS.values())))


def test_every_row_that_is_tested_stands_in_the_table() -> None:
    assert set(ABLE) <= set(ABILITY_ROWS)
    assert set(SENT) <= set(OPTION_ROWS)


def test_every_type_has_one_section() -> None:
    assert sorted(name for section in ABOUT_TYPES for name in section.types()) == TYPES


@pytest.mark.parametrize("section", ABOUT_TYPES, ids=lambda section: section.title)
def test_section_names_every_setting_and_no_other(section: Section) -> None:
    common = set(sections()[COMMON].settings())
    for engine in section.types():
        known = set.union(*(known_settings(engine, way) for way in ways(engine)))
        assert set(section.settings()) | common == known | common, engine
        # What holds for every provider holds for this one, unless its section takes it away again.
        assert common - set(POLICY_SETTINGS) - known == set(section.not_read()), engine


@pytest.mark.parametrize("section", ABOUT_TYPES, ids=lambda section: section.title)
def test_section_names_the_usual_model(section: Section) -> None:
    by_type = {name: row["model"] for row in section.rows("type") for name in types_in(row["type"])}
    said = next((row["default"] for row in section.rows("setting") if "`model`" in row["setting"]), "")
    for engine in section.types():
        default = by_type.get(engine, said)
        if named := re.match(r"`([^`]+)`", default):
            assert card_of(engine, ways(engine)[0]).model == named[1]
        else:
            assert default in ("needed", "must be named", "the deployment's name")


def test_hosts_with_a_type_of_their_own_are_where_the_page_says() -> None:
    rows = next(section for section in ABOUT_TYPES if "saas/openai" in section.types()).rows("type")
    for row in rows:
        for engine in types_in(row["type"]):
            assert str(engine_with(engine, KEY).address) == f"{row['base_url'].strip('`')}/chat/completions"


@pytest.mark.parametrize("section", [sections()[""], *ABOUT_TYPES], ids=lambda section: section.title or "head")
def test_three_ways_to_write_a_model_are_the_same_model(section: Section, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in re.findall(r"\$\{(\w+)\}", section.text):
        monkeypatch.setenv(variable, VALUES.get(variable, "id.key"))
    cells = [_of_cell(cell) for cell in section.cells()]
    commands = [_of_command(words) for words in section.commands()]
    loaded = section.loaded()
    assert cells
    assert len(cells) == len(commands) == len(loaded)
    for same in zip(cells, commands, loaded, strict=True):
        assert len({(each.name, each.engine, frozenset(each.settings)) for each in same}) == 1
        first, *others = [card_of(each.engine, each.settings) for each in same]
        assert others == [first, first]


def _of_cell(cell: str) -> Example:
    head, _, body = cell.partition("\n")
    arguments = read_arguments(DeployMagics.llm_deploy.parser, options_first(head.removeprefix("%%llm_deploy ")))
    return Example(name=arguments.rest.strip(), engine=arguments.options.type, settings=read_settings(body))


def _of_command(words: list[str]) -> Example:
    program, *rest = words
    assert program == BYZERLLM.name
    command, given = BYZERLLM.read(rest)
    assert command.name == "deploy"
    wanted = Deployment(
        name=given.model, pretrained_model_type=given.pretrained_model_type, infer_params=given.infer_params
    )
    spec, _ = wanted.specs()
    return Example(name=spec.name, engine=spec.engine, settings=spec.settings)
