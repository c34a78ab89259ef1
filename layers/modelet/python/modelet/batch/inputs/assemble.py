"""Assemble pieces: the keys, the values that are passed on, and what the model's contract gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from modelet.batch.piece import Piece
from modelet.batch.table import MOST_KEY_BYTES, key_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Failed = dict[int, tuple[str | None, str]]
"""The field (or None) and the reason of each bad row, by its place in the piece."""


INSTANCE = "instance"
"""The only column beside the key and the passed ones, for a model whose instances are no objects."""


class Roles(NamedTuple):
    """What the columns are for. fields: the names in the model's contract; None if it is not known."""

    key: str
    passed: tuple[str, ...]
    fields: frozenset[str] | None

    def is_handed(self, name: str) -> bool:
        """Return whether the contract gets a column: those that it names, or all but the key and the passed ones."""
        return name != self.key and name not in self.passed if self.fields is None else name in self.fields

    def is_read(self, name: str) -> bool:
        """Return whether a column is needed at all."""
        return name == self.key or name in self.passed or self.is_handed(name)

    def piece_of_columns(self, first_row: int, columns: dict[str, list[Any]], failed: Failed) -> Piece:
        """Return the piece of a table. failed: the rows that could not be read, whose values are None."""
        keys = self._keys(columns[self.key], failed)
        passed = None
        if self.passed:
            values = zip(*(columns[name] for name in self.passed), strict=True)
            passed = [dict(zip(self.passed, each, strict=True)) for each in values]
        handed = {name: column for name, column in columns.items() if self.is_handed(name)}
        if self.fields is None and handed.keys() == {INSTANCE}:
            return Piece(first_row, keys, passed, rows=handed[INSTANCE], failed=failed)
        return Piece(first_row, keys, passed, handed, failed=failed)

    def piece_of_rows(self, first_row: int, rows: Sequence[dict[str, Any] | None], failed: Failed) -> Piece:
        """Return the piece of parsed objects, from which members are removed; None for a row in `failed`."""
        keys = self._keys((None if row is None else row.get(self.key) for row in rows), failed)
        passed = None
        if self.passed:
            passed = [{name: row.get(name) for name in self.passed} if row else {} for row in rows]
        return Piece(
            first_row, keys, passed, rows=[None if row is None else self._handed(row) for row in rows], failed=failed
        )

    def _handed(self, row: dict[str, Any]) -> Any:
        handed = {name: value for name, value in row.items() if self.is_handed(name)}
        return handed[INSTANCE] if self.fields is None and handed.keys() == {INSTANCE} else handed

    def _keys(self, values: Iterable[Any], failed: Failed) -> list[str]:
        """Return texts and whole numbers as keys, "" for what cannot be one; and add that row to `failed`."""
        keys = []
        for place, value in enumerate(values):
            key, reason = (
                (value, None) if type(value) is str and 0 < len(value) <= MOST_KEY_BYTES // 4 else key_of(value)
            )
            if reason is not None:
                failed.setdefault(place, (self.key, reason))
            keys.append(key)
        return keys
