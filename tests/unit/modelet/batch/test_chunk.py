"""A chunk's descriptor is a line of JSON."""

from __future__ import annotations

import json

import pytest

from modelet.batch.chunk import Chunk
from modelet.batch.plan import from_lines, to_lines

CSV = Chunk(3, "s3://lake/a.csv", '"e"', 900, "csv", False, 100, 200, 7, 12, columns=("id", "é"))
PARQUET = Chunk(4, "file:///a.parquet", '"e"', 900, "parquet", False, 0, 900, 0, None, groups=(2, 5))


def test_chunks_survive_their_list() -> None:
    assert from_lines(to_lines([CSV, PARQUET])) == [CSV, PARQUET]
    assert from_lines(b"") == []


def test_a_descriptor_with_other_members_is_refused() -> None:
    with pytest.raises(TypeError):
        Chunk.from_json({**json.loads(json.dumps(CSV.to_json())), "more": 1})
