"""What a rule raises for a value that it cannot work with."""

from __future__ import annotations


class LogicError(Exception):
    """A rule cannot work with its values. place: the path of the operator in the rule, such as `if[0].<`."""

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.place = place


class BudgetError(LogicError):
    """A rule needs more operations than it may use."""
