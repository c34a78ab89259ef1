"""Rules in Python: the contract, the pipeline and the errors of a trained model."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from modelet.backends.python import RuleModel
from modelet.batch.piece import Piece
from modelet.batch.score import Scorer
from modelet.contract.contract import Contract
from modelet.contract.schema import tighten
from modelet.errors import ContractError, ModelError, RequestError
from modelet.observability import Timings
from modelet.pipeline import Inference, InferencePipeline

CORE = tighten(dict(TypeAdapter(float).core_schema))
CONTRACT = Contract(CORE, CORE)


class Root(RuleModel[float, float]):
    """The square root of what is not negative."""

    def decide(self, instance: float) -> float:
        if instance < 0:
            raise RequestError("the number is negative")
        if instance == 13:
            raise LookupError("a fault of the author's")
        return float(instance**0.5)


def infer(values: list[Any], *, partial: bool = False) -> Inference:
    checked = CONTRACT.check_rows(values, partial=partial)
    return InferencePipeline(Root(), CONTRACT).infer(checked, Timings(), partial=partial)


def test_each_instance_is_decided_in_order() -> None:
    assert infer([4, 9, 0]).predictions == [2.0, 3.0, 0.0]


def test_an_instance_that_a_rule_rejects_is_named_with_the_rules_text() -> None:
    with pytest.raises(ContractError) as rejected:
        infer([4, -1, 9, -2])
    assert [(each.instance, each.message, each.rule) for each in rejected.value.violations] == [
        (1, "the number is negative", "rejected"),
        (3, "the number is negative", "rejected"),
    ]


def test_an_exception_of_a_rule_is_a_fault_of_the_model() -> None:
    with pytest.raises(ModelError, match="Root raised LookupError"):
        infer([4, 13])


def test_a_class_without_decide_says_what_to_write() -> None:
    with pytest.raises(NotImplementedError, match="has no decide: write it"):
        RuleModel[float, float]().infer([1.0])


@given(st.lists(st.one_of(st.floats(-50, 50).filter(lambda value: value != 13), st.just("x")), min_size=1))
def test_a_partial_answer_has_the_rows_that_hold_and_a_reason_for_each_other(values: list[Any]) -> None:
    found = infer(values, partial=True)
    bad = {place for place, value in enumerate(values) if value == "x" or value < 0}
    assert set(found.failed) == bad
    assert found.predictions == [value**0.5 for place, value in enumerate(values) if place not in bad]


def test_in_a_batch_a_row_that_a_rule_rejects_has_its_reason_and_the_others_are_predicted() -> None:
    piece = Piece(first_row=10, keys=["a", "b", "c"], rows=[4.0, -1.0, 9.0])
    scored = Scorer(InferencePipeline(Root(), CONTRACT), Timings()).score(piece)
    assert (scored.places, scored.predictions) == ([0, 2], [2.0, 3.0])
    assert [(row.number, row.key, row.reason) for row in scored.rejected] == [(11, "b", "the number is negative")]
