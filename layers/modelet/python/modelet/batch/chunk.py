"""A chunk: the part of a batch's input that one invocation of a worker scores."""

from __future__ import annotations

from typing import Any, NamedTuple

FORMATS = ("csv", "jsonl", "parquet")
"""The formats of an input."""


class Chunk(NamedTuple):
    """One part of one input object.

    number: from 0, unique in the batch. etag, size: of the object when the batch was planned; a changed object fails.
    start, end: the bytes of the part, end exclusive (0 and the object's size if it is compressed or Parquet). groups:
    the first row group and the one after the last (Parquet only). first_row: the number of its first row in the
    object, from 0, without a header. rows: None if only reading tells. columns: the names of a CSV file's columns.
    """

    number: int
    url: str
    etag: str
    size: int
    format: str
    gzip: bool
    start: int
    end: int
    first_row: int
    rows: int | None
    groups: tuple[int, int] | None = None
    columns: tuple[str, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the descriptor as a line of chunks.jsonl has it."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in self._asdict().items()}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Chunk:
        """Read a descriptor. Raises TypeError if it has other members."""
        groups, columns = document.get("groups"), document.get("columns")
        return cls(
            **{
                **document,
                "groups": (groups[0], groups[1]) if groups else None,
                "columns": tuple(columns) if columns is not None else None,
            }
        )
