"""The time of one call of the last step, which works in units: each is recorded, so that the next call goes on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

RESERVE_S = 60.0
"""Seconds before the worker's timeout from which on no unit begins; a quarter of a short timeout."""
MARGIN_S = 5.0
"""Seconds before the worker's timeout after which nothing is tried again."""


class Budget:
    """The time of a call. remaining: seconds until the worker's timeout; None for none. clock: monotonic seconds.

    until: the time at which to stop; end: the time after which no request is tried again; None for never.
    """

    def __init__(self, remaining: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.until: float | None = None
        self.end: float | None = None
        if remaining is not None:
            self.until = clock() + remaining - min(RESERVE_S, remaining / 4)
            self.end = clock() + remaining - MARGIN_S
        self._began: float | None = None
        self._longest = 0.0
        self.has_progressed = False
        """Whether a unit of this call has ended, so that another call does not begin where this one began."""

    def has_room(self) -> bool:
        """Begin a unit, if it fits. The first one does, so that each call makes progress.

        Another fits if it may take as long as the longest one so far. The unit before has ended by this call.
        """
        began, self._began = self._began, self._clock()
        if began is None:
            return True
        self.has_progressed = True
        self._longest = max(self._longest, self._began - began)
        return self.until is None or self._began + self._longest <= self.until
