"""Tables of benchmarks in Markdown."""

from __future__ import annotations

from benchmarks.tables import plain


def test_a_plain_table_has_a_line_for_each_row_and_a_column_for_each_title() -> None:
    rows = [{"kind": "rules", "cpu": 3}, {"kind": "logic", "cpu": 0.5}]
    assert plain(("kind", "CPU ms"), rows) == "| kind | CPU ms |\n| --- | --- |\n| rules | 3 |\n| logic | 0.5 |"
