"""Texts: their characters are code points."""

from __future__ import annotations

from typing import Any

from modelet.logic.errors import LogicError
from modelet.logic.operators.operator import ANY, BOOLEAN, LIST, NUMBER, TEXT, Operator
from modelet.logic.values import WHITE_SPACE, integer, items, kind_of, shown, text, written

MAX_TEXT = 1_000_000
"""The longest text that an operator makes, in characters."""


def bounded(made: str) -> str:
    """Return a text that a rule made. Raises LogicError if it is too long."""
    if len(made) > MAX_TEXT:
        raise LogicError(f"makes a text of more than {MAX_TEXT:,} characters")
    return made


def concatenated(*values: Any) -> str:
    """Return the texts and numbers one after the other."""
    parts = [written(value) for value in values]
    if sum(map(len, parts)) > MAX_TEXT:
        raise LogicError(f"makes a text of more than {MAX_TEXT:,} characters")
    return "".join(parts)


def joined(values: Any, between: Any = "") -> str:
    """Return the items of a list as one text."""
    parts, mark = [written(value) for value in items(values)], text(between)
    if sum(map(len, parts)) + len(mark) * len(parts) > MAX_TEXT:
        raise LogicError(f"makes a text of more than {MAX_TEXT:,} characters")
    return mark.join(parts)


def part(value: Any, start: Any, length: Any = None) -> str:
    """Return a part of a text; a negative start counts from the end, a negative length leaves out the end."""
    given, first = text(value), integer(start)
    rest = given[first:] if first >= 0 else given[max(0, len(given) + first) :]
    if length is None:
        return rest
    count = integer(length)
    return rest[:count] if count >= 0 else rest[: max(0, len(rest) + count)]


def replaced(value: Any, old: Any, new: Any) -> str:
    """Return a text with each occurrence of a part replaced."""
    given, wanted, put = text(value), text(old), text(new)
    if not wanted:
        raise LogicError("cannot replace an empty text")
    if len(given) + given.count(wanted) * len(put) > MAX_TEXT:
        raise LogicError(f"makes a text of more than {MAX_TEXT:,} characters")
    return given.replace(wanted, put)


def divided(value: Any, mark: Any) -> list[str]:
    """Return the parts of a text between a mark."""
    given, between = text(value), text(mark)
    return given.split(between) if between else list(given)


def length(value: Any) -> int:
    """Return the number of characters, items or members."""
    if type(value) not in {str, list, dict}:
        raise LogicError(f"needs a text, a list or an object, not {shown(value)}")
    return len(value)


_W = f"{TEXT}|{NUMBER}|{BOOLEAN}"
OPERATORS = (
    Operator(
        "cat",
        "text or number…",
        1,
        None,
        (_W,),
        TEXT,
        "The arguments one after the other, numbers as JavaScript writes them (5, not 5.0); null is an error.",
        concatenated,
        makes=True,
    ),
    Operator(
        "join",
        "values: list, between: text = ''",
        1,
        2,
        (LIST, TEXT),
        TEXT,
        "The items of a list as one text.",
        joined,
        reads=True,
        makes=True,
    ),
    Operator(
        "substr",
        "text, start: integer, length: integer",
        2,
        3,
        (TEXT, NUMBER),
        TEXT,
        "A part of a text; a negative start counts from the end, a negative length leaves out the end.",
        part,
        makes=True,
    ),
    Operator(
        "replace",
        "text, old: text, new: text",
        3,
        3,
        (TEXT,),
        TEXT,
        "Each occurrence of a part replaced.",
        replaced,
        makes=True,
    ),
    Operator(
        "split",
        "text, mark: text",
        2,
        2,
        (TEXT,),
        LIST,
        "The parts between a mark; with '' the characters.",
        divided,
        makes=True,
    ),
    Operator(
        "lower", "text", 1, 1, (TEXT,), TEXT, "In lower case.", lambda value: bounded(text(value).lower()), makes=True
    ),
    Operator(
        "upper", "text", 1, 1, (TEXT,), TEXT, "In upper case.", lambda value: bounded(text(value).upper()), makes=True
    ),
    Operator(
        "trim",
        "text",
        1,
        1,
        (TEXT,),
        TEXT,
        "Without white space at both ends.",
        lambda value: text(value).strip(WHITE_SPACE),
        makes=True,
    ),
    Operator(
        "starts_with",
        "text, start: text",
        2,
        2,
        (TEXT,),
        BOOLEAN,
        "Whether a text starts with another.",
        lambda value, other: text(value).startswith(text(other)),
    ),
    Operator(
        "ends_with",
        "text, end: text",
        2,
        2,
        (TEXT,),
        BOOLEAN,
        "Whether a text ends with another.",
        lambda value, other: text(value).endswith(text(other)),
    ),
    Operator(
        "length",
        "text, list or object",
        1,
        1,
        (f"{TEXT}|{LIST}|object",),
        NUMBER,
        "The number of characters (code points), items or members.",
        length,
    ),
    Operator("type", "value: any", 1, 1, (ANY,), TEXT, "null, boolean, number, text, list or object.", kind_of),
)
"""The operators of texts."""
