"""A batch of a model with rules: each answer is stored, and a row that a rule refuses does not stop the others."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from annotated_types import Ge
from pydantic import TypeAdapter
from typing_extensions import TypedDict

from modelet.contract.contract import Contract
from modelet.contract.schema import tighten
from modelet.logic.stages import LogicPipeline
from modelet.model import Model
from modelet.protocols.service import Service
from support.batches import Stage, csv_text
from support.services import service


class Row(TypedDict):
    x: Annotated[float, Ge(0)]


class Doubling(Model[Row, Any]):
    def infer(self, inputs: list[dict[str, Any]]) -> list[Any]:
        return [2 * row["half"] for row in inputs]


LOGIC = {
    "instance": None,
    "preprocess": {"half": {"/": [{"var": "x"}, 2]}},
    "predict_fn": None,
    "select": None,
    "postprocess": {
        "dict": {"items": [{"dict": {"x": {"var": "prediction"}, "inverse": {"/": [1, {"var": "instance.x"}]}}}]}
    },
    "operations": 1000,
    "clock": False,
}


@pytest.fixture
def stage(place: str) -> Stage:
    made = service(Doubling)
    contract = Contract(tighten(dict(TypeAdapter(Row).core_schema)), {"type": "any"})
    return Stage.create(Service(made.bundle, made.manifest, LogicPipeline(Doubling(), contract, logic=LOGIC)), place)


@pytest.mark.parametrize("load", ["write", "import"])
def test_the_answers_of_rules_are_stored_and_a_refused_row_is_named(stage: Stage, load: str) -> None:
    given = [{"id": f"k{number}", "x": number} for number in range(50)]
    batch = stage.create_batch(stage.put("rows.csv", csv_text(given)), chunk_rows=20, load=load)
    record = stage.run(batch)
    assert (record.state, record.rows_done, record.rows_failed) == ("DONE", 49, 1)
    found = stage.predictions(batch)
    assert found == {f"k{x}": {"items": [{"x": float(x), "inverse": 1 / x}]} for x in range(1, 50)}
    (rejected,) = stage.rejected(batch)
    assert (rejected["row"], rejected["field"]) == (0, "logic.postprocess.dict.items[0].dict.inverse./")
    assert rejected["reason"] == "divides by zero"
