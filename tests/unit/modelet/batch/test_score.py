"""A piece is scored as its rows would be alone: good ones have a prediction, bad ones a reason, none is lost."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from typing_extensions import TypedDict

from modelet.batch.piece import Piece
from modelet.batch.score import MAX_FAILING_CALLS, Scorer
from modelet.contract.contract import Contract
from modelet.contract.schema import tighten
from modelet.errors import ContractError, ModelError, StoreError
from modelet.model import Model
from modelet.observability import Timings
from modelet.pipeline import InferencePipeline
from modelet.violation import Violation


class Row(TypedDict):
    x: Annotated[float, Ge(0)]
    kind: Literal["a", "b"] | None


class Answer(TypedDict):
    double: float
    kind: str | None


class Fussy(Model[Row, Answer]):
    """Raises on some rows, answers NaN to others, and refuses some in its preprocessing."""

    def preprocess(self, instances: list[Row]) -> list[Row]:
        for index, row in enumerate(instances):
            if row["x"] == 5:
                raise ContractError([Violation(index, "x", "five is refused", "five")])
        return list(instances)

    def infer(self, inputs: list[Row]) -> list[Row]:
        if any(row["x"] == 13 for row in inputs):
            raise KeyError("secret")
        if any(row["x"] == 99 for row in inputs):
            raise StoreError("the feature store does not answer")
        return inputs

    def postprocess(self, outputs: list[Row], _instances: list[Row]) -> list[Answer]:
        return [{"double": math.nan if row["x"] == 7 else 2 * row["x"], "kind": row["kind"]} for row in outputs]


def scorer(**options: Any) -> Scorer:
    cores = [
        tighten(dict(TypeAdapter(kind).core_schema), returned=returned)
        for kind, returned in ((Row, False), (Answer, True))
    ]
    return Scorer(InferencePipeline(Fussy(), Contract(*cores), **options), Timings())


def columns_piece(rows: list[dict[str, Any]], failed: dict[int, tuple[str | None, str]] | None = None) -> Piece:
    columns = {name: [row[name] for row in rows] for name in ("x", "kind")}
    return Piece(100, [f"k{place}" for place in range(len(rows))], columns=columns, failed=failed or {})


def rows_piece(rows: list[Any], failed: dict[int, tuple[str | None, str]] | None = None) -> Piece:
    return Piece(100, [f"k{place}" for place in range(len(rows))], rows=rows, failed=failed or {})


ROWS = st.fixed_dictionaries(
    {"x": st.sampled_from([0, 1.5, 5, 7, 13, -1, "2", "x", None]), "kind": st.sampled_from(["a", "b", None, "c", 3])}
)


@given(st.lists(ROWS, max_size=40), st.sets(st.integers(0, 39), max_size=4), st.booleans())
def test_a_piece_is_scored_as_its_rows_alone(rows: list[dict[str, Any]], unreadable: set[int], flat: bool) -> None:
    piece_of = columns_piece if flat else rows_piece
    failed: dict[int, tuple[str | None, str]] = {place: ("id", "no key") for place in unreadable if place < len(rows)}
    scored = scorer().score(piece_of(rows, failed))
    rejected = {each.number - 100: each for each in scored.rejected}
    assert sorted([*scored.places, *rejected]) == list(range(len(rows)))
    assert len(rejected) == len(scored.rejected)
    predictions = dict(zip(scored.places, scored.predictions, strict=True))
    for place, row in enumerate(rows):
        if place in failed:
            assert (rejected[place].reason, rejected[place].rule) == ("no key", "unreadable")
            continue
        alone = scorer().score(piece_of([row]))
        if alone.places:
            assert predictions[place] == alone.predictions[0]
        else:
            (expected,) = alone.rejected
            assert rejected[place][2:] == expected[2:]
            assert rejected[place].key == f"k{place}"


def test_a_row_on_which_the_model_raises_is_rejected_without_the_exception_s_text() -> None:
    scored = scorer().score(columns_piece([{"x": place, "kind": "a"} for place in range(40)]))
    rejected = {each.number - 100: each for each in scored.rejected}
    assert set(rejected) == {5, 7, 13}
    assert rejected[5].field == "x"
    assert rejected[5].reason == "five is refused"
    assert "The prediction is invalid" in rejected[7].reason
    assert "The model failed on this row" in rejected[13].reason
    assert not any("secret" in each.reason for each in scored.rejected)
    assert isinstance(scored.failure, Exception)


def test_texts_of_a_csv_file_are_read_as_the_contract_s_types() -> None:
    scored = scorer().score(
        columns_piece([{"x": "1.5", "kind": "a"}, {"x": "2e1", "kind": None}, {"x": "", "kind": "b"}])
    )
    assert scored.predictions == [{"double": 3.0, "kind": "a"}, {"double": 40.0, "kind": None}]
    (rejected,) = scored.rejected
    assert (rejected.number, rejected.field) == (102, "x")


def test_more_bad_rows_than_an_answer_lists_all_have_their_reason() -> None:
    scored = scorer().score(rows_piece([{"x": -1, "kind": "a"} for _ in range(500)]))
    assert len(scored.rejected) == 500
    assert all(each.field == "x" and each.reason for each in scored.rejected)


def test_a_model_that_fails_on_every_row_fails_the_chunk_before_each_row_is_tried() -> None:
    with pytest.raises(ModelError):
        scorer().score(columns_piece([{"x": 13, "kind": "a"}] * (20 * MAX_FAILING_CALLS)))


def test_an_error_that_may_pass_is_raised() -> None:
    with pytest.raises(StoreError):
        scorer().score(columns_piece([{"x": 99, "kind": "a"}, {"x": 1, "kind": "a"}]))
