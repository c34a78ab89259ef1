"""Making a bundle: what a function's folder and its version come to, and what does not fit together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelet.errors import (
    CommandError,
)
from modelet.store.manifest import Column
from support.projects import APP, GOOD, make_tiny

COLUMNS = (Column("a", "number", minimum=0), Column("b", "number", nullable=True))


def test_without_a_class_the_version_s_columns_are_the_contract(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path, app=None, columns=COLUMNS)
    assert tiny.call(GOOD)["label"] == "high"
    problem = tiny.call({"a": -1, "c": 1})
    assert [(one["field"], one["rule"]) for one in problem["errors"]] == [
        ("a", "greater_than_equal"),
        ("c", "extra_forbidden"),
    ]
    assert json.loads(tiny.function.bundle_path.read_text())["handler"] == "modelet.app.handler"


@pytest.mark.parametrize("named", ["{module: nowhere, function: f}", "{module: app, function: nothing}"])
def test_a_preprocessing_that_cannot_be_found_is_refused_when_it_is_bundled(tmp_path: Path, named: str) -> None:
    with pytest.raises(CommandError, match=r"preprocessing: .*: (fix the module|write it), or name another"):
        make_tiny(tmp_path, spec=f"preprocessing: {named}\n")


def test_a_contract_without_the_version_s_features_is_refused_when_it_is_bundled(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="was trained with x0, x1, which the contract lacks"):
        make_tiny(tmp_path, features=("x0", "x1"))


def test_a_contract_that_hides_the_envelope_is_refused_when_it_is_bundled(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="a field cannot be called instances"):
        make_tiny(tmp_path, app=APP.replace("    b: float", "    b: float\n    instances: float"))


def test_a_version_whose_column_hides_the_envelope_is_named(tmp_path: Path) -> None:
    columns = (Column("a", "number"), Column("instances", "number"))
    with pytest.raises(
        CommandError, match=r"^version 1 of tiny has a column called instances, .* write a contract in app"
    ):
        make_tiny(tmp_path, app=None, columns=columns, features=("a", "instances"))


def test_instances_keep_the_order_of_their_fields_through_the_bundle(tmp_path: Path) -> None:
    app = """
from typing_extensions import TypedDict
from modelet import Model, ModelHandler

class Box(TypedDict):
    width: float
    height: float
    depth: float

class Order(Model[Box, list[str]]):
    def infer(self, inputs: list[Box]) -> list[list[str]]:
        return [list(box) for box in inputs]

handler = ModelHandler(Order)
"""
    tiny = make_tiny(tmp_path, app=app)
    assert tiny.call({"depth": 1, "height": 2, "width": 3}) == ["width", "height", "depth"]


def test_a_version_that_takes_prepared_texts_for_granted_needs_a_preprocess(tmp_path: Path) -> None:
    compiled = {"backend": "onnx", "assumes": ["texts have no repeated white space"]}
    with pytest.raises(CommandError, match=r"assumes that texts .* there is no preprocess: write one, or"):
        make_tiny(tmp_path, app=None, columns=COLUMNS, compiled=compiled)
