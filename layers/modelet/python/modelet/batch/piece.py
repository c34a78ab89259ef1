"""A piece: some thousand rows of a chunk, which are in memory at one time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Piece:
    """Rows as a reader yields them and a worker scores them.

    first_row: the number of the first row in its object, from 0. keys: the text that identifies each row. passed: for
    each row, the values that are copied to its result; None if there are none. columns: for each field a list of JSON
    scalars (flat formats; a CSV cell is a text, and None if it is empty); None if the rows are given. rows: the parsed
    JSON values; None if the columns are given. failed: the field (or None) and the reason of each row that cannot be
    read, by its place in the piece; such a row still has its place in every list.
    """

    first_row: int
    keys: list[str]
    passed: list[dict[str, Any]] | None = None
    columns: dict[str, list[Any]] | None = None
    rows: list[Any] | None = None
    failed: dict[int, tuple[str | None, str]] = field(default_factory=dict)
