"""Matrices by either protocol: a backend's own model and an author's, who sees every instance, answer the same."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any

import numpy as np
import onnxruntime
import pytest
from annotated_types import Ge
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import TypedDict

from modelet.backends.onnx import Feeds, OnnxModel, Outputs
from modelet.protocols.service import Service
from support.services import ask, manifest, service
from support.versions import classifier, onnx_bytes

ROWS, TENSORS = "/models/tiny/infer", "/v2/models/tiny/infer"
GRAPH = onnx_bytes(classifier())


class Pair(TypedDict):
    note: int
    b: float
    a: Annotated[float, Ge(-100)]


class Verdict(TypedDict):
    label: str
    probability: float


class Quick(OnnxModel[Pair, Verdict]):
    """A model as its backend serves it: instances are tuples of the features, which are not in the contract's order."""

    def __init__(self) -> None:
        self.manifest = manifest(features=("a", "b"), model_info={"task": "classification", "labels": ["high", "low"]})
        self.session = onnxruntime.InferenceSession(GRAPH, providers=["CPUExecutionProvider"])
        self.inputs = {node.name: node for node in self.session.get_inputs()}
        self.outputs = [node.name for node in self.session.get_outputs()]


class Seen(Quick):
    """The same as an author writes it."""

    def preprocess(self, instances: list[Pair]) -> Feeds:
        assert all(type(each) is dict for each in instances)
        return super().preprocess(instances)

    def postprocess(self, outputs: Outputs, instances: list[Pair]) -> list[Verdict]:
        assert all(set(each) == {"note", "b", "a"} for each in instances)
        return super().postprocess(outputs, instances)


@pytest.fixture(scope="module")
def quick() -> Service:
    return service(Quick)


@pytest.fixture(scope="module")
def seen() -> Service:
    return service(Seen)


NUMBERS = st.floats(-100, 100) | st.integers(-100, 100)
BAD = st.sampled_from([math.nan, math.inf, -101, 1e39, 10**400, None, "x", "1.5", True, [1]])
INSTANCE = st.fixed_dictionaries({"note": st.integers(), "b": NUMBERS, "a": NUMBERS})
NEARLY = st.fixed_dictionaries(
    {"note": st.integers() | BAD, "b": NUMBERS | BAD}, optional={"a": NUMBERS | BAD, "c": BAD}
)
INSTANCES = st.lists(INSTANCE, max_size=30) | st.lists(INSTANCE | NEARLY, max_size=6)


@pytest.mark.parametrize("query", ["", "?partial=true"])
@settings(max_examples=200)
@given(instances=INSTANCES | INSTANCE | NEARLY)
def test_rows_are_answered_the_same(query: str, quick: Service, seen: Service, instances: Any) -> None:
    body = {"instances": instances} if isinstance(instances, list) else instances
    assert ask(quick, "POST", ROWS + query, body) == ask(seen, "POST", ROWS + query, body)


@settings(max_examples=200)
@given(
    matrix=st.lists(st.tuples(*[NUMBERS] * 3) | st.tuples(*[NUMBERS | BAD] * 3), max_size=30),
    datatype=st.sampled_from(["FP64", "FP32", "INT64", "UINT64"]),
    nested=st.booleans(),
)
def test_a_matrix_is_answered_the_same_and_as_its_columns_are(
    quick: Service, seen: Service, matrix: list[Any], datatype: str, nested: bool
) -> None:
    data = matrix if nested else [value for row in matrix for value in row]
    one = [{"name": "input", "shape": [len(matrix), 3], "datatype": datatype, "data": data}]
    found = ask(quick, "POST", TENSORS, {"inputs": one})
    assert found == ask(seen, "POST", TENSORS, {"inputs": one})
    columns = [
        {"name": name, "shape": [len(matrix)], "datatype": datatype, "data": [row[place] for row in matrix]}
        for place, name in enumerate(("note", "b", "a"))
    ]
    for served in (quick, seen):
        status, body, _ = ask(served, "POST", TENSORS, {"inputs": columns})
        assert status == found[0]
        assert status == 400 or body == found[1]


def test_a_thousand_rows_are_answered_as_a_matrix_of_them_is(quick: Service, seen: Service) -> None:
    values = np.random.default_rng(5).normal(size=(1000, 2)).round(3).tolist()
    instances = [{"note": place, "b": b, "a": a} for place, (b, a) in enumerate(values)]
    data = [number for each in instances for number in each.values()]
    tensor = {"name": "input", "shape": [1000, 3], "datatype": "FP64", "data": data}
    rows = ask(quick, "POST", ROWS, {"instances": instances})[1]["predictions"]
    outputs = ask(quick, "POST", TENSORS, {"inputs": [tensor]})[1]["outputs"]
    assert [each["label"] for each in rows] == outputs[0]["data"]
    assert [each["probability"] for each in rows] == outputs[1]["data"]
    assert rows == ask(seen, "POST", ROWS, {"instances": instances})[1]["predictions"]


def test_a_number_that_the_graph_cannot_hold_is_named_by_its_row(quick: Service) -> None:
    good, bad = {"note": 1, "b": 2, "a": 3}, {"note": 1, "b": 1e39, "a": 3}
    status, body, _ = ask(quick, "POST", ROWS, {"instances": [good, bad]})
    assert status == 422
    assert json.dumps(body["errors"]).count('"instance": 1, "field": "b"') == 1
    status, body, _ = ask(quick, "POST", f"{ROWS}?partial=true", {"instances": [bad, good]})
    assert status == 200
    assert body["predictions"][0]["status"] == 422
    assert body["predictions"][1]["label"] == "high"
