"""Cells of a CSV file, which are texts: turned into the values that a contract's literals list.

The contract itself reads numbers and booleans from texts; only a literal of numbers accepts nothing but a number.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from modelet.contract.flat import fields_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelet.contract.schema import Core

MOST_DIGITS = 4_300
"""The longest text that Python reads as an integer."""
_INTEGER = re.compile(r"([+-]?[0-9]+)(\.0+)?")
"""An integer as the contract reads it from a text; tables with missing values have 1.0 for 1."""


class Cells:
    """Converts the columns of CSV files for one contract. instance: the core schema of an instance."""

    def __init__(self, instance: Core) -> None:
        self._values = {
            name: values for name, schema in (fields_of(instance) or {}).items() if (values := _values(schema))
        }

    def convert(self, columns: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
        """Return the columns; a text that is none of a literal's values stays, and the contract names it."""
        converted = dict(columns)
        for name, values in self._values.items():
            if name in converted:
                known: dict[Any, Any] = {}
                cells = converted[name]
                for text in set(cells):
                    known[text] = _value(text, values)
                converted[name] = [known[text] for text in cells]
        return converted


def _values(schema: Core) -> list[Any]:
    """Return the values of a literal that are no texts."""
    if schema["type"] == "nullable":
        return _values(schema["schema"])
    if schema["type"] != "literal":
        return []
    return [value for value in schema["expected"] if not isinstance(value, str)]


def _value(text: Any, values: list[Any]) -> Any:
    if not isinstance(text, str):
        return text
    for value in values:
        if isinstance(value, bool):
            if text.lower() == str(value).lower():
                return value
        elif (found := _INTEGER.fullmatch(text.strip())) and len(found[1]) <= MOST_DIGITS and int(found[1]) == value:
            return value
    return text
