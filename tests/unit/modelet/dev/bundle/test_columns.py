"""The types of a function that has no class, from what its version says."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from modelet.contract.contract import Contract
from modelet.contract.schema import tighten
from modelet.dev.bundle.columns import column_types
from modelet.dev.bundle.core_schema import compile_type
from modelet.errors import CommandError, ContractError, PredictionError
from modelet.store.manifest import Column, Manifest

COLUMNS = (
    Column("age", "integer", minimum=18, maximum=90),
    Column("dose", "number", nullable=True),
    Column("city", "string", categories=("서울", "paris")),
    Column("member", "boolean"),
)
GOOD = {"age": 30, "dose": 1.5, "city": "paris", "member": True}


def manifest(columns: tuple[Column, ...] = COLUMNS, **info: Any) -> Manifest:
    return Manifest(
        name="tiny",
        version="3",
        model_lib="scikit-learn",
        model_lib_version="1.9.1",
        model_data="model.onnx",
        features=tuple(column.name for column in columns),
        class_name="Ridge",
        metric="",
        performance={},
        feature_importance={},
        model_info=info,
        files=(),
        columns=columns,
        runtime={},
        created_at="2026-11-20T00:00:00Z",
    )


def contract(**info: Any) -> Contract:
    """The contract of a version, compiled: nothing of it needs pydantic."""
    instance, prediction = column_types(manifest(**info))
    cores = compile_type(instance).core, compile_type(prediction, returned=True).core
    assert cores[0] is not None
    assert cores[1] is not None
    return Contract(cores[0], cores[1])


def test_an_instance_has_a_field_for_each_column_and_no_other() -> None:
    checks = contract(task="regression")
    assert checks.check_rows([GOOD]).instances == [GOOD]
    assert checks.check_rows([{**GOOD, "dose": None}, {k: v for k, v in GOOD.items() if k != "dose"}]).failed == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("age", 17),
        ("age", 91),
        ("age", 30.5),
        ("age", None),
        ("dose", "x"),
        ("city", "busan"),
        ("member", "maybe"),
        ("other", 1),
    ],
)
def test_a_value_that_its_column_does_not_allow_is_named(field: str, value: Any) -> None:
    with pytest.raises(ContractError) as refused:
        contract(task="regression").check_rows([{**GOOD, field: value}]).require_all()
    assert [violation.field.split(".")[0] for violation in refused.value.violations] == [field]


def test_a_regressor_gives_a_number() -> None:
    checks = contract(task="regression")
    assert checks.check_predictions([1.5, 2], 2) == [1.5, 2.0]
    with pytest.raises(PredictionError):
        checks.check_predictions([[1.5]], 1)


def test_a_regressor_of_several_targets_gives_exactly_that_many_numbers() -> None:
    checks = contract(task="regression", targets=3)
    assert checks.check_predictions([[1.5, 2, 3]], 1) == [[1.5, 2.0, 3.0]]
    for wrong in ([1.5], [[1.5, 2]], [[1.5, 2, 3, 4]], [[1.5, 2, None]], [[1.5, 2, float("nan")]]):
        with pytest.raises(PredictionError):
            checks.check_predictions(wrong, 1)


@pytest.mark.parametrize("labels", [["no", "yes"], [0, 1], [False, True], [0.0, 1.0], [1, 2, 10]], ids=str)
def test_a_classifier_gives_one_of_its_labels_and_a_probability(labels: list[Any]) -> None:
    checks = contract(task="classification", labels=labels)
    for label in labels:
        assert checks.check_predictions([{"label": label, "probability": 1.0}], 1)[0]["label"] == label
    for wrong in ({"label": "other", "probability": 0.5}, {"label": labels[0], "probability": 1.1}):
        with pytest.raises(PredictionError):
            checks.check_predictions([wrong], 1)


@pytest.mark.parametrize("targets", ["3", 0, -1, True, 1.5, [2]], ids=str)
def test_targets_that_are_no_count_are_refused(targets: Any) -> None:
    with pytest.raises(CommandError, match=r"version 3 of tiny has targets .* publish it again"):
        column_types(manifest(task="regression", targets=targets))


def test_what_says_too_little_needs_a_class() -> None:
    with pytest.raises(CommandError, match=r"names no columns, so it needs a class: write app.py"):
        column_types(manifest((), task="regression"))
    for info in ({"task": "other"}, {"task": "classification"}, {"task": "classification", "labels": []}, {}):
        with pytest.raises(CommandError, match="neither a classifier nor a regressor, so it needs a class"):
            column_types(manifest(**info))


def test_columns_may_have_names_that_no_class_could_give_its_fields() -> None:
    columns = tuple(Column(name, "number") for name in ("my score", "class", "도시", "$ref"))
    instance, _ = column_types(manifest(columns, task="regression"))
    row = {"my score": 1.0, "class": 2.0, "도시": 0.5, "$ref": 3.0}
    assert TypeAdapter(instance).validate_python(row) == row
    assert tighten(dict(TypeAdapter(instance).core_schema))["extra_behavior"] == "forbid"
    with pytest.raises(ValidationError):
        TypeAdapter(instance).validate_python({})


def test_numbers_that_are_categories_are_those_within_the_bounds() -> None:
    column = Column("ward", "integer", categories=(1, 2, 5), minimum=1, maximum=2)
    compiled = compile_type(column_types(manifest((column,), task="regression"))[0])
    assert compiled.reason == ""
    assert compiled.core is not None
    checks = Contract(compiled.core, {"type": "float"})
    assert list(checks.check_rows([{"ward": 1}, {"ward": 5}, {"ward": 2}]).failed) == [1]


def test_categories_that_are_all_beyond_the_bounds_are_refused() -> None:
    column = Column("ward", "integer", categories=(1, 2), minimum=3)
    with pytest.raises(CommandError, match="ward has no category within its bounds"):
        column_types(manifest((column,), task="regression"))
