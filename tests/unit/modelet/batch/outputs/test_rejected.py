from __future__ import annotations

import json

from modelet.batch.outputs.rejected import rejected_jsonl
from modelet.batch.outputs.row import Rejected

SOURCE = "s3://inputs/rows.csv"
BAD = Rejected(12, "a\nb", "length", "must be a number", "float_parsing")


def test_a_rejected_row_is_a_line_with_its_object_row_field_and_reason() -> None:
    assert json.loads(rejected_jsonl(SOURCE, [BAD])) == {
        "object": SOURCE,
        "row": 12,
        "key": "a\nb",
        "field": "length",
        "reason": "must be a number",
        "rule": "float_parsing",
    }
    assert rejected_jsonl(SOURCE, [BAD] * 3).count(b"\n") == 3


def test_a_key_that_is_not_unicode_or_very_long_still_gives_a_line() -> None:
    line = json.loads(
        rejected_jsonl(SOURCE, [BAD._replace(key="\ud800" + "x" * 5_000, reason="r" * 5_000, field=None)])
    )
    assert line["key"] == "?" + "x" * 499
    assert len(line["reason"]) == 500
    assert line["field"] is None
