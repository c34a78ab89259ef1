"""The deadline: a request answers 504 by itself before Lambda kills its environment."""

from __future__ import annotations

import os
import threading

# What `signal` wraps into enums, which costs more than all else that the deadline does.
from _signal import (  # type: ignore[import-not-found]  # has no stub
    ITIMER_REAL,
    SIGALRM,
    getitimer,
    getsignal,
    set_wakeup_fd,
    setitimer,
    signal,
)
from typing import TYPE_CHECKING

from modelet.errors import DeadlineError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

MARGIN = 0.1
"""Seconds kept back for writing the answer."""


AGAIN = 0.02
"""Seconds until the alarm rings again, should the author's code have swallowed it."""


class Alarm(BaseException):
    """The deadline is near. Not an Exception: an author's `except Exception` must not end it."""


def _ring(_number: int, _frame: FrameType | None) -> None:
    raise Alarm


class Deadline:
    """Raises Alarm inside its `with` block, or at its very end, shortly before the environment would be killed.

    remaining: seconds until the kill, None for no bound. Raises DeadlineError where it is too late to begin. The alarm
    interrupts Python. A native call that outlasts the deadline is only noticed when it returns, unless it can be told
    to: see `stop_at_alarm`.
    Signals belong to the main thread; elsewhere (a test that calls a handler from a thread) there is no alarm.
    """

    __slots__ = ("_armed", "_remaining")

    def __init__(self, remaining: float | None) -> None:
        self._remaining = remaining
        self._armed = False

    def __enter__(self) -> None:
        if self._remaining is None:
            return
        if self._remaining <= MARGIN:
            raise DeadlineError(f"{self._remaining:.3f} s are left, and writing an answer needs {MARGIN} s")
        if threading.current_thread() is threading.main_thread():
            if getsignal(SIGALRM) is not _ring:  # another library may have taken it since
                signal(SIGALRM, _ring)
            setitimer(ITIMER_REAL, self._remaining - MARGIN, AGAIN)
            self._armed = True

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _stack: TracebackType | None
    ) -> None:
        if self._armed:
            disarm()


def stop_at_alarm(stop: Callable[[], None]) -> None:
    """Have a thread call `stop` whenever the alarm rings, even while native code keeps the main thread.

    Python itself tells the thread, through a pipe, before the main thread may see the signal. Elsewhere than in the
    main thread, where signals do not belong, this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    bell, rope = os.pipe()
    os.set_blocking(rope, False)
    set_wakeup_fd(rope, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(bell, stop), name="deadline", daemon=True).start()


def _watch(bell: int, stop: Callable[[], None]) -> None:
    while signals := os.read(bell, 64):
        # Once the alarm has rung it is due again within a moment; the next request's is not.
        if SIGALRM in signals and 0 < getitimer(ITIMER_REAL)[0] <= AGAIN:
            stop()


def disarm() -> None:
    """Stop the alarm: for whoever catches it, since it may have rung before the block could."""
    setitimer(ITIMER_REAL, 0)
