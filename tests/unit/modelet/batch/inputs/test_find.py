from __future__ import annotations

import pytest

from modelet.batch.inputs.find import find_inputs, format_of
from modelet.batch.request import BatchRequest
from modelet.errors import ContractError
from modelet.store.errors import InputError
from modelet.store.objects import Objects

from .conftest import Inputs


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x.csv", ("csv", False)),
        ("x.CSV.gz", ("csv", True)),
        ("x.jsonl", ("jsonl", False)),
        ("x.ndjson.gz", ("jsonl", True)),
        ("part-0.snappy.parquet", ("parquet", False)),
        ("x.pq", ("parquet", False)),
        ("x.json", (None, False)),
        ("csv", ("csv", False)),
        ("x", (None, False)),
    ],
)
def test_the_ending_tells_the_format(name: str, expected: tuple[str | None, bool]) -> None:
    assert format_of(f"s3://bucket.csv/folder.gz/{name}") == expected


def test_inputs_come_in_the_order_of_the_request_each_once(inputs: Inputs) -> None:
    for name in ("b.csv", "a.csv", "c.jsonl.gz", "_SUCCESS"):
        inputs.write(name, b"id\n1\n")
    found = find_inputs(inputs.request("c.jsonl.gz", "*.csv", "a.csv", "*"), inputs.objects)
    assert [(each.found.url.rpartition("/")[2], each.format, each.gzip) for each in found] == [
        ("c.jsonl.gz", "jsonl", True),
        ("a.csv", "csv", False),
        ("b.csv", "csv", False),
    ]
    assert found[1].found.size == 5


def test_all_that_is_missing_or_of_unknown_format_is_named_at_once(inputs: Inputs) -> None:
    inputs.write("x.xlsx", b"")
    inputs.write("x.parquet.gz", b"")
    with pytest.raises(ContractError) as caught:
        find_inputs(inputs.request("none.csv", "none/*.csv", "x.*"), inputs.objects)
    fields, messages = zip(*((each.field, each.message) for each in caught.value.violations), strict=True)
    assert fields == ("inputs.0", "inputs.1", "inputs", "inputs")
    for message, reason in zip(
        messages,
        (
            "none.csv does not exist",
            "none/*.csv matches no object",
            "x.parquet.gz is a compressed Parquet file, which cannot be read in parts: decompress it",
            "x.xlsx has no ending of a known format (csv, jsonl, ndjson, parquet, pq): set `format`",
        ),
        strict=True,
    ):
        assert message.endswith(reason)


def test_the_request_s_format_goes_before_the_ending(inputs: Inputs) -> None:
    inputs.write("x.txt", b"")
    (found,) = find_inputs(inputs.request("x.txt", format="csv"), inputs.objects)
    assert found.format == "csv"


def test_a_bucket_that_does_not_exist_is_the_callers_fault(s3_url: str) -> None:
    request = BatchRequest.from_json({"inputs": ["s3://no-such-bucket/*.csv"], "key": "id"})
    with pytest.raises(InputError, match=r"^s3://no-such-bucket/\*\.csv: the bucket does not exist$"):
        find_inputs(request, Objects())
