"""The lines of a CSV file: each has a cell for each column of the header, so that no value moves to another column."""

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
"""Characters that a cell may have."""


def read_cells(path: Path) -> Any:
    """All cells of a CSV file with a header line as texts, a DataFrame; an empty cell is missing.

    Raises PublishError naming the line that has too many cells or too few, and the column without a name of its own.
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
        raise PublishError(
            f"{path.name} has no rows below its header: give 1,000 held-out ones, or as many as there are"
        )
    cells = pd.DataFrame(rows, columns=header, dtype=str)
    return cells.mask(cells == "")


def _lines(reader: Any, name: str) -> Iterator[tuple[int, list[str]]]:
    """The cells of each line that is not blank, with the number of the line where they begin."""
    start = 1
    try:
        for row in reader:
            if row:
                yield start, row
            start = reader.line_num + 1
    except csv.Error as error:
        raise PublishError(
            f"line {start} of {name} is no CSV ({error}): quote a cell that holds a quote, a comma or a line break, "
            "and write each quote in it twice"
        ) from error


def _check_header(header: list[str], name: str) -> None:
    if not header:
        raise PublishError(f"{name} is empty: give a header line, and held-out rows below it")
    for place, title in enumerate(header, start=1):
        if not title.strip():
            raise PublishError(
                f"column {place} of {name} has no name: write the file without its index (index=False in pandas, "
                "row.names=FALSE in R), or name the column"
            )
        if title in header[: place - 1]:
            raise PublishError(f"{name} has two columns {title}: give each a name of its own")


def _unlike(count: int, named: int) -> str:
    has = f"has {count} {'cell' if count == 1 else 'cells'}, but the header names {named}"
    if count < named:
        return f"{has}: give each line a cell for each column, an empty one where its value is missing"
    return (
        f"{has}: write the file without its index (index=False in pandas, row.names=FALSE in R), quote cells that hold "
        "a comma, and end no line with one"
    )


@contextmanager
def _long_cells() -> Iterator[None]:
    """Let cells be as long as they are: a document may be more than the csv module takes unasked."""
    before = csv.field_size_limit(LONGEST)
    try:
        yield
    finally:
        csv.field_size_limit(before)
