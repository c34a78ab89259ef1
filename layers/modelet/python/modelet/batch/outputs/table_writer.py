"""What the writers of a prediction table have in common: rows become items, and an error drops what is not written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from modelet.batch.outputs.items import Items

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Self

    from modelet.batch.outputs.row import Encoded, Rejected, Row


class TableWriter(ABC):
    """Writes the rows of one chunk to a prediction table. rows: the number of rows taken so far.

    It is a context manager, which closes the writer, or abandons it if its block raises.
    """

    def __init__(self, generation: str, *, expires_at: int | None, source: str) -> None:
        self.rows = 0
        self._items = Items(generation, expires_at=expires_at, source=source)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, /, *_raised: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def write(self, rows: Sequence[Row]) -> list[Rejected]:
        """Take rows, and return those that cannot be items. Raises as `write_encoded` does."""
        rejected: list[Rejected] = []
        self.write_encoded(self.encode(rows, rejected))
        return rejected

    def encode(self, rows: Iterable[Row], rejected: list[Rejected]) -> Iterator[Encoded]:
        """Yield rows with their items, and write nothing. rejected: takes those that cannot be items."""
        return self._items.encode_all(rows, rejected)

    @abstractmethod
    def write_encoded(self, encoded: Iterable[Encoded]) -> None:
        """Take rows that `encode` yielded. Raises StoreError, which is retryable, or RequestError."""

    @abstractmethod
    def close(self) -> None:
        """Return when every row is written. Raises StoreError or RequestError if one of them is not."""

    @abstractmethod
    def abandon(self) -> None:
        """Drop what is not written yet. For a chunk that failed."""
