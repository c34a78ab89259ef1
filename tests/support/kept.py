"""Objects in memory, as writers put them."""

from __future__ import annotations


class Kept:
    """What was put, by URL. puts: how often. fails: raise this instead."""

    def __init__(self, fails: Exception | None = None) -> None:
        self.objects: dict[str, bytes] = {}
        self.puts = 0
        self._fails = fails

    def put(self, url: str, data: bytes) -> None:
        """Keep an object."""
        if self._fails:
            raise self._fails
        self.puts += 1
        self.objects[url] = data
