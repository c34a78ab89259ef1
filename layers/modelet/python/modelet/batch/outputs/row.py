"""A scored row on its way out, a row that is refused, and where finished objects go."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol


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


class Puts(Protocol):
    """Where finished objects go, as `modelet.store.objects.Objects`."""

    def put(self, url: str, data: bytes) -> None:
        """Write an object, replacing one of this URL. Raises StoreError."""
        ...


IN_MEMORY = 16 * 2**20
"""Bytes of an unfinished object that are kept in memory; more go to a temporary file."""
