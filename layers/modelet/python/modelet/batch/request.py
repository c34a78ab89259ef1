"""The request for a batch: what to read, how to read it, and where to write."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from modelet.batch.chunk import FORMATS
from modelet.batch.outputs.columns import clash
from modelet.errors import ContractError
from modelet.violation import Violation

LOADS = ("auto", "write", "import")
RESULT_FORMATS = ("jsonl", "parquet")
MOST_INPUTS = 1_000
MOST_CHUNK_ROWS = 1_000_000
MOST_BYTES = 100_000
"""Bytes of a request as JSON: its record must fit into an item of DynamoDB, and records into answers."""


class BatchRequest(NamedTuple):
    """A request for a batch.

    inputs: URLs, `s3://bucket/key` or `file:///path`, which may contain the wildcards `*`, `?` and `[…]`. key: the
    column that identifies a row. passed: columns that are copied to the results. format: csv, jsonl or parquet; None
    tells it by the suffix. columns: the names of the columns of CSV files without a header; None if the first line has
    them. table: whether to write the prediction table. results: the URL of a folder for result files; None for none.
    results_format: jsonl or parquet. load: how the table is written; auto decides by the number of rows. tolerated:
    the share of rows that may be rejected, from 0 to 1; None takes model.yaml's. chunk_rows: the aim of rows in a
    chunk; None chooses it.
    """

    inputs: tuple[str, ...]
    key: str
    passed: tuple[str, ...] = ()
    format: str | None = None
    columns: tuple[str, ...] | None = None
    table: bool = True
    results: str | None = None
    results_format: str = "parquet"
    load: str = "auto"
    tolerated: float | None = None
    chunk_rows: int | None = None

    @classmethod
    def from_json(cls, document: Any) -> BatchRequest:
        """Read a request. Raises ContractError with the member and the remedy."""
        if not isinstance(document, dict):
            raise _error("", 'the request is not an object: send {"inputs": ["s3://…"], "key": "…"}')
        unknown = sorted(set(document) - set(cls._fields))
        if unknown:
            raise _error(unknown[0], f"unknown member; there are {', '.join(cls._fields)}")
        for name in ("inputs", "key"):
            if name not in document:
                raise _error(name, "is missing: a batch needs `inputs` and the `key` column")
        given = {name: value for name, value in document.items() if value is not None}
        for name, check in _CHECKS.items():
            if name in given:
                check(name, given[name])
        texts = {name: tuple(given[name]) for name in ("inputs", "passed", "columns") if name in given}
        request = cls(**{**given, **texts})
        if not request.table and request.results is None:
            raise _error("results", "nothing would be written: give the URL of a folder, or leave `table` true")
        if request.key in request.passed:
            raise _error("passed", f"{request.key!r} is the key, which every result has: remove it")
        _own_columns(request)
        if (size := len(json.dumps(request.to_json()))) > MOST_BYTES:
            raise _error("", f"the request has {size} bytes as JSON, at most {MOST_BYTES} are allowed: use wildcards")
        return request

    def to_json(self) -> dict[str, Any]:
        """Return the request without the members that have their defaults."""
        defaults = self._field_defaults
        members = {name: value for name, value in self._asdict().items() if defaults.get(name, self) != value}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in members.items()}


def _error(field: str, message: str) -> ContractError:
    return ContractError([Violation(None, field, message, "batch_request")])


def _own_columns(request: BatchRequest) -> None:
    """Refuse names of the result files' own columns. Those of a model's fields are not known here, and make way."""
    if request.results is None:
        return
    for field, name in [("key", request.key), *(("passed", name) for name in request.passed)]:
        if reason := clash(name):
            raise _error(field, f"{reason}, or leave `results` out")


def _texts(name: str, value: Any) -> None:
    if not isinstance(value, list | tuple) or not value or not all(isinstance(each, str) and each for each in value):
        raise _error(name, "must be a list of texts, at least one")
    if len(value) > MOST_INPUTS:
        raise _error(name, f"has {len(value)} entries, at most {MOST_INPUTS} are allowed: use wildcards")
    if len(set(value)) < len(value):
        raise _error(name, "names something twice")


def _inputs(name: str, value: Any) -> None:
    _texts(name, value)
    for each in value:
        _url(name, each)
        if not _is_place(each):
            raise _error(
                name,
                f"{each!r:.100} names no object: name the objects, as s3://bucket/prefix/*, with a bucket and without "
                "empty segments, `.` and `..`",
            )


def _folder(name: str, value: Any) -> None:
    _url(name, value)
    folder = value.rstrip("/")
    if not _is_place(f"{folder}/results"):
        raise _error(
            name, f"{value!r:.100} is no folder: give s3://bucket/folder, without empty segments, `.` and `..`"
        )


def _url(name: str, value: Any) -> None:
    if not isinstance(value, str) or not value.startswith(("s3://", "file:///")):
        raise _error(name, f"{value!r:.100} is not a URL: give s3://bucket/key or file:///path")


def _is_place(url: str) -> bool:
    """Return whether a URL has a bucket, unless it is a file's, and a path that the worker's store takes."""
    scheme, _, rest = url.partition("://")
    bucket, _, path = rest.partition("/")
    if bool(bucket) != (scheme == "s3") or any(sign in bucket for sign in "*?["):
        return False
    return all(segment not in {"", ".", ".."} for segment in path.split("/"))


def _column(name: str, value: Any) -> None:
    if not isinstance(value, str) or not value:
        raise _error(name, "must be the name of a column")


def _flag(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise _error(name, "must be true or false")


def _share(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise _error(name, "must be a share from 0 to 1, for example 0.05")


def _chunk_rows(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_CHUNK_ROWS:
        raise _error(name, f"must be a whole number from 1 to {MOST_CHUNK_ROWS}")


def _one_of(choices: tuple[str, ...]) -> Any:
    def check(name: str, value: Any) -> None:
        if value not in choices:
            raise _error(name, f"must be one of {', '.join(choices)}")

    return check


def _optional_texts(name: str, value: Any) -> None:
    if value != []:
        _texts(name, value)


_CHECKS: dict[str, Any] = {
    "inputs": _inputs,
    "key": _column,
    "passed": _optional_texts,
    "format": _one_of(FORMATS),
    "columns": _texts,
    "table": _flag,
    "results": _folder,
    "results_format": _one_of(RESULT_FORMATS),
    "load": _one_of(LOADS),
    "tolerated": _share,
    "chunk_rows": _chunk_rows,
}
