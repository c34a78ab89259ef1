"""Request bodies of a given size for benchmarks.refusals: valid ones, and ones that must be rejected."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from sklearn.datasets import load_breast_cancer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST_ROWS = 100_000
"""The most instances of a request, by default in model.yaml."""
PARTIAL = "partial: "
"""The prefix of the names of bodies that are sent with `?partial=true`."""
ALSO_PARTIAL = (
    "empty objects, below the limit",
    "nulls",
    "wrong types",
    "an unknown field a row",
    "every second row",
    "deep",
)
FAR = 1e39
"""A number that a contract for any number accepts, but no graph."""
FLOWER = {"sepal_length": 5, "sepal_width": 3, "petal_length": 1, "petal_width": 2}


class Kind(NamedTuple):
    """A kind of contract: its function, a small instance, and its tensors if fields are tensors."""

    name: str
    row: dict[str, Any]
    tensors: Mapping[str, tuple[str, str]] = {}
    long: Callable[[int], dict[str, Any]] | None = None


def _numbers(row: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    return dict.fromkeys(row, ("FP64", "1"))


WIDE = {name.replace(" ", "_"): 1 for name in load_breast_cancer().feature_names.tolist()}
LINE = {"name": "a", "line": {"start": {"x": 1, "y": 1}, "end": {"x": 1, "y": 1}}}
KINDS = (
    Kind("flat", FLOWER, _numbers(FLOWER)),
    Kind("columns", FLOWER, _numbers(FLOWER)),
    Kind("classes", FLOWER, _numbers(FLOWER)),
    Kind("wide", WIDE, _numbers(WIDE)),
    Kind("nested", LINE),
    Kind("lists", {"x": [1], "items": []}, long=lambda count: {"x": [1] * count, "items": []}),
    Kind("optional", {"x": None}, {"x": ("FP64", "1")}),
    Kind("literal", {"x": "a", "y": 1, "z": True}, {"x": ("BYTES", '"a"'), "y": ("INT64", "1"), "z": ("BOOL", "true")}),
    Kind("unions", {"x": ["a"]}, long=lambda count: {"x": ["a"] * count}),
    Kind("mapping", {"x": 1}, long=lambda count: {f"k{place}": 1 for place in range(count)}),
    Kind("text", {"text": "a"}, {"text": ("BYTES", '"a"')}),
    Kind(
        "frame",
        {"city": "a", "rooms": 1, "area": 20},
        {"city": ("BYTES", '"a"'), "rooms": ("FP64", "1"), "area": ("FP64", "1")},
    ),
)
TABLES = {"flat", "columns", "wide", "frame"}
"""The kinds for which the backend itself builds the table."""


def good(kind: Kind, size: int) -> dict[str, bytes]:
    """Return valid bodies of about a size, or with the most rows."""
    row = _json(kind.row)
    bodies = {"rows": _rows([row] * min(MOST_ROWS, size // (len(row) + 1)))}
    padded = row + b" " * max(0, size // MOST_ROWS - len(row))
    bodies["rows with spaces"] = _rows([padded] * min(MOST_ROWS, size // (len(padded) + 1)))
    if kind.long:
        bodies["one long row"] = _rows([_json(kind.long(size // 4))][:1])
        bodies["one long row"] = _rows([_json(kind.long(size * size // 4 // len(bodies["one long row"])))])
    if kind.tensors:
        elements = sum(len(element) + 1 for _, element in kind.tensors.values())
        bodies["tensors"] = _tensors(kind, min(MOST_ROWS, size // elements))
    return bodies


def bad(kind: Kind, size: int) -> dict[str, bytes]:
    """Return bodies of a size that the contract rejects, by their error."""
    row, first = kind.row, next(iter(kind.row))
    text, opened = _json(row), _json(row)[:-1]
    ones = b"[%b]" % b",".join([b"1"] * (size // 2))
    named = b",".join(b'"k%d":1' % place for place in range(size // 10))
    same = b",".join([b'"":1'] * (size // 5))
    long_text = b'"%b"' % (b"x" * size)
    many = min(MOST_ROWS - 1, size // (len(text) + 1))
    bodies = {
        "empty objects, below the limit": _rows([b"{}"] * min(MOST_ROWS - 1, size // 3)),
        "empty objects": _rows([b"{}"] * (size // 3)),
        "empty lists": _rows([b"[]"] * (size // 3)),
        "nulls": _rows([b"null"] * min(MOST_ROWS - 1, size // 5)),
        "numbers": _rows([b"1"] * (size // 2)),
        "a long list": _rows([b'{"%b":%b}' % (first.encode(), ones)]),
        "a long list, bare": b'{"%b":%b}' % (first.encode(), ones),
        "a list, bare": ones,
        "a long list in an unknown field": _rows([b'%b,"k":%b}' % (opened, ones)]),
        "a long list and the other fields": _rows([_json({**row, first: 0}).replace(b"0", ones, 1)]),
        "objects in a list": _rows([b'{"%b":[%b]}' % (first.encode(), b",".join([b"{}"] * (size // 3)))]),
        "unknown fields": _rows([b"%b,%b}" % (opened, named)]),
        "unknown fields, bare": b"%b,%b}" % (opened, named),
        "unknown fields alone": b"{%b}" % named,
        "one unknown field again and again": _rows([b"%b,%b}" % (opened, same)]),
        "an unknown field a row": _rows([opened + b',"k":1}'] * many),
        "unknown fields in a field": _rows([b'{"%b":{%b}}' % (first.encode(), named)]),
        "unknown fields beside instances": b'{"instances":[%b],%b}' % (text, named),
        "wrong types": _rows([_json({name: [[]] for name in row})] * many),
        "null in each field": _rows([_json(dict.fromkeys([*row, "k"]))] * many),
        "NaN in each field": _rows([_json(dict.fromkeys([*row, "k"], float("nan")))] * many),
        "the last row": _rows([*[text] * (many - 1), b"{}"]),
        "every second row": _rows([text, b"{}"] * (many // 2)),
        "the last row lacks a brace": _rows([text] * many)[:-3] + b"]}",
        "the end is missing": _rows([text] * many)[:-1],
        "empty objects, the end is missing": _rows([b"{}"] * (size // 3))[:-1],
        "too many rows": _rows([text] * (size // (len(text) + 1))),
        "deep": _rows([b"[" * 150 + b"]" * 150] * (size // 301)),
        "too deep": b"[" * size,
        "long numbers": _rows([_json({**row, "k": 0})[:-2] + b"9" * 4_000 + b"}"] * (size // 4_000)),
        "too long numbers": _rows([_json({**row, "k": 0})[:-2] + b"9" * 5_000 + b"}"] * (size // 5_000)),
        "a long text": _rows([b'{"%b":%b,"k":1}' % (first.encode(), long_text)]),
        "a long name": _rows([b"{%b:1}" % long_text]),
        "keys written twice": _rows(
            [b'{"%b":null,"%b":[]}' % ((first.encode(),) * 2)] * min(MOST_ROWS - 1, size // 30)
        ),
    }
    return bodies | {f"{PARTIAL}{name}": bodies[name] for name in ALSO_PARTIAL}


def bad_for_model(kind: Kind, size: int) -> dict[str, bytes]:
    """Return bodies of a size that the contract accepts but the model may reject, for a kind that is a table."""
    first, *_, last = (name for name, value in kind.row.items() if not isinstance(value, str))
    far = {name: "?" if isinstance(value, str) else FAR for name, value in kind.row.items()}
    rows = {
        "far numbers": far,
        "a far number in the first field": {**kind.row, first: FAR},
        "a far number in the last field": {**kind.row, last: FAR},
        "unseen texts": {name: "?" if isinstance(value, str) else value for name, value in kind.row.items()},
    }
    rows = {name: row for name, row in rows.items() if row != kind.row}
    bodies = {name: _rows([_json(row)] * min(MOST_ROWS, size // (len(_json(row)) + 1))) for name, row in rows.items()}
    text = _json(kind.row)
    many = min(MOST_ROWS, size // (len(text) + 1))
    bodies["a far number in the last row"] = _rows([*[text] * (many - 1), _json(far)])
    bodies["a far number in every second row"] = _rows([text, _json(far)] * (many // 3))
    return bodies | {f"{PARTIAL}{name}": body for name, body in bodies.items()}


def bad_tensors(kind: Kind, size: int) -> dict[str, bytes]:
    """Return bodies of the Open Inference Protocol that it or the contract rejects."""
    ones = b",".join([b"1"] * (size // 2))
    empty = b",".join([b"{}"] * (size // 3))
    right = _tensors(kind, min(MOST_ROWS, size // sum(len(each) + 1 for _, each in kind.tensors.values())))
    name, (datatype, element) = next(iter(kind.tensors.items()))
    shape = right.partition(b'"shape":')[2].partition(b",")[0]
    return {
        "tensors: empty objects": b'{"inputs":[%b]}' % empty,
        "tensors: a long list": b'{"inputs":[{"x":[%b]}]}' % ones,
        "tensors: unknown": right.replace(b'"name":"', b'"name":"k'),
        "tensors: nulls": right.replace(b":[%b," % element.encode(), b":[null,"),
        "tensors: objects": b'{"inputs":[{"name":"%b","datatype":"%b","shape":[%d],"data":[%b]}]}'
        % (name.encode(), datatype.encode(), size // 3, empty),
        "tensors: another shape": right.replace(b'"shape":' + shape, b'"shape":[1]'),
        "tensors: out of bounds": _tensors(
            kind._replace(tensors={each: _off(*kind.tensors[each]) for each in kind.tensors}),
            min(MOST_ROWS, size // sum(len(_off(*each)[1]) + 1 for each in kind.tensors.values())),
        ),
        "tensors: the end is missing": right[:-1],
        "tensors: no tensors": b'{"inputs":[],"k":[%b]}' % ones,
    }


def _off(datatype: str, element: str) -> tuple[str, str]:
    """Return an element that fits its datatype, but few contracts."""
    return datatype, {"FP64": "-1", "INT64": "-1", "BYTES": '""'}.get(datatype, element)


def _tensors(kind: Kind, rows: int) -> bytes:
    each = [
        b'{"name":"%b","datatype":"%b","shape":[%d],"data":[%b]}'
        % (name.encode(), datatype.encode(), rows, b",".join([element.encode()] * rows))
        for name, (datatype, element) in kind.tensors.items()
    ]
    return b'{"inputs":[%b]}' % b",".join(each)


def _rows(rows: list[bytes]) -> bytes:
    return b'{"instances":[%b]}' % b",".join(rows)


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
