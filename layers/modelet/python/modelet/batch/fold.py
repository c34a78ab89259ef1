"""Find the entries of key files that have the same digest, in memory that is bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORK = np.dtype([("high", "u8"), ("low", "u8"), ("row", "u8"), ("chunk", "u4"), ("repeats", "?")], align=True)
"""An entry in memory. chunk: the place of its chunk in the plan. repeats: whether an earlier row has its key."""
MOST_EXAMPLES = 10

Entries = np.ndarray[tuple[int], np.dtype[np.void]]
Place = tuple[int, int]
"""A row: the place of its chunk in the plan, and its number in its object."""


class Repeated(NamedTuple):
    """Rows whose key another, later row has as well.

    total: their number. winners: the place of the row that wins, the last one, for each key that repeats, sorted.
    examples: at most ten pairs of a row and of a later one with the same key.
    """

    total: int
    winners: NDArray[np.uint64]
    examples: list[tuple[Place, Place]]


class Fold:
    """Entries, given in rounds; after each, the last one of each key is kept."""

    def __init__(self) -> None:
        self._total = 0
        self._examples: list[tuple[Place, Place]] = []
        self._kept: Entries = np.empty(0, WORK)

    @property
    def kept(self) -> int:
        """The number of entries that are kept: distinct keys."""
        return len(self._kept)

    def begin(self, count: int) -> Entries:
        """Return room for a round: what is kept, and then `count` entries for the caller to fill."""
        work = np.empty(self.kept + count, WORK)
        work[: self.kept] = self._kept
        work["repeats"][self.kept :] = False
        self._kept = work[:0]
        return work

    def end(self, work: Entries, *, is_last: bool) -> None:
        """Fold the entries of a round. is_last: keep only those that repeat."""
        order = np.argsort(work["high"], kind="stable")
        high = work["high"][order]
        same = high[1:] == high[:-1]
        del high
        # Most digests differ in their first half already; the others are looked at closely.
        alike = np.zeros(len(work), bool)
        alike[1:] = same
        alike[:-1] |= same
        del same
        last = self._last_of_each(work[order[alike]])
        if is_last:
            last = last[last["repeats"]]
            alike |= ~work["repeats"][order]
        self._kept = np.concatenate([last, work[order[~alike]]])

    def result(self) -> Repeated:
        """Return what repeats, after the last round."""
        winners = np.stack([self._kept["chunk"].astype(np.uint64), self._kept["row"]], axis=1)
        return Repeated(self._total, winners[np.lexsort((winners[:, 1], winners[:, 0]))], self._examples)

    def _last_of_each(self, group: Entries) -> Entries:
        """Return the last entry of each key, in the order of the plan, and count the others."""
        if not len(group):
            return group
        order = np.lexsort((group["row"], group["chunk"], group["low"], group["high"]))
        same = np.ones(len(group) - 1, bool)
        for half in ("high", "low"):
            values = group[half][order]
            same &= values[1:] == values[:-1]
        self._total += int(same.sum())
        for place in np.flatnonzero(same)[: MOST_EXAMPLES - len(self._examples)]:
            first, second = ((int(each["chunk"]), int(each["row"])) for each in group[order[place : place + 2]])
            self._examples.append((first, second))
        is_last = np.append(~same, True)
        last: Entries = group[order[is_last]]
        last["repeats"] |= np.append(False, same)[is_last]
        return last
