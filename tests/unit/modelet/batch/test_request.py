"""A request for a batch says what to read and where to write; a wrong one says what to correct."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modelet.batch.request import BatchRequest
from modelet.errors import ContractError
from modelet.store import objects
from modelet.store.errors import InputError

LEAST: dict[str, Any] = {"inputs": ["s3://lake/a.csv"], "key": "id"}
NAMES = st.text(min_size=1, max_size=5)
SEGMENTS = NAMES.filter(lambda name: "/" not in name and name not in {".", ".."})
URLS = st.lists(st.sampled_from(["s3:", "file:", "/", "//", "a", ".", "..", "*", "b.csv"]), max_size=8).map("".join)
WITH_RESULTS = {"results": "s3://lake/out"}


def test_the_least_request_writes_the_table() -> None:
    request = BatchRequest.from_json(LEAST)
    assert (request.inputs, request.key, request.table, request.load) == (("s3://lake/a.csv",), "id", True, "auto")
    assert request.to_json() == LEAST


@given(
    st.fixed_dictionaries(
        {
            "inputs": st.lists(SEGMENTS.map(lambda name: f"s3://lake/{name}"), min_size=1, unique=True),
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
        ({"results": "s3://"}, "results", "is no folder"),
        ({"results": "file:///"}, "results", "is no folder"),
        ({"results": "s3://lake/out/../in"}, "results", "is no folder"),
        ({**WITH_RESULTS, "key": "prediction"}, "key", "'prediction' has the name of the results' own column"),
        ({**WITH_RESULTS, "passed": ["age", "prediction"]}, "passed", "rename it in the input, or leave `results` out"),
        ({**WITH_RESULTS, "passed": ["prediction.label"]}, "passed", "'prediction.label' has the name"),
        ({"inputs": ["s3://"]}, "inputs", r"name the objects, as s3://bucket/prefix/\*"),
        ({"inputs": ["s3://lake/x.csv", "s3://lake"]}, "inputs", "'s3://lake' names no object"),
        ({"inputs": ["s3://lake/"]}, "inputs", "names no object"),
        ({"inputs": ["s3://lake/folder/"]}, "inputs", "names no object"),
        ({"inputs": ["s3:///a.csv"]}, "inputs", "names no object"),
        ({"inputs": ["s3://*/a.csv"]}, "inputs", "names no object"),
        ({"inputs": ["file:///x/../y.csv"]}, "inputs", "names no object"),
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


def test_names_of_the_results_columns_are_free_without_results_and_others_with_them() -> None:
    assert BatchRequest.from_json({**LEAST, "key": "prediction", "passed": ["prediction.x"]}).key == "prediction"
    assert BatchRequest.from_json({**LEAST, **WITH_RESULTS, "passed": ["predictions"]}).passed == ("predictions",)


@pytest.mark.parametrize("folder", ["s3://lake", "s3://lake/", "s3://lake/a/b/", "file:///out"])
def test_results_go_to_a_bucket_or_a_folder(folder: str) -> None:
    assert BatchRequest.from_json({**LEAST, "results": folder}).results == folder


@given(URLS)
@example("s3://a/b.csv")
@example("s3://a")
@example("file:///a/../b.csv")
def test_an_input_that_a_request_may_name_is_one_that_the_store_takes(url: str) -> None:
    def is_taken(read: Callable[[], object]) -> bool:
        try:
            read()
        except (ContractError, InputError):
            return False
        return True

    is_allowed = is_taken(lambda: BatchRequest.from_json({**LEAST, "inputs": [url]}))
    has_pattern_as_bucket = "*" in url.partition("://")[2].partition("/")[0]
    assert is_allowed == (is_taken(lambda: objects._split(url, is_pattern=True)) and not has_pattern_as_bucket)


def test_a_request_that_is_no_object_is_refused() -> None:
    with pytest.raises(ContractError, match="not an object"):
        BatchRequest.from_json([LEAST])
