"""One violation of a contract, as a response lists it, and the limits of such a list."""

from __future__ import annotations

from typing import Any, NamedTuple

RESPONSE_LIMIT = 6_291_556
"""Lambda's limit in bytes for an encoded response.

Source: docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (6 MB; Lambda's own error has the exact figure).
"""
TOO_LARGE = f"The answer is larger than {RESPONSE_LIMIT} bytes: send fewer instances, or shorter ones; see batches."
LISTED_VIOLATIONS = 100
"""The most violations that an answer lists; it also has their count."""
MAX_PROBLEMS = 25_000
"""The most bad rows in a partial answer: each takes 280 bytes, and more would exceed Lambda's limit."""
MAX_NAME_LENGTH = 100
"""Characters of a field's name that a violation repeats."""


class Violation(NamedTuple):
    """One violation of a contract.

    `instance` is the row's index from 0 (None if the body itself is wrong); `field` is a dotted path, empty for the
    whole row.
    """

    instance: int | None
    field: str
    message: str
    rule: str

    def problem(self) -> dict[str, Any]:
        """Return the violation as a member of a problem's `errors`."""
        return {"instance": self.instance, "field": self.field, "message": self.message, "rule": self.rule}

    def __str__(self) -> str:
        row = f"instance {self.instance} " if self.instance is not None else ""
        field = f"field {self.field}" if self.field else ""
        return f"{(row + field).strip() or 'body'}: {self.message}"
