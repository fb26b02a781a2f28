"""A check of what a model wrote against a JSON schema that somebody wrote down, with the repairs that classes have."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from byzer_nb.prompts.checker import Checker
from byzer_nb.prompts.fitting import Fit
from byzer_nb.prompts.json_values import plain
from byzer_nb.prompts.schema_faults import Fault, faults


class SchemaChecker(Checker):
    """Makes JSON values out of answers."""

    def __init__(self, schema: Any) -> None:  # Any: a JSON value
        self._given: dict[str, Any] = schema if isinstance(schema, dict) else {}
        self.name = str(self._given.get("title") or "value of that schema")

    @cached_property
    def schema(self) -> dict[str, Any]:  # Any: a JSON value
        """The schema itself."""
        return self._given

    @cached_property
    def _known_schema(self) -> dict[str, Any]:
        return self._given

    def _validated(self, fit: Fit) -> Any:
        value = plain(fit.value)
        found = faults(value, self._given)
        if not found and self._has_none_of_the_fields(value):
            found = [Fault((), "None of the fields of the schema is there", value)]
        if not found:
            return value
        raise ValidationError.from_exception_data(
            self.name,
            [
                InitErrorDetails(
                    type=PydanticCustomError("json_schema", "{reason}", {"reason": each.reason}),
                    loc=each.place,
                    input=each.value,
                )
                for each in found
            ],
        )

    def _has_none_of_the_fields(self, value: Any) -> bool:
        """Whether an object has only other keys, of which the schema says nothing."""
        if not isinstance(value, dict) or not value or "additionalProperties" in self._given:
            return False
        return self.has_fields and not self._names.names_fields(value)
