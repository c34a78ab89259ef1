"""The parts of a rule that give the same value in each request, and operators that there are not."""

from __future__ import annotations

from typing import Any

REFUSED = {
    "try": "an error in a rule is never hidden: test the value before, with `if` or `??`",
    "val": "write var with a path",
    "exists": "write missing, or var with a default",
    "preserve": "write dict for an object, or a list",
    "group_by": "use filter and map",
    "sort": "write sort_by",
}
"""Operators of other engines, and what to write instead."""

READS = frozenset({"var", "missing", "missing_some", "now", "throw"})
"""Operators whose value depends on more than their arguments, or that are meant to fail."""


def is_constant(rule: Any) -> bool:
    """Return whether a part of a rule gives the same value in each request."""
    if type(rule) is list:
        return all(map(is_constant, rule))
    if type(rule) is not dict:
        return True
    return not READS & rule.keys() and all(map(is_constant, rule.values()))
