"""The signature: which tensors there are, and what says so."""

from __future__ import annotations

from typing import Any

import pytest

from modelet.errors import PredictionError, RequestError
from modelet.protocols.oip.signature import Signature
from modelet.protocols.oip.tensor import Tensor

NUMBER = {"datatype": "FP64", "shape": [-1]}


def signature(*inputs: dict[str, Any], fields: bool = True) -> Signature:
    outputs = [{"name": "score", **NUMBER}]
    return Signature({"inputs": inputs, "outputs": outputs, "fields": {"inputs": fields, "outputs": True}})


def test_a_matrix_is_taken_where_every_field_is_a_number() -> None:
    number, whole = {"name": "a", **NUMBER}, {"name": "b", "datatype": "INT64", "shape": [-1]}
    assert signature(number, whole).takes_matrix
    assert not signature(number, {"name": "b", "datatype": "BOOL", "shape": [-1]}).takes_matrix
    assert not signature(number, {"name": "b", "datatype": "FP64", "shape": [-1, 3]}).takes_matrix
    assert not signature({"name": "instances", **NUMBER}, fields=False).takes_matrix


def test_a_message_lists_a_hundred_names_and_counts_the_others() -> None:
    many = signature(*({"name": f"f{number}", **NUMBER} for number in range(300)))
    with pytest.raises(RequestError) as caught:
        many.columns([Tensor("x", "FP64", [1], [1.0])])
    assert "f99 and 200 more" in str(caught.value)
    assert "f100" not in str(caught.value)


def test_there_is_a_column_for_each_field_that_was_sent_and_no_other() -> None:
    optional = {"name": "b", **NUMBER, "parameters": {"optional": True}}
    columns = signature({"name": "a", **NUMBER}, optional).columns([Tensor("a", "FP32", [2, 1], [1.0, 2.0])])
    assert columns == {"a": [1.0, 2.0]}


def test_a_prediction_that_does_not_fit_its_tensor_is_named() -> None:
    with pytest.raises(PredictionError, match=r"output score, element 1 does not fit FP64: "):
        signature().tensors([{"score": 1.0}, {"score": "high"}], ["score"])


def test_outputs_are_chosen_once_each() -> None:
    assert signature().choose(["score", "score"]) == ["score"]
    assert signature().choose(None) == signature().choose([]) == ["score"]
    with pytest.raises(RequestError, match="no output 'other': the outputs are score"):
        signature().choose(["other"])
