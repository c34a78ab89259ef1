"""Work in threads, a bounded number of pieces ahead of whoever takes the results in their order."""

from __future__ import annotations

from collections import deque
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")

PATIENCE_S = 3.0
"""How long what has begun is waited for, in all, when its results are not wanted any more."""


def in_order(calls: Iterable[Callable[[], T]], at_once: int) -> Iterator[T]:
    """The results of calls in their order, at most `at_once` of them running or waiting to be taken.

    Raises what a call raised, in its turn, when those that had begun by then have ended or a few seconds have passed:
    a process that ends while they are in native code is aborted.
    """
    ahead: deque[Running[T]] = deque()
    try:
        for call in calls:
            ahead.append(Running(call))
            if len(ahead) == at_once:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        until = monotonic() + PATIENCE_S
        for begun in ahead:
            begun.join(max(0.0, until - monotonic()))


class Running(Thread, Generic[T]):
    """One call in a thread of its own; `concurrent.futures` would be one more import of a cold start."""

    def __init__(self, call: Callable[[], T]) -> None:
        super().__init__(daemon=True)
        self._call = call
        self._result: list[T] = []
        self._error: Exception | None = None
        self.start()

    def run(self) -> None:
        """Call, and keep what comes of it."""
        try:
            self._result.append(self._call())
        except Exception as error:  # noqa: BLE001  whatever it is, it belongs to the one who takes the result
            self._error = error

    def result(self) -> T:
        """What the call gave, once; raises what it raised."""
        self.join()
        if self._error is not None:
            raise self._error
        return self._result.pop()
