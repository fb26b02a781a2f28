"""The body of a cell that deploys: settings of an engine as YAML, with variables of the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

import yaml

from byzer_nb._lang import say
from byzer_nb._registry import nearest
from byzer_nb.errors import BadInputError
from byzer_nb.types import Secret

_VARIABLE = re.compile(r"\$\{(\w+)\}")


def read_settings(body: str) -> dict[str, Any]:  # Any: values of YAML
    """The settings that a cell gives; whatever a variable of the environment fills in is a secret."""
    try:
        # Before the variables are filled in, so that no error quotes one.
        given = yaml.safe_load(body)
    except yaml.YAMLError as wrong:
        mark = getattr(wrong, "problem_mark", None)
        place = say(en=f" in line {mark.line + 1}", zh=f"（第 {mark.line + 1} 行）") if mark else ""
        raise BadInputError(
            say(en=f"The cell is no YAML{place}.", zh=f"单元格不是 YAML{place}。"), hint=_example()
        ) from None
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise BadInputError(say(en="The cell holds no settings.", zh="单元格里没有参数。"), hint=_example())
    return {str(name): _filled(value) for name, value in given.items()}


def _filled(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _filled(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each) for each in value]
    if not isinstance(value, str) or not _VARIABLE.search(value):
        return value
    return Secret(_VARIABLE.sub(lambda found: _variable(found[1]), value))


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise BadInputError(
            say(en=f"There is no variable {name} in the environment.", zh=f"环境变量 {name} 不存在。"),
            hint=nearest(name, list(os.environ))
            + say(
                en=f"Set it before the notebook starts, or in a cell: %env {name}=...", zh=f"请先设置：%env {name}=..."
            ),
        )
    return value


def _example() -> str:
    return say(en="For example: model: gpt-4o", zh="例如：model: gpt-4o")
