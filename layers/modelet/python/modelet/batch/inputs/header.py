"""The names of a CSV file's columns: from its first row, or from the request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelet.batch.inputs.cells import cells_of
from modelet.batch.inputs.records import csv_ends, whole_records
from modelet.store.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelet.batch.request import BatchRequest


OTHERS = (";", "\t", "|")
"""Signs that some programs write between the columns; only commas are read."""


def header_of(blocks: Iterator[bytes], request: BatchRequest, url: str) -> tuple[tuple[str, ...], int]:
    """Return the names of the columns, and the bytes up to the first row of data.

    A text without rows has no columns. Raises InputError if the first row is no CSV, names a column twice or not at
    all, or lacks the key or a passed column, and if it has more or fewer cells than the request's `columns`.
    """
    for records in whole_records(blocks, csv_ends, url):
        if not len(records.starts):
            continue
        start, end = int(records.starts[0]), int(records.ends[0])
        try:
            cells = cells_of(records.data[start:end])
        except ValueError as error:
            raise InputError(
                f"{url}: the first row {error}; if it is no CSV, correct the ending of its name, or `format`"
            ) from None
        if request.columns is None:
            require_columns(cells, request, url)
            return tuple(cells), end
        require_columns(request.columns, request, url)
        if len(cells) != len(request.columns):
            raise InputError(
                f"{url}: row 0 has {len(cells)} cells, but `columns` names {len(request.columns)}: correct `columns`"
            )
        return request.columns, 0
    return (), 0


def require_columns(names: tuple[str, ...] | list[str], request: BatchRequest, url: str) -> None:
    """Raise InputError unless the names are distinct and include the key and the passed columns."""
    shown = ", ".join(names[:20])[:500]
    if "" in names:
        raise InputError(f"{url}: column {names.index('')} has no name: give `columns` if the file has no header")
    twice = next((name for name in names if names.count(name) > 1), None) if len({*names}) < len(names) else None
    if twice is not None:
        raise InputError(f"{url}: two columns are called {twice:.100}: rename one")
    for role, name in (("key", request.key), *(("passed", name) for name in request.passed)):
        if name not in names:
            raise InputError(f"{url} has no column {name!r}, which `{role}` names; it has {shown}: {_remedy(names)}")


def _remedy(names: tuple[str, ...] | list[str]) -> str:
    """Return what to do about a missing column: a file that is read as one column may have another separator."""
    sign = next((sign for sign in OTHERS if sign in names[0]), None) if len(names) == 1 else None
    if sign is not None:
        return f"separate its columns by commas, not by {sign!r}"
    return "correct the name, or give `columns` if it is a CSV file without a header"
