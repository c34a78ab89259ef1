"""The type of a default prediction is exactly as wide as what the version answers."""

from __future__ import annotations

from typing import Any

import pytest

from modelet.contract.contract import Contract
from modelet.dev.bundle.core_schema import compile_type
from modelet.dev.bundle.prediction import prediction_type
from modelet.errors import PredictionError
from support.services import manifest

SHARES = {"no": 0.25, "yes": 0.75}
ANSWERED = {"label": "yes", "probability": 0.75, "probabilities": SHARES}


def contract(answer: dict[str, Any], labels: list[Any], **said: bool) -> Contract:
    made = manifest()
    kind = prediction_type(made._replace(answer=answer, model_info={"labels": labels}), **said)
    core = compile_type(kind, returned=True).core
    assert core is not None  # no prediction without a class needs pydantic
    return Contract({"type": "float"}, core)


def check(checks: Contract, right: Any, *wrong: Any) -> None:
    assert checks.write_predictions(checks.check_predictions([right], 1))
    for each in wrong:
        with pytest.raises(PredictionError):
            checks.check_predictions([each], 1)


def test_a_classifier_has_a_label_and_the_probability_of_each() -> None:
    checks = contract({"outputs": ["label", "probabilities"]}, ["no", "yes"])
    check(
        checks,
        ANSWERED,
        {**ANSWERED, "label": "maybe"},
        {**ANSWERED, "probability": 1.5},
        {**ANSWERED, "probabilities": {"no": 0.25}},
        {**ANSWERED, "probabilities": {**SHARES, "maybe": 0.0}},
        {**ANSWERED, "probabilities": {"no": 0.25, "yes": float("nan")}},
        {"label": "yes", "probability": 0.75},
    )


def test_without_probabilities_it_has_that_of_its_label_alone() -> None:
    checks = contract({"outputs": ["label", "probabilities"]}, ["no", "yes"], probabilities=False)
    check(checks, {"label": "yes", "probability": 0.75}, ANSWERED)


def test_scores_have_no_bounds_but_are_finite() -> None:
    checks = contract({"outputs": ["label", "scores"]}, [-1, 1])
    check(checks, {"label": -1, "score": -1e9}, {"label": 0, "score": 0.5}, {"label": 1, "score": float("inf")})


def test_clusters_have_as_many_distances_as_there_are() -> None:
    checks = contract({"outputs": ["cluster", "distances"], "width": 2}, [])
    check(checks, {"cluster": 1, "distances": [0.5, 2]}, {"cluster": 1, "distances": [0.5]}, {"cluster": 1})
    mixed = contract({"outputs": ["cluster", "probabilities"]}, [0, 1])
    check(mixed, {"cluster": 0, "probability": 1.0, "probabilities": {"0": 1.0, "1": 0.0}})


def test_a_vector_has_its_length() -> None:
    check(contract({"outputs": ["vector"], "width": 3}, []), [1, 2, 3.5], [1, 2], [1, 2, 3, 4], 1.0)


def test_several_targets_have_their_names() -> None:
    numbers = contract({"outputs": ["variable"], "targets": [{"name": "price"}, {"name": "area size"}]}, [])
    check(numbers, {"price": 1.0, "area size": 2.0}, {"price": 1.0}, [1.0, 2.0])
    targets = [{"name": "a", "labels": ["x", "y"]}, {"name": "b", "labels": [0, 1]}]
    labels = contract({"outputs": ["label"], "targets": targets}, [])
    check(labels, {"a": {"label": "x"}, "b": {"label": 1}}, {"a": {"label": 1}, "b": {"label": 1}}, {"a": "x", "b": 1})
