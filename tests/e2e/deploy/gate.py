"""A gate before the workers: what happens while a batch runs can happen between two of its chunks."""

from __future__ import annotations

import threading
from typing import Any

LIMIT_S = 280
"""Seconds after which a chunk goes on, so that a test that failed leaves no thread behind."""


class Gate:
    """Lets chunks of batches pass; after `close`, as many as it says, and the others when it is opened.

    passed, waiting: the numbers of the chunks, in their order.
    """

    def __init__(self) -> None:
        self.passed: list[int] = []
        self.waiting: list[int] = []
        self._left: int | None = None
        self._changed = threading.Condition()

    def enter(self, event: Any) -> None:
        """Wait until an event may pass; any but that of a chunk passes at once."""
        if not isinstance(event, dict) or event.get("modelet") != "chunk":
            return
        number = event["chunk"]["number"]
        with self._changed:
            self.waiting.append(number)
            self._changed.wait_for(lambda: self._left is None or self._left > 0, LIMIT_S)
            self.waiting.remove(number)
            self.passed.append(number)
            if self._left is not None:
                self._left -= 1

    def close(self, after: int) -> None:
        """Let `after` chunks pass, and hold the others."""
        with self._changed:
            self.passed.clear()
            self._left = after

    def open(self) -> None:
        """Let all pass."""
        with self._changed:
            self._left = None
            self._changed.notify_all()
