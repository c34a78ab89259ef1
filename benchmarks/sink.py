"""An endpoint that takes every BatchWriteItem and counts the items: `python -m benchmarks.sink` prints its port.

Any GET answers the counts, and begins anew.
"""

from __future__ import annotations

import asyncio
import json

from benchmarks.endpoint import serve

ANSWER = b'{"UnprocessedItems":{}}'


class Counts:
    """What was received: requests, items and bytes."""

    def __init__(self) -> None:
        self.requests = self.items = self.bytes = 0

    def reply(self, head: bytes, body: bytes) -> tuple[bytes, bytes]:
        """Count a request, or answer the counts."""
        if head.startswith(b"get "):
            counts = json.dumps(vars(self)).encode()
            self.__init__()  # type: ignore[misc] # all members are set there
            return b"", counts
        self.requests += 1
        self.items += body.count(b'"PutRequest"')
        self.bytes += len(body)
        return b"", ANSWER


if __name__ == "__main__":
    asyncio.run(serve(Counts().reply))
