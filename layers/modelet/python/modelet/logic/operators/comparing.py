"""Comparisons. Null, booleans, lists and objects have no order: comparing them is an error, not false."""

from __future__ import annotations

import operator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from modelet.logic.errors import LogicError
from modelet.logic.operators.operator import ANY, BOOLEAN, LIST, TEXT, Operator
from modelet.logic.values import alike, number, same, shown, truthy

if TYPE_CHECKING:
    from collections.abc import Callable


def ordered(compare: Callable[[Any, Any], bool]) -> Callable[..., bool]:
    """Return an operator that holds between each two neighbours."""

    def holds(*values: Any) -> bool:
        if len(values) == 2:
            first, second = values
            if type(first) in _NUMBERS and type(second) in _NUMBERS:
                return compare(first, second)
        return all(compare(*pair(one, other)) for one, other in pairwise(values))

    return holds


_NUMBERS = frozenset({int, float})


def pair(one: Any, other: Any) -> tuple[Any, Any]:
    """Return two numbers or two texts. A text beside a number is read as one. Raises LogicError for other values."""
    if type(one) is str and type(other) is str:
        return one, other
    for value in (one, other):
        if type(value) not in {int, float, str}:
            raise LogicError(f"compares numbers, or texts, not {shown(value)}: test it first, or give `??` a default")
    return number(one), number(other)


def within(value: Any, whole: Any) -> bool:
    """Return whether a list has an item, or a text has a part."""
    if type(whole) is str:
        if type(value) is not str:
            raise LogicError(f"looks for a text in a text, not for {shown(value)}")
        return value in whole
    if type(whole) is list:
        return any(same(value, item) for item in whole)
    raise LogicError(f"looks in a list or a text, not in {shown(whole)}")


_SCALAR = "number|text"
OPERATORS = (
    Operator(
        "==",
        "one: any, other: any",
        2,
        2,
        (ANY,),
        BOOLEAN,
        "Equal; a text is read as a number beside one.",
        alike,
        reads=True,
    ),
    Operator(
        "!=",
        "one: any, other: any",
        2,
        2,
        (ANY,),
        BOOLEAN,
        "The opposite of `==`.",
        lambda one, other: not alike(one, other),
        reads=True,
    ),
    Operator(
        "===",
        "one: any, other: any",
        2,
        2,
        (ANY,),
        BOOLEAN,
        "The same value of the same kind; lists and objects by their contents.",
        same,
        reads=True,
    ),
    Operator(
        "!==",
        "one: any, other: any",
        2,
        2,
        (ANY,),
        BOOLEAN,
        "The opposite of `===`.",
        lambda one, other: not same(one, other),
        reads=True,
    ),
    Operator(
        "<",
        "low: number or text, high…",
        2,
        3,
        (_SCALAR,),
        BOOLEAN,
        "Less, with three arguments between; null is an error.",
        ordered(operator.lt),
    ),
    Operator(
        "<=", "low: number or text, high…", 2, 3, (_SCALAR,), BOOLEAN, "Less or equal; see `<`.", ordered(operator.le)
    ),
    Operator(">", "high: number or text, low…", 2, 3, (_SCALAR,), BOOLEAN, "Greater; see `<`.", ordered(operator.gt)),
    Operator(
        ">=",
        "high: number or text, low…",
        2,
        3,
        (_SCALAR,),
        BOOLEAN,
        "Greater or equal; see `<`.",
        ordered(operator.ge),
    ),
    Operator(
        "!", "value: any", 1, 1, (ANY,), BOOLEAN, "Whether a value counts as false.", lambda value: not truthy(value)
    ),
    Operator(
        "!!",
        "value: any",
        1,
        1,
        (ANY,),
        BOOLEAN,
        "Whether a value counts as true: all but null, false, 0, an empty text and an empty list.",
        truthy,
    ),
    Operator(
        "in",
        "value: any, whole: list or text",
        2,
        2,
        (ANY, f"{LIST}|{TEXT}"),
        BOOLEAN,
        "Whether a list has an item, or a text has a part.",
        within,
        reads=True,
    ),
)
"""The comparing operators."""
