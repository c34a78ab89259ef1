"""What JSON values mean to a rule: truth, equality, numbers, texts and paths."""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Any

from modelet.logic.errors import LogicError

MAX_INTEGER = 2**63 - 1
"""Arithmetic gives integers of at most 64 bits, or an error: other parsers of JSON would round them."""
NUMERIC = re.compile(r"\s*[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?\s*", re.ASCII)
KINDS = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "text",
    list: "list",
    dict: "object",
}
"""The name of each type of JSON values, in messages and for the operator `type`."""
MAX_DIGITS = 400
"""The characters above which a text is not a number."""
SHOWN = 40
"""The most characters of a value that a message shows."""
WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f"
    "\u205f\u3000"
)
"""Unicode's White_Space. Python's own `strip` also takes the separators U+001C to U+001F."""
MISSING: Any = object()


def truthy(value: Any) -> bool:
    """Return whether a value counts as true: all but null, false, 0, an empty text and an empty list do."""
    return bool(value) or type(value) is dict


def kind_of(value: Any) -> str:
    """Return the name of a value's type."""
    return KINDS.get(type(value), type(value).__name__)


def shown(value: Any) -> str:
    """Return a value's type, and a scalar's value, for a message."""
    kind = kind_of(value)
    if kind in {"null", "list", "object"}:
        return kind
    text = repr(value) if kind == "text" else str(value).lower()
    return f"{kind} {text if len(text) <= SHOWN else text[:SHOWN] + '…'}"


def number(value: Any) -> int | float:
    """Return a number, or the number that a text says, as JsonLogic does.

    Raises LogicError for other values, and for integers of more than 64 bits, which are not computed with.
    """
    kind = type(value)
    if kind is float or (kind is int and -MAX_INTEGER <= value <= MAX_INTEGER):
        return value  # type: ignore[no-any-return] # the type is checked above
    if kind is int:
        raise LogicError(f"needs an integer of at most 64 bits, not {shown(value)}")
    if kind is str and len(value) < MAX_DIGITS and NUMERIC.fullmatch(value):
        text = value.strip(WHITE_SPACE)
        return finite(float(text)) if any(mark in text for mark in ".eE") else whole(int(text.lstrip("+")))
    raise LogicError(f"needs a number, not {shown(value)}")


def finite(value: float) -> float:
    """Return a number. Raises LogicError for infinity and NaN, which JSON does not have."""
    if not isfinite(value):
        raise LogicError("the result is too large, or is not a number")
    return value


def whole(value: int) -> int:
    """Return an integer. Raises LogicError if it has more than 64 bits."""
    if not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise LogicError("the result is an integer of more than 64 bits")
    return value


def real(value: Any) -> int | float:
    """Return the result of arithmetic. Raises LogicError if JSON cannot carry it unchanged."""
    return whole(value) if type(value) is int else finite(value)


def integer(value: Any, low: int = -MAX_INTEGER, high: int = MAX_INTEGER) -> int:
    """Return an integer within bounds. Raises LogicError for other values."""
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int or not low <= value <= high:
        raise LogicError(
            f"needs an integer from {low} to {high}, not {shown(value)}"
            if high < MAX_INTEGER
            else f"needs an integer, not {shown(value)}"
            if low < 0
            else f"needs an integer of at least {low}, not {shown(value)}"
        )
    return value


def text(value: Any) -> str:
    """Return a text. Raises LogicError for other values."""
    if type(value) is not str:
        raise LogicError(f"needs a text, not {shown(value)}")
    return value


def items(value: Any) -> list[Any]:
    """Return a list. Raises LogicError for other values."""
    if type(value) is not list:
        raise LogicError(f"needs a list, not {shown(value)}")
    return value


def members(value: Any) -> dict[str, Any]:
    """Return an object. Raises LogicError for other values."""
    if type(value) is not dict:
        raise LogicError(f"needs an object, not {shown(value)}")
    return value


def written(value: Any) -> str:
    """Return a scalar as a part of a text. Raises LogicError for null, lists and objects."""
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return] # the type is checked above
    if kind is int:
        return repr(value)
    if kind is float:
        return _digits(value)
    if kind is bool:
        return "true" if value else "false"
    raise LogicError(f"needs a text or a number, not {shown(value)}")


def _digits(value: float) -> str:
    """Return a finite number as JavaScript writes it: 5, 0.00001, 1e-7, 1e+21, and 0 for -0.

    Source: ECMA-262, Number::toString, whose shortest digits are also those of Python.
    """
    mantissa, _, exponent = repr(value).partition("e")
    mantissa = mantissa.removesuffix(".0")
    if not exponent:
        return "0" if value == 0 else mantissa
    power, sign, digits = int(exponent), "-" * (value < 0), mantissa.lstrip("-").replace(".", "")
    if 0 < power < 21:
        return sign + digits.ljust(power + 1, "0")
    if -7 < power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    return f"{mantissa}e{power:+d}"


def same(one: Any, other: Any) -> bool:
    """Return whether two values are the same: 1 is 1.0, but true is not 1; lists and objects by their contents."""
    kind = type(one)
    if kind is list:
        return type(other) is list and len(one) == len(other) and all(map(same, one, other))
    if kind is dict:
        return type(other) is dict and one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    return one == other and (kind is bool) == (type(other) is bool)


def alike(one: Any, other: Any) -> bool:
    """Return whether two values are equal to `==`, which reads texts and booleans as numbers beside numbers."""
    kinds = (kind_of(one), kind_of(other))
    if kinds[0] == kinds[1] or "null" in kinds or not _SCALARS.issuperset(kinds):
        return same(one, other)
    pair = [_as_number(one), _as_number(other)]
    return None not in pair and pair[0] == pair[1]


_SCALARS = frozenset({"boolean", "number", "text"})


def _as_number(value: Any) -> int | float | None:
    if type(value) is str:
        if not value.strip(WHITE_SPACE):
            return 0
        return float(value) if len(value) < MAX_DIGITS and NUMERIC.fullmatch(value) else None
    return int(value) if type(value) is bool else value


def step(value: Any, name: str) -> Any:
    """Return a member of an object, or an item of a list by its index; MISSING if there is none."""
    if type(value) is dict:
        return value.get(name, MISSING)
    if type(value) is list and name.isascii() and name.isdigit() and len(name) < 10 and int(name) < len(value):
        return value[int(name)]
    return MISSING


def find(value: Any, path: tuple[str, ...]) -> Any:
    """Return the value at a path, or MISSING."""
    for name in path:
        value = step(value, name)
        if value is MISSING:
            return MISSING
    return value


def path_of(name: Any) -> tuple[str, ...]:
    """Return the names in a dotted path; a number is an index. Raises LogicError for other values."""
    if type(name) is int and name >= 0:
        return (str(name),)
    if name is None:
        return ()
    given = text(name)
    return tuple(given.split(".")) if given else ()


def canonical(value: Any) -> str:
    """Return a value as JSON text that is the same for values that are the same: sorted names, 1 for 1.0."""
    return _encode(_plain(value))


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def _plain(value: Any) -> Any:
    if type(value) is float and value.is_integer():
        return int(value)
    if type(value) is list:
        return [_plain(each) for each in value]
    return {name: _plain(each) for name, each in value.items()} if type(value) is dict else value
