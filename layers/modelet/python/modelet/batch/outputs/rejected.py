"""The rejected rows of a chunk, as JSON Lines."""

from __future__ import annotations

from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING

from modelet.batch.outputs.items import json_text
from modelet.batch.outputs.row import IN_MEMORY

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import IO, Self

    from modelet.batch.outputs.row import Puts, Rejected

SUFFIX = ".jsonl"
MOST_TEXT = 500
"""Characters of a key and of a reason that are repeated."""


def rejected_jsonl(url: str, rejected: Iterable[Rejected]) -> bytes:
    """Return a line for each rejected row: `{"object", "row", "key", "field", "reason", "rule"}`.

    url: the input object of the rows. A key that is not valid Unicode has question marks.
    """
    lines = []
    for each in rejected:
        line = {"object": url, "row": each.number, "key": _text(each.key), "field": _text(each.field)}
        lines.append(json_text({**line, "reason": _text(each.reason), "rule": each.rule}) + b"\n")
    return b"".join(lines)


def _text(text: str | None) -> str | None:
    return None if text is None else text[:MOST_TEXT].encode("utf-8", "replace").decode()


class RejectedFile:
    """Collects the rejected rows of one chunk, and puts them as one object when it is closed; none without rows.

    objects, url: where the object goes. source: the URL of the input object. count: the rows so far.
    """

    def __init__(self, objects: Puts, url: str, source: str) -> None:
        self.count = 0
        self._objects, self._url, self._source = objects, url, source
        self._file: IO[bytes] = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed by close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_raised: object) -> None:
        if kind is None:
            self.close()
        else:
            self._file.close()

    def add(self, rejected: list[Rejected]) -> None:
        """Add rows."""
        self.count += len(rejected)
        self._file.write(rejected_jsonl(self._source, rejected))

    def close(self) -> None:
        """Put the object. Raises StoreError if it cannot be put."""
        with self._file:
            if self.count:
                self._file.seek(0)
                self._objects.put(self._url, self._file.read())
