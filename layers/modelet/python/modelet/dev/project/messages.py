"""Words for what went wrong: one line that names the place, what is there, and the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import ValidationError

SHOWN = 40
"""How much of a value an error quotes."""

TO_GIVE = {"bool": "true or false", "dict": "a mapping of keys", "int": "a whole number", "model": "a mapping of keys"}
"""What pydantic calls `<kind>_type`, in an author's words."""

SAYINGS = {
    "greater_than_equal": "is below {ge:,}: give {ge:,} or more",
    "less_than_equal": "is above {le:,}: give {le:,} or less",
    "literal_error": "is not known: give {expected}",
    "string_pattern_mismatch": "is no name that can stand here: it must match {pattern}",
    "string_too_long": "is too long: give at most {max_length} characters",
}
"""What is wrong and the remedy, by pydantic's name for the error."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was probably meant to be; None where nothing is near."""
    by_fold = {name.lower().replace("-", "_"): name for name in known}
    near = difflib.get_close_matches(word.lower().replace("-", "_"), by_fold, n=1, cutoff=0.6)
    return by_fold[near[0]] if near else None


def quoted(value: object) -> str:
    """A value as an error shows it: a scalar on one short line, a collection by its kind."""
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
    """A pydantic error as one line: the place, what is there, what to give, and how many more there are."""
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
        said = "is empty" if value is None else f"{quoted(value)} cannot stand here"
        return f"{said}: give {TO_GIVE.get(kind.removesuffix('_type').removesuffix('_attributes'), 'text')}"
    return f"{quoted(value)} {SAYINGS[kind].format(**context) if kind in SAYINGS else f': {message}'}"
