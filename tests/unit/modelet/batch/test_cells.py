"""Cells of a CSV file become the numbers and booleans that a literal lists."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import TypeAdapter
from typing_extensions import TypedDict

from modelet.batch.cells import Cells
from modelet.contract.schema import tighten


class Row(TypedDict):
    sex: Literal[1, 2]
    smoker: Literal[True] | None
    kind: Literal["1", "2"]
    age: int
    large: Literal[9007199254740993]


CELLS = Cells(tighten(dict(TypeAdapter(Row).core_schema)))


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("sex", "1", 1),
        ("sex", "2.0", 2),
        ("sex", " 2", 2),
        ("sex", "3", "3"),
        ("sex", "\u0967", "\u0967"),
        ("sex", "\uff11", "\uff11"),
        ("sex", "1e0", "1e0"),
        ("sex", "1_0", "1_0"),
        ("sex", "1.5", "1.5"),
        ("large", "9007199254740993", 9007199254740993),
        ("large", "9007199254740992", "9007199254740992"),
        ("large", "9" * 5_000, "9" * 5_000),
        ("sex", "one", "one"),
        ("sex", None, None),
        ("smoker", "true", True),
        ("smoker", "1", "1"),
        ("kind", "1", "1"),
        ("age", "30", "30"),
    ],
)
def test_only_a_literal_of_other_values_than_texts_changes_its_cells(
    name: str, text: str | None, value: object
) -> None:
    (converted,) = CELLS.convert({name: [text]})[name]
    assert (type(converted), converted) == (type(value), value)


def test_other_columns_and_the_given_ones_stay_as_they_are() -> None:
    columns = {"sex": ["1"], "more": ["x"]}
    assert CELLS.convert(columns) == {"sex": [1], "more": ["x"]}
    assert columns["sex"] == ["1"]
