"""Run calls in threads, a bounded number at a time, and return their results in order."""

from __future__ import annotations

from collections import deque
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")

JOIN_TIMEOUT_S = 3.0
"""Seconds to wait in all for running calls whose results are no longer needed."""


def in_order(calls: Iterable[Callable[[], T]], at_once: int) -> Iterator[T]:
    """Yield the results of `calls` in their order; at most `at_once` results are in progress or not yet yielded.

    Raises the exception of a call when it is that call's turn, but first waits up to JOIN_TIMEOUT_S for the calls in
    progress: a process that exits while they run native code is aborted.
    """
    ahead: deque[Task[T]] = deque()
    try:
        for call in calls:
            ahead.append(Task(call))
            if len(ahead) == at_once:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        until = monotonic() + JOIN_TIMEOUT_S
        for task in ahead:
            task.join(max(0.0, until - monotonic()))


class Task(Thread, Generic[T]):
    """One call in its own thread. `concurrent.futures` would be another import in a cold start."""

    def __init__(self, call: Callable[[], T]) -> None:
        super().__init__(daemon=True)
        self._call = call
        self._result: list[T] = []
        self._error: Exception | None = None
        self.start()

    def run(self) -> None:
        """Call, and keep the result or the exception."""
        try:
            self._result.append(self._call())
        except Exception as error:  # noqa: BLE001 - `result` raises it
            self._error = error

    def result(self) -> T:
        """Wait for the call and return its result, which can be taken once; raise what it raised."""
        self.join()
        if self._error is not None:
            raise self._error
        return self._result.pop()
