"""Chance without a generator: a hash of a seed and of data, the same on every machine and in every run.

The n-th number of some values is the first 53 bits of SHA-256 over their canonical JSON text (sorted names, no spaces,
ASCII only, 1 for 1.0) and `:n`, divided by 2^53.
"""

from __future__ import annotations

from typing import Any

from modelet.digest import digest
from modelet.logic.operators.operator import ANY, LIST, NUMBER, Operator
from modelet.logic.values import canonical, integer, items


def share(seed: str, place: int) -> float:
    """Return the n-th number of a seed, at least 0 and below 1."""
    return (int(digest(f"{seed}:{place}".encode())[:16], 16) >> 11) / 2**53


def rand(*seed: Any) -> float:
    """Return the first number of some values."""
    return share(canonical(list(seed)), 0)


def sample(values: Any, count: Any, *seed: Any) -> list[Any]:
    """Return items in the order in which they are drawn, without replacement: all, if there are fewer.

    The n-th draw takes the item at the index floor(number n × items left) of those that are left; the last item takes
    its place.
    """
    left = list(items(values))
    key, drawn = canonical(list(seed)), []
    for place in range(min(integer(count, 0), len(left))):
        index = int(share(key, place) * len(left))
        drawn.append(left[index])
        last = left.pop()
        if index < len(left):
            left[index] = last
    return drawn


OPERATORS = (
    Operator(
        "rand",
        "seed: any, data: any…",
        1,
        None,
        (ANY,),
        NUMBER,
        "A number of at least 0 and below 1 that depends on the arguments alone.",
        rand,
        reads=True,
    ),
    Operator(
        "sample",
        "list, count: integer, seed: any, data: any…",
        3,
        None,
        (LIST, NUMBER, ANY),
        LIST,
        "Items drawn without replacement; which ones depends on the arguments alone.",
        sample,
        reads=True,
        makes=True,
    ),
)
"""The operators of chance."""
