"""Between rows and matrices: the quick ways give what the plain ones give."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from annotated_types import Ge, Le
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from typing_extensions import TypedDict

from modelet.backends import table
from modelet.backends.onnx import OnnxModel
from modelet.contract import Alike, Contract
from modelet.core import tighten
from modelet.errors import ContractError, PredictionError
from serving import manifest

FEATURES = ("a", "b", "c")
DTYPES = st.sampled_from([np.float32, np.float64, np.int64])
EDGES = [0, -0.0, 1e39, -1e39, 3.4028235677973366e38, 1e-46, 2**24 + 1, 2**53 + 1, 2**63, -(2**63), 2**64, 10**400]
VALUES = (
    st.floats()
    | st.integers()
    | st.booleans()
    | st.none()
    | st.sampled_from([*EDGES, np.float32(0.1), np.int64(3), Decimal("1.5"), "2.5", "x", [1.0]])
)
ROWS = st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=4)
FINITE = st.lists(st.tuples(*[st.floats(-1e6, 1e6) | st.integers(-1000, 1000)] * 3), min_size=1, max_size=4)


def plainly(rows: Sequence[Sequence[Any]], dtype: type[Any]) -> Any:
    """The matrix as numpy makes it, or the kind of what it raises."""
    try:
        with np.errstate(over="raise"):
            return np.array([list(row) for row in rows], dtype=dtype)
    except (FloatingPointError, OverflowError):
        return ContractError
    except Exception as error:  # noqa: BLE001 - whatever it is, ours must raise it too
        return type(error)


def made(rows: Sequence[Any], dtype: type[Any], features: Sequence[str] = FEATURES) -> Any:
    try:
        return table.matrix(rows, features, dtype)
    except Exception as error:  # noqa: BLE001 - as above
        return type(error)


def same(found: Any, expected: Any) -> bool:
    if isinstance(found, type) or isinstance(expected, type):
        return found is expected
    first, second = (np.signbit(np.where(np.isnan(each), 0, each)) for each in (found, expected))
    are_equal = np.array_equal(found, expected, equal_nan=True) and np.array_equal(first, second)
    return are_equal and found.dtype == expected.dtype


@settings(max_examples=500)
@given(rows=ROWS | FINITE, dtype=DTYPES)
def test_a_matrix_is_what_numpy_makes_of_the_values_whatever_they_are(rows: list[Any], dtype: Any) -> None:
    # A column of whole numbers has no NaN: its contract is of integers.
    assume(dtype is not np.int64 or not any("nan" in repr(row) for row in rows))
    expected = plainly(rows, dtype)
    for given_rows in (rows, [dict(zip(FEATURES, row, strict=True)) for row in rows]):
        assert same(made(given_rows, dtype), expected)


@given(values=st.lists(VALUES, min_size=1, max_size=4), dtype=DTYPES)
def test_a_single_feature_is_a_column(values: list[Any], dtype: Any) -> None:
    rows = [(value,) for value in values]
    expected = plainly(rows, dtype)
    assert same(made(rows, dtype, ("a",)), expected)
    assert same(made([{"a": value} for value in values], dtype, ("a",)), expected)


def test_a_field_that_was_left_out_is_nan() -> None:
    found = table.matrix([{"a": 1.0, "b": 2.0}, {"a": 1.0, "b": 2.0, "c": 3.0}], FEATURES)
    assert np.isnan(found[0, 2])
    assert found[1].tolist() == [1.0, 2.0, 3.0]


def test_a_matrix_may_be_written_to() -> None:
    found = table.matrix([(1.0, 2.0, 3.0)], FEATURES)
    found += 1
    assert found.tolist() == [[2.0, 3.0, 4.0]]


def test_a_number_beyond_the_range_is_named_in_a_tuple_too() -> None:
    with pytest.raises(ContractError, match="instance 1 field c: Input is beyond the range of float32"):
        table.matrix([(1.0, 2.0, 3.0), (1.0, 2.0, 1e39)], FEATURES)


# Predictions


class Verdict(TypedDict):
    label: Literal["no", "yes"]
    probability: Annotated[float, Ge(0), Le(1)]


def contract(prediction: Any = Verdict) -> Contract:
    instance, returned = (tighten(dict(TypeAdapter(kind).core_schema), returned=True) for kind in (float, prediction))
    return Contract(instance, returned)


def outputs(shares: Sequence[float], labels: Sequence[str] | None = None) -> dict[str, Any]:
    probabilities = np.array([[1 - share, share] for share in shares], np.float32)
    label = np.array(labels or ["yes" if share > 0.5 else "no" for share in shares], object)
    return {"label": label, "probabilities": probabilities}


SHARE = st.floats(-(2.0**-23), 1 + 2.0**-23, width=32) | st.sampled_from([0.0, 1.0, float("nan")])


@given(shares=st.lists(SHARE, max_size=60))
def test_predictions_made_alike_pass_or_fail_as_they_would_one_by_one(shares: list[float]) -> None:
    found = table.predictions(outputs(shares), manifest())
    assert isinstance(found, Alike) == (len(shares) > 20)
    for kind in (Verdict, dict[str, Any]):
        answers = []
        for given_predictions in (found, list(found)):
            try:
                believing = contract(kind).as_tuples([], lambda text: text.count(b":"))
                answers.append(believing.check_predictions(given_predictions, len(shares)))
            except PredictionError as error:
                answers.append([str(error)])
        assert repr(answers[0]) == repr(answers[1])


@pytest.mark.parametrize("value", [float("nan"), 70.0])
def test_predictions_that_an_author_has_changed_since_are_checked_one_by_one(value: float) -> None:
    made = table.predictions(outputs([0.9] * 30), manifest())
    for each in made:
        each["probability"] = value
    with pytest.raises(PredictionError, match=r"prediction 0\.probability breaks the contract"):
        contract().check_predictions(made, 30)


@pytest.mark.parametrize("label", [Literal["yes"], Literal["no", "yes"]])
@pytest.mark.parametrize(("bound", "beyond"), [(Ge(0.5), 0.25), (Le(0.9), 1.0)])
def test_a_narrower_contract_than_the_extremes_looks_at_every_prediction(label: Any, bound: Any, beyond: float) -> None:
    typed_dict: Any = TypedDict
    sure = contract(typed_dict("Sure", {"label": label, "probability": Annotated[float, bound]}))
    found = table.predictions(outputs([0.75] * 50), manifest())
    assert sure.check_predictions(found, 50) == [{"label": "yes", "probability": 0.75}] * 50
    found = table.predictions(outputs([0.75] * 49 + [beyond], ["yes"] * 50), manifest())
    with pytest.raises(PredictionError, match=r"prediction 49\.probability"):
        sure.check_predictions(found, 50)


def test_a_probability_that_float32_puts_above_one_is_one() -> None:
    probabilities = np.array([[-1e-7, np.nextafter(np.float32(1), np.float32(2))]], np.float32)
    found = table.predictions({"label": np.array(["yes"]), "probabilities": probabilities}, manifest())
    assert found == [{"label": "yes", "probability": 1.0}]


# Who reads tuples


class Instance(TypedDict):
    a: float
    b: float
    c: float


def of_tuples(model: Any) -> bool:
    body = b'{"instances":[{"a":1,"b":2,"c":3}]}'
    model.manifest = manifest(features=FEATURES)
    usual = Contract(*(tighten(dict(TypeAdapter(Instance).core_schema)) for _ in range(2)))
    checked = table.own_contract(model, OnnxModel, usual).check_envelope(body)
    assert checked is not None
    return type(checked.instances[0]) is tuple


def test_a_model_whose_author_sees_no_instance_reads_tuples() -> None:
    class Usual(OnnxModel[Any, Any]):
        def infer(self, inputs: Any) -> Any:
            return super().infer(inputs)

    class Prepared(OnnxModel[Any, Any]):
        def preprocess(self, instances: list[Any]) -> Any:
            return super().preprocess(instances)

    class Shaped(OnnxModel[Any, Any]):
        def postprocess(self, outputs: Any, instances: list[Any]) -> list[Any]:
            return super().postprocess(outputs, instances)

    patched = OnnxModel[Any, Any]()
    vars(patched)["postprocess"] = lambda _outputs, instances: instances  # as an author's `load` may do
    assert of_tuples(Usual())
    assert not of_tuples(Prepared())
    assert not of_tuples(Shaped())
    assert not of_tuples(patched)


@given(text=st.text(st.sampled_from(":a€\n"), max_size=6000))
def test_colons_are_counted_alike_in_short_texts_and_in_long_ones(text: str) -> None:
    assert table._colons(text.encode() * 3) == text.count(":") * 3
