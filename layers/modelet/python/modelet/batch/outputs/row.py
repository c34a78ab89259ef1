"""A scored row on its way out, a row that is refused, and what all writers have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Self


class Row(NamedTuple):
    """A scored row.

    key: its key's text. number: its place in its input object, from 0. prediction: a JSON value. passed: the values
    that are copied to its result; None if there are none.
    """

    key: str
    number: int
    prediction: Any
    passed: dict[str, Any] | None = None


class Rejected(NamedTuple):
    """A row that is not written.

    number: its place in its input object, from 0. field: a dotted path, None for the whole row. rule: the name of
    what it violates, as in a problem's `errors`.
    """

    number: int
    key: str | None
    field: str | None
    reason: str
    rule: str


Encoded = tuple[Row, bytes]
"""A row and its item as DynamoDB JSON."""


class TableWriter(Protocol):
    """Writes the rows of one chunk to a prediction table; it is a context manager that abandons them on an error.

    rows: the number of rows taken so far.
    """

    rows: int

    def __enter__(self) -> Self:
        """Return the writer."""
        ...

    def __exit__(self, kind: type[BaseException] | None, /, *raised: object) -> None:
        """Close the writer, or abandon what is not written yet if the block raised."""
        ...

    def write(self, rows: Sequence[Row]) -> list[Rejected]:
        """Take rows, and return those that cannot be items. Raises StoreError, which is retryable, or RequestError."""
        ...

    def encode(self, rows: Iterable[Row], rejected: list[Rejected]) -> Iterator[Encoded]:
        """Yield rows with their items, and write nothing. rejected: takes those that cannot be items."""
        ...

    def write_encoded(self, encoded: Iterable[Encoded]) -> None:
        """Take rows that `encode` yielded. Raises as `write` does."""
        ...

    def close(self) -> None:
        """Return when every row is written. Raises StoreError or RequestError if one of them is not."""
        ...


class Puts(Protocol):
    """Where finished objects go, as `modelet.store.objects.Objects`."""

    def put(self, url: str, data: bytes) -> None:
        """Write an object, replacing one of this URL. Raises StoreError."""
        ...


IN_MEMORY = 16 * 2**20
"""Bytes of an unfinished object that are kept in memory; more go to a temporary file."""
