"""The meter of a rule: it charges operations for each step, and for the size of each value that a step reads or makes.

A frame is a list: its first item is the number of operations left, the others are the local variables of the rule.
"""

from __future__ import annotations

from typing import Any

from modelet.logic.errors import BudgetError, LogicError

Frame = list[Any]

CHARACTERS = 64
"""The characters of a text that one operation pays for."""
MAX_DEPTH = 64
"""The deepest nesting of a value that a rule makes or reads as a whole."""
EXCEEDED = "the rule needs more operations than logic.operations allows"


def spend(frame: Frame, count: int) -> None:
    """Charge operations. Raises BudgetError if fewer are left."""
    frame[0] -= count
    if frame[0] < 0:
        raise BudgetError(EXCEEDED)


def size(value: Any, most: int, depth: int = MAX_DEPTH) -> int:
    """Return the operations that a value costs: one for each value inside it, and for each 64 characters.

    A value that occurs twice counts twice, as in its JSON text. Raises BudgetError above `most`, and LogicError if the
    value is nested too deeply.
    """
    kind = type(value)
    if kind is str:
        return 1 + len(value) // CHARACTERS
    if kind is not list and kind is not dict:
        return 1
    if not depth:
        raise LogicError(f"a value is nested more than {MAX_DEPTH} levels deep")
    total = 1 + len(value)
    if total > most:
        raise BudgetError(EXCEEDED)
    if kind is dict:
        total += sum(map(len, value)) // CHARACTERS
        value = value.values()
    for item in value:
        kind = type(item)
        if kind is str:
            total += len(item) // CHARACTERS
        elif kind is list or kind is dict:
            total += size(item, most - total, depth - 1)
        if total > most:
            raise BudgetError(EXCEEDED)
    return total


def shallow(values: list[Any]) -> int:
    """Return the operations for going once through the values' own items or characters."""
    total = 0
    for value in values:
        kind = type(value)
        if kind is str:
            total += len(value) // CHARACTERS
        elif kind is list or kind is dict:
            total += len(value)
    return total
