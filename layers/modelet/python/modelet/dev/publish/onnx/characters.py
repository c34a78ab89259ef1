"""Sets of characters as ranges of code points, as Python's `re` defines them, in a form that RE2 reads the same way."""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

EVERY = "".join(map(chr, range(sys.maxunicode + 1)))
"""All characters of Unicode; the index of each is its code point."""


class Characters(NamedTuple):
    """A set of characters: ascending ranges of code points, both ends included, with a gap between any two."""

    ranges: tuple[tuple[int, int], ...]

    def holds(self, code: int) -> bool:
        """Return whether the character of a code point is in the set."""
        return any(low <= code <= high for low, high in self.ranges)

    def is_within(self, other: Characters) -> bool:
        """Return whether all characters of this set are in the other."""
        return all(any(low <= first and last <= high for low, high in other.ranges) for first, last in self.ranges)

    def written(self) -> str:
        """Return the set in RE2's syntax, as ranges: RE2's `\\w` is another set, and its `\\p{L}` varies by release."""
        return f"[{''.join(_range(*each) for each in self.ranges)}]"


@cache
def characters(pattern: re.Pattern[str]) -> Characters:
    """Return the characters that a pattern of the form `[set]+` matches, by running it over all of Unicode."""
    return Characters(tuple((found.start(), found.end() - 1) for found in pattern.finditer(EVERY)))


def atoms(sets: list[Characters]) -> Iterator[frozenset[int]]:
    """Yield the kinds of characters that the sets distinguish: for each, the indices of the sets that contain it."""
    ends = sorted({end for each in sets for low, high in each.ranges for end in (low, high + 1)})
    seen = set()
    for code in ends:
        kind = frozenset(place for place, each in enumerate(sets) if each.holds(code))
        if kind and kind not in seen:
            seen.add(kind)
            yield kind


def _range(low: int, high: int) -> str:
    return f"\\x{{{low:x}}}" if low == high else f"\\x{{{low:x}}}-\\x{{{high:x}}}"
