"""A request for a batch says what to read and where to write; a wrong one says what to correct."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.batch.request import BatchRequest
from modelet.errors import ContractError

LEAST: dict[str, Any] = {"inputs": ["s3://lake/a.csv"], "key": "id"}
NAMES = st.text(min_size=1, max_size=5)


def test_the_least_request_writes_the_table() -> None:
    request = BatchRequest.from_json(LEAST)
    assert (request.inputs, request.key, request.table, request.load) == (("s3://lake/a.csv",), "id", True, "auto")
    assert request.to_json() == LEAST


@given(
    st.fixed_dictionaries(
        {
            "inputs": st.lists(NAMES.map(lambda name: f"s3://lake/{name}"), min_size=1, unique=True),
            "key": st.just("id"),
        },
        optional={
            "passed": st.lists(NAMES.filter(lambda name: name != "id"), min_size=1, unique=True),
            "format": st.sampled_from(["csv", "jsonl", "parquet"]),
            "columns": st.lists(NAMES, min_size=1, unique=True),
            "results": st.just("file:///out"),
            "results_format": st.just("jsonl"),
            "load": st.sampled_from(["write", "import"]),
            "tolerated": st.floats(0, 1),
            "chunk_rows": st.integers(1, 1_000_000),
        },
    )
)
def test_a_request_survives_its_record(document: dict[str, Any]) -> None:
    request = BatchRequest.from_json(document)
    assert BatchRequest.from_json(request.to_json()) == request


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"inputs": None, "key": "id"}, "inputs", "is missing"),
        ({"inputs": []}, "inputs", "at least one"),
        ({"inputs": "s3://lake/a.csv"}, "inputs", "a list of texts"),
        ({"inputs": ["lake/a.csv"]}, "inputs", "is not a URL"),
        ({"inputs": ["s3://lake/a", "s3://lake/a"]}, "inputs", "twice"),
        ({"inputs": [f"s3://lake/{n}" for n in range(1001)]}, "inputs", "use wildcards"),
        ({"key": ""}, "key", "the name of a column"),
        ({"key": 3}, "key", "the name of a column"),
        ({"passed": ["id"]}, "passed", "is the key"),
        ({"passed": "age"}, "passed", "a list of texts"),
        ({"format": "xml"}, "format", "csv, jsonl, parquet"),
        ({"table": "yes"}, "table", "true or false"),
        ({"table": False}, "results", "nothing would be written"),
        ({"results": "out"}, "results", "is not a URL"),
        ({"results_format": "csv"}, "results_format", "jsonl, parquet"),
        ({"load": "fast"}, "load", "auto, write, import"),
        ({"tolerated": 5}, "tolerated", "from 0 to 1"),
        ({"tolerated": True}, "tolerated", "from 0 to 1"),
        ({"chunk_rows": 0}, "chunk_rows", "from 1 to"),
        ({"keys": ["id"]}, "keys", "unknown member"),
        ({"inputs": [f"s3://lake/{'a' * 200}/{n}" for n in range(500)]}, "", "100000 are allowed: use wildcards"),
        ({"passed": ["é" * 17_000]}, "", "100000 are allowed: use wildcards"),
    ],
)
def test_a_wrong_request_names_the_member_and_the_remedy(change: dict[str, Any], field: str, said: str) -> None:
    document = {name: value for name, value in {**LEAST, **change}.items() if value is not None}
    with pytest.raises(ContractError, match=said) as caught:
        BatchRequest.from_json(document)
    assert caught.value.violations[0].field == field
    assert caught.value.status == 422


def test_a_request_that_is_no_object_is_refused() -> None:
    with pytest.raises(ContractError, match="not an object"):
        BatchRequest.from_json([LEAST])
