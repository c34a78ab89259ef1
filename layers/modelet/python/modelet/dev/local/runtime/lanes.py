"""Quick answers share few environments: a laptop has a few processors, and each process that takes turns costs them."""

from __future__ import annotations

import asyncio
import math
import os
from collections import deque

WIDTH = 2 * (os.cpu_count() or 1)
"""Environments of one function that are asked at the same moment: two a processor, so that while one's answer passes
the gateway another one computes. With one a processor there are a quarter fewer answers, with four no more.
"""
QUICK_S = 0.01
"""Seconds: a function that can answer within these is worth waiting for."""
FORGOTTEN = 1.1
"""By how much each answer raises what a function is believed to need: one slow one, on a busy machine, says little."""
PATIENCE_S = 0.05
"""Seconds that a request waits at the most, a fraction of what a new environment's init takes."""


class Lanes:
    """Holds a request back for a moment where an environment will be free sooner than another one is woken.

    A slow function's requests never wait: each has an environment at once, as in Lambda. What counts as in flight, and
    so what is throttled, is not changed by it.
    """

    def __init__(self, width: int = WIDTH, patience_s: float = PATIENCE_S) -> None:
        self._width = width
        self._patience_s = patience_s
        self._taken = 0
        self._needed_s = math.inf
        self._waiting: deque[asyncio.Future[bool]] = deque()

    async def enter(self) -> None:
        """Take a lane, when one is free or the moment is over."""
        if self._needed_s < QUICK_S and self._taken >= self._width:
            loop = asyncio.get_running_loop()
            turn: asyncio.Future[bool] = loop.create_future()
            self._waiting.append(turn)
            timer = loop.call_later(self._patience_s, settle, turn)
            try:
                handed_over = await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled() and turn.result():
                    self._pass_on()
                raise
            finally:
                timer.cancel()
            if handed_over:
                return
        self._taken += 1

    def leave(self, duration_s: float | None) -> None:
        """Give the lane to who waits longest. duration_s: of the answer; None where there was none."""
        if duration_s is not None:
            self._needed_s = min(duration_s, self._needed_s * FORGOTTEN)
        self._pass_on()

    def _pass_on(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(True)
                return
        self._taken -= 1


def settle(turn: asyncio.Future[bool]) -> None:
    """End a wait that brought no lane."""
    if not turn.done():
        turn.set_result(False)
