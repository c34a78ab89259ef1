"""The results of a chunk in S3, as Parquet or as JSON Lines: one object a chunk."""

from __future__ import annotations

import zlib
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from modelet.batch.outputs.columns import PREDICTION
from modelet.batch.outputs.items import UnwritableError, json_text
from modelet.batch.outputs.row import IN_MEMORY, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import IO, Self

    from modelet.batch.outputs.columns import Column, Columns
    from modelet.batch.outputs.row import Puts, Row

SUFFIXES = {"parquet": ".parquet", "jsonl": ".jsonl.gz"}
GROUP_ROWS = 50_000
"""Rows of a row group."""

_TYPES = {
    "text": pa.string(),
    "json": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
}


class Lines(Protocol):
    """Encodes rows into a file."""

    def write(self, rows: Sequence[Row]) -> list[Rejected]:
        """Add rows, and return those that cannot be written."""
        ...

    def end(self) -> None:
        """Write what is left."""
        ...


class ResultFile:
    """Writes the results of one chunk, and puts them as one object when it is closed, also without rows.

    objects, url: where the object goes. results_format: parquet or jsonl (gzip). columns: those of `columns_of`.
    """

    def __init__(self, objects: Puts, url: str, results_format: str, columns: Columns) -> None:
        self.rows = 0
        self._objects, self._url = objects, url
        self._file: IO[bytes] = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed by close()
        self._lines: Lines = (Parquet if results_format == "parquet" else JsonLines)(self._file, columns)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_raised: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def write(self, rows: Sequence[Row]) -> list[Rejected]:
        """Add rows, and return those that cannot be written."""
        rejected = self._lines.write(rows)
        self.rows += len(rows) - len(rejected)
        return rejected

    def close(self) -> None:
        """Put the object. Raises StoreError if it cannot be put."""
        with self._file:
            self._lines.end()
            self._file.seek(0)
            self._objects.put(self._url, self._file.read())

    def abandon(self) -> None:
        """Drop everything. For a chunk that failed."""
        with self._file:
            self._lines.end()  # or the Parquet writer would write to the closed file when it is collected


class JsonLines:
    """Lines `{key, …passed, "prediction": …}` in gzip."""

    def __init__(self, file: IO[bytes], columns: Columns) -> None:
        self._file, self._columns = file, columns
        self._gzip = zlib.compressobj(1, zlib.DEFLATED, 31)

    def write(self, rows: Sequence[Row]) -> list[Rejected]:
        """Add rows, and return those that cannot be written."""
        lines, rejected = [], []
        for row in rows:
            passed = row.passed or {}
            line = {
                self._columns.key: row.key,
                **{column.name: passed.get(column.name) for column in self._columns.passed},
            }
            try:
                lines.append(json_text({**line, PREDICTION: row.prediction}) + b"\n")
            except UnwritableError as error:
                rejected.append(Rejected(row.number, row.key, error.path or None, str(error), error.rule))
        self._file.write(self._gzip.compress(b"".join(lines)))
        return rejected

    def end(self) -> None:
        """Write what is left."""
        self._file.write(self._gzip.flush())


class Parquet:
    """Row groups of typed columns; zstd, whose files are a third smaller than Snappy's."""

    def __init__(self, file: IO[bytes], columns: Columns) -> None:
        self._readers = [_key(columns.key), *map(_passed, columns.passed), *map(_prediction, columns.prediction)]
        self._schema = pa.schema([(name, _TYPES[kind]) for name, kind, _value in self._readers])
        self._writer = pq.ParquetWriter(file, self._schema, compression="zstd")
        self._batches: list[Any] = []
        self._waiting = 0

    def write(self, rows: Sequence[Row]) -> list[Rejected]:
        """Add rows, and return those that cannot be written."""
        rejected: list[Rejected] = []
        try:
            batch = self._batch(rows)
        except _UNFIT:
            rows, rejected = self._sorted_out(rows)
            batch = self._batch(rows)
        self._batches.append(batch)
        self._waiting += len(rows)
        if self._waiting >= GROUP_ROWS:
            self._end_group()
        return rejected

    def end(self) -> None:
        """Write what is left."""
        self._end_group()
        self._writer.close()

    def _end_group(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.Table.from_batches(self._batches, self._schema), row_group_size=GROUP_ROWS)
        self._batches, self._waiting = [], 0

    def _batch(self, rows: Sequence[Row]) -> Any:
        arrays = [
            pa.array([value(row) for row in rows], _TYPES[kind], from_pandas=False)
            for _name, kind, value in self._readers
        ]
        return pa.record_batch(arrays, schema=self._schema)

    def _sorted_out(self, rows: Sequence[Row]) -> tuple[list[Row], list[Rejected]]:
        """Return the rows that fit, and the others with the first column that they do not fit."""
        good, rejected = [], []
        for row in rows:
            for name, kind, value in self._readers:
                try:
                    pa.array([value(row)], _TYPES[kind], from_pandas=False)
                except UnwritableError as error:
                    rejected.append(Rejected(row.number, row.key, error.path, str(error), error.rule))
                    break
                except _UNFIT:
                    reason = f"does not fit the results' column {name!r} of the kind {kind}"
                    rejected.append(Rejected(row.number, row.key, name, reason, "result_column"))
                    break
            else:
                good.append(row)
        return good, rejected


_UNFIT = (pa.ArrowException, TypeError, ValueError, OverflowError, KeyError, AttributeError)
"""What a value raises that is not of its column's type; UnwritableError is a ValueError."""

Reader = tuple[str, str, "Callable[[Row], Any]"]
"""The name and the kind of a column, and the function that gives a row's value."""


def _key(name: str) -> Reader:
    return name, "text", lambda row: row.key


def _passed(column: Column) -> Reader:
    name, encode = column.name, _encoder(column.kind, column.name)
    return name, column.kind, lambda row: encode((row.passed or {}).get(name))


def _prediction(column: Column) -> Reader:
    member = column.member
    encode = _encoder(column.kind, PREDICTION if member is None else f"{PREDICTION}.{member}")
    if member is None:
        return column.name, column.kind, lambda row: encode(row.prediction)
    return column.name, column.kind, lambda row: encode(row.prediction.get(member))


def _encoder(kind: str, path: str) -> Callable[[Any], Any]:
    if kind == "json":
        return lambda value: None if value is None else json_text(value, path).decode()
    if kind == "text":
        return lambda value: value if value is None or type(value) is str else json_text(value, path).decode()
    if kind == "number":
        return lambda value: None if value is None else _finite(value, path)
    return lambda value: None if value is None else _exact(value, bool if kind == "boolean" else int)


def _finite(value: Any, path: str) -> float:
    if type(value) is bool:
        raise TypeError("a boolean is no number")
    number = float(value)
    if isinstance(value, int) and int(number) != value:
        raise ValueError("this whole number has more digits than a float")
    if number - number != 0:
        raise UnwritableError(path, "is NaN or infinite, which JSON cannot express", "finite_number")
    return number


def _exact(value: Any, kind: type) -> Any:
    """Return a value of exactly this type: pyarrow would cut 1.5 to 1."""
    if type(value) is not kind:
        raise TypeError(f"{value!r:.100} is no {kind.__name__}")
    return value
