from __future__ import annotations

from typing import Any

import pytest

from modelet.batch.inputs.header import header_of
from modelet.batch.request import BatchRequest
from modelet.store.errors import InputError


def header(text: bytes, **members: Any) -> tuple[tuple[str, ...], int]:
    request = BatchRequest.from_json({"inputs": ["s3://b/x.csv"], "key": "id", **members})
    return header_of(iter([text]), request, "s3://b/x.csv")


def test_the_first_row_has_the_names() -> None:
    assert header(b'id,"a\nb", c\r\n1,2,3\n') == (("id", "a\nb", " c"), 13)
    assert header(b"\n\nid\n1\n") == (("id",), 5)
    assert header(b"id") == (("id",), 2)


def test_given_names_leave_the_first_row_to_the_data() -> None:
    assert header(b"1,2\n", columns=["id", "x"]) == (("id", "x"), 0)


def test_a_text_without_rows_has_no_columns() -> None:
    assert header(b"") == header(b"\n\n") == ((), 0)


@pytest.mark.parametrize(
    ("text", "members", "reason"),
    [
        (b"a,b\n", {}, "^s3://b/x.csv has no column 'id', which `key` names; it has a, b: correct the name, or"),
        (b"id;a\n", {}, "it has id;a: separate its columns by commas, not by ';'$"),
        (b"id\ta\n", {}, r"separate its columns by commas, not by '\\t'$"),
        (b"id,b\n", {"passed": ["c"]}, "has no column 'c', which `passed` names"),
        (b"id,a,a\n", {}, "two columns are called a: rename one"),
        (b"id,,a\n", {}, "column 1 has no name: give `columns` if the file has no header"),
        (b"id,a\n", {"columns": ["id"]}, "row 0 has 2 cells, but `columns` names 1: correct `columns`"),
        (b"id,\xff\n", {}, "the first row is not UTF-8: save the file as UTF-8; if it is no CSV, correct"),
        (b"id,a\r1,2\r", {}, "the first row has a carriage return alone: let lines end with a line feed"),
        (b"\x00\x01", {}, "is no text, it has NUL bytes"),
    ],
)
def test_a_header_that_cannot_be_used_is_refused(text: bytes, members: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        header(text, **members)
