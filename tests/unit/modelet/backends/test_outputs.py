"""From outputs to predictions: many together are what each alone would be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from annotated_types import Ge, Le
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from typing_extensions import TypedDict

from modelet.backends.outputs import labels_of, numbers_of, predictions
from modelet.contract.contract import Contract
from modelet.contract.schema import tighten
from modelet.errors import PredictionError
from support.services import manifest


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
def test_many_predictions_are_what_each_would_be_alone(shares: list[float]) -> None:
    found = predictions(outputs(shares), manifest())
    alone = [one for share in shares for one in predictions(outputs([share]), manifest())]
    assert repr(found) == repr(alone)


@pytest.mark.parametrize("value", [float("nan"), 70.0])
def test_predictions_that_an_author_has_changed_are_checked(value: float) -> None:
    made = predictions(outputs([0.9] * 30), manifest())
    for each in made:
        each["probability"] = value
    with pytest.raises(PredictionError, match=r"prediction 0\.probability violates the contract"):
        contract().check_predictions(made, 30)


@pytest.mark.parametrize("label", [Literal["yes"], Literal["no", "yes"]])
@pytest.mark.parametrize(("bound", "beyond"), [(Ge(0.5), 0.25), (Le(0.9), 1.0)])
def test_a_narrow_contract_looks_at_every_prediction(label: Any, bound: Any, beyond: float) -> None:
    typed_dict: Any = TypedDict
    sure = contract(typed_dict("Sure", {"label": label, "probability": Annotated[float, bound]}))
    found = predictions(outputs([0.75] * 50), manifest())
    assert sure.check_predictions(found, 50) == [{"label": "yes", "probability": 0.75}] * 50
    found = predictions(outputs([0.75] * 49 + [beyond], ["yes"] * 50), manifest())
    with pytest.raises(PredictionError, match=r"prediction 49\.probability"):
        sure.check_predictions(found, 50)


def test_a_probability_that_float32_puts_above_one_is_one() -> None:
    probabilities = np.array([[-1e-7, np.nextafter(np.float32(1), np.float32(2))]], np.float32)
    found = predictions({"label": np.array(["yes"]), "probabilities": probabilities}, manifest())
    assert found == [{"label": "yes", "probability": 1.0}]


def test_labels_and_numbers_in_a_column_are_those_of_a_row() -> None:
    flat, column = outputs([0.75] * 3), outputs([0.75] * 3)
    column["label"] = column["label"].reshape(-1, 1)
    assert predictions(column, manifest()) == predictions(flat, manifest())
    assert labels_of(column) == labels_of(flat)
    assert numbers_of({"y": np.ones((3, 1))}).shape == (3,)
    assert numbers_of({"y": np.ones((3, 2))}).shape == (3, 2)
