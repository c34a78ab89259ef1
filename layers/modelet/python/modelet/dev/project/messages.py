"""Error messages: one line with the place, the value found, and the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import ValidationError

SHOWN = 40
"""The most characters of a value that an error quotes."""

EXPECTED = {"bool": "true or false", "dict": "a mapping of keys", "int": "a whole number", "model": "a mapping of keys"}
"""What to write instead, by the kind of pydantic's error `<kind>_type`."""

REMEDIES = {
    "greater_than_equal": "is below {ge:,}: give {ge:,} or more",
    "less_than_equal": "is above {le:,}: give {le:,} or less",
    "literal_error": "is unknown: give {expected}",
    "string_pattern_mismatch": "is not a valid name: it must match {pattern}",
    "string_too_long": "is too long: give at most {max_length} characters",
}
"""The error and its remedy, by pydantic's name for the error."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is most similar to `word`, or None if none is similar."""
    by_fold = {name.lower().replace("-", "_"): name for name in known}
    near = difflib.get_close_matches(word.lower().replace("-", "_"), by_fold, n=1, cutoff=0.6)
    return by_fold[near[0]] if near else None


def quoted(value: object) -> str:
    """Return a value as text for an error: a scalar on one short line, a collection as its kind."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    shown = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return shown if len(shown) <= SHOWN else f"{shown[: SHOWN - 1]}…"


def sentence(invalid: ValidationError) -> str:
    """Return a pydantic error as one line: the place, the value, the remedy, and the number of further errors."""
    errors = invalid.errors(include_url=False)
    first = errors[0]
    place = ".".join(str(part) if str(part).isprintable() else ascii(part) for part in first["loc"] if part != "[key]")
    said = _remedy(first["type"], first["input"], first.get("ctx", {}), first["msg"])
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{place}: {said}{more}" if place else f"{said}{more}"


def _remedy(kind: str, value: object, context: Mapping[str, Any], message: str) -> str:
    if kind == "value_error":
        return str(context["error"])
    if kind == "missing":
        return "is missing: add it"
    if kind.endswith("_type"):
        said = "is empty" if value is None else f"{quoted(value)} is not valid here"
        return f"{said}: give {EXPECTED.get(kind.removesuffix('_type').removesuffix('_attributes'), 'text')}"
    return f"{quoted(value)} {REMEDIES[kind].format(**context) if kind in REMEDIES else f': {message}'}"
