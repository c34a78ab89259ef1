"""One violation of a contract, as a response names it, and the limits of what a response lists."""

from __future__ import annotations

from typing import Any, NamedTuple

RESPONSE_LIMIT = 6_291_556
"""Bytes of an encoded response that Lambda lets through.

Source: docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (6 MB; Lambda's own error has the exact figure).
"""
TOO_LARGE = f"The answer is above {RESPONSE_LIMIT} bytes: send the instances in batches."
LISTED_VIOLATIONS = 100
"""How many violations an answer lists; beside them it says how many there are."""
MOST_PROBLEMS = 25_000
"""Bad rows of a partial answer: with more, each of which takes 280 bytes, it is above what Lambda lets through."""
LONGEST_NAME = 100
"""Characters of a field's name that a violation repeats."""


class Violation(NamedTuple):
    """One violation of a contract.

    `instance` is the row's index from 0 (None where the body itself is wrong); `field` is a dotted path, empty for the
    whole row.
    """

    instance: int | None
    field: str
    message: str
    rule: str

    def problem(self) -> dict[str, Any]:
        """The violation as a member of a problem's `errors`."""
        return {"instance": self.instance, "field": self.field, "message": self.message, "rule": self.rule}

    def __str__(self) -> str:
        row = f"instance {self.instance} " if self.instance is not None else ""
        field = f"field {self.field}" if self.field else ""
        return f"{(row + field).strip() or 'body'}: {self.message}"
