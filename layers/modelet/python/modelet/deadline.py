"""The deadline: answer 504 before Lambda kills the environment."""

from __future__ import annotations

import os
import threading

# Not `signal`, which wraps these in enums; that costs more than the rest of this module.
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
"""Seconds reserved for writing the answer."""


REPEAT = 0.02
"""Seconds until the alarm is raised again, in case the author's code swallowed it."""


class Alarm(BaseException):
    """The deadline is near. Not an Exception, so that an author's `except Exception` does not catch it."""


def _raise_alarm(_number: int, _frame: FrameType | None) -> None:
    raise Alarm


class Deadline:
    """Raise Alarm inside the `with` block, or at its very end, shortly before Lambda would kill the environment.

    remaining: seconds until the kill, None for no limit. Raises DeadlineError if too little time is left to begin.
    The alarm interrupts Python code. A native call is interrupted only when it returns, unless `stop_at_alarm` can
    stop it. Signals work in the main thread only; in another one (a test that calls a handler from a thread) there is
    no alarm.
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
            if getsignal(SIGALRM) is not _raise_alarm:  # another library may have replaced the handler
                signal(SIGALRM, _raise_alarm)
            setitimer(ITIMER_REAL, self._remaining - MARGIN, REPEAT)
            self._armed = True

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _stack: TracebackType | None
    ) -> None:
        if self._armed:
            disarm()


def stop_at_alarm(stop: Callable[[], None]) -> None:
    """Start a thread that calls `stop` at each alarm, even while native code runs in the main thread.

    Python writes the signal to a pipe, which wakes the thread before the main thread sees the signal. Call this in the
    main thread; in another one it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reader, stop), name="deadline", daemon=True).start()


def _watch(reader: int, stop: Callable[[], None]) -> None:
    while signals := os.read(reader, 64):
        # After the alarm, the timer repeats within REPEAT seconds; the timer of a later request has more left.
        if SIGALRM in signals and 0 < getitimer(ITIMER_REAL)[0] <= REPEAT:
            stop()


def disarm() -> None:
    """Stop the alarm. Call this when catching Alarm, which may come before the block ends."""
    setitimer(ITIMER_REAL, 0)
