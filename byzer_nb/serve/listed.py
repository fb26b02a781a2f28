"""YAML files that list things by name, such as keys and models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from byzer_nb._registry import nearest
from byzer_nb.errors import BadInputError, MissingFileError

Fields = Mapping[str, Any]  # Any: values of YAML


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """What a file lists: in words, the fields that each may have, and an example of one."""

    what: str
    fields: Sequence[str]
    example: str

    def read(self, path: Path) -> list[Fields]:
        """The fields of each, of which no two have one name."""
        try:
            listed = yaml.safe_load(path.expanduser().read_text(encoding="utf-8"))
        except OSError as missing:
            raise MissingFileError(
                f"The file of {self.what}s {str(path)!r} cannot be read: {missing.strerror}."
            ) from missing
        except (yaml.YAMLError, UnicodeDecodeError):  # their words quote the line, in which a key may stand
            raise self._misfit(f"The file of {self.what}s {str(path)!r} is no YAML.") from None
        if not isinstance(listed, list):
            raise self._misfit(f"The file of {self.what}s {str(path)!r} is no list.")
        found = [self._checked(each, position) for position, each in enumerate(listed)]
        names = [each["name"] for each in found]
        for name in names:
            if names.count(name) > 1:
                raise BadInputError(
                    f"Two {self.what}s in {str(path)!r} are called {name!r}.", hint="Give each a name of its own."
                )
        return found

    def _checked(self, given: object, position: int) -> Fields:
        what = self.what.capitalize()
        if not isinstance(given, Mapping):
            raise BadInputError(f"{what} {position} is no set of fields.", hint=f"For example: {self.example}")
        for field in given:
            if field not in self.fields:
                hint = nearest(str(field), self.fields) + "Known: " + ", ".join(self.fields)
                raise BadInputError(f"{what} {position} has an unknown field {field!r}.", hint=hint)
        if not isinstance(given.get("name"), str):
            raise BadInputError(f"{what} {position} needs a name.", hint=f"For example: {self.example}")
        return given

    def _misfit(self, message: str) -> BadInputError:
        return BadInputError(message, hint=f"A list of: {self.example}")
