"""Read the lines of a CSV file. Each must have one cell per column, so that no value moves to another column."""

from __future__ import annotations

import csv
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pandas as pd

from modelet.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONGEST = 2**31 - 1
"""The most characters of a cell."""


def read_cells(path: Path) -> Any:
    """Return all cells of a CSV file with a header line as a DataFrame of texts. Empty cells are missing values.

    Raises PublishError that names a line with too many or too few cells, or a column without a unique name.
    """
    with path.open(encoding="utf-8-sig", newline="") as file, _long_cells():
        lines = _lines(csv.reader(file, strict=True), path.name)
        _, header = next(lines, (0, []))
        _check_header(header, path.name)
        rows = []
        for number, row in lines:
            if len(row) != len(header):
                raise PublishError(f"line {number} of {path.name} {_unlike(len(row), len(header))}")
            rows.append(row)
    if not rows:
        raise PublishError(f"{path.name} has no rows below its header: add held-out rows, 1,000 if possible")
    cells = pd.DataFrame(rows, columns=header, dtype=str)
    return cells.mask(cells == "")


def _lines(reader: Any, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each line that is not blank, with the number of its first line."""
    start = 1
    try:
        for row in reader:
            if row:
                yield start, row
            start = reader.line_num + 1
    except csv.Error as error:
        raise PublishError(
            f"line {start} of {name} is not valid CSV ({error}): quote cells with a quote, a comma or a line break, "
            "and double the quotes inside"
        ) from error


def _check_header(header: list[str], name: str) -> None:
    if not header:
        raise PublishError(f"{name} is empty: add a header line, and held-out rows below it")
    for place, title in enumerate(header, start=1):
        if not title.strip():
            raise PublishError(
                f"column {place} of {name} has no name: write the file without its index (index=False in pandas, "
                "row.names=FALSE in R), or name the column"
            )
        if title in header[: place - 1]:
            raise PublishError(f"{name} has two columns {title}: rename one of them")


def _unlike(count: int, named: int) -> str:
    has = f"has {count} {'cell' if count == 1 else 'cells'}, but the header names {named}"
    if count < named:
        return f"{has}: add a cell for each column, empty if its value is missing"
    return (
        f"{has}: write the file without its index (index=False in pandas, row.names=FALSE in R), quote cells with "
        "a comma, and remove commas at the end of lines"
    )


@contextmanager
def _long_cells() -> Iterator[None]:
    """Allow cells longer than the default of the csv module, because a cell may be a whole document."""
    before = csv.field_size_limit(LONGEST)
    try:
        yield
    finally:
        csv.field_size_limit(before)
