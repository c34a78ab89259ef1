"""The proof can fail: each planted fault is found, and without one nothing is."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from differential.case import FITTED, Case, Plan, fitted
from differential.columns import named
from differential.contracts import KINDS
from differential.estimators import Learns
from differential.mutants import CLASSIFIED, MEASURED, READ
from differential.table import Table
from differential.trial import Asked, Outcome, outcome_of, through_http


def case(estimator: Any, learns: Learns, kinds: Sequence[str], *contracts: str, layout: Any = "frame") -> Case:
    """A case that is made by hand, published by scikit-learn, which is quicker."""
    names = ["text"] if layout == "texts" else list(kinds)
    table = Table.made(layout, names, named(*kinds), FITTED + 60, np.random.default_rng(5), "")
    plan = Plan(
        name=type(estimator).__name__,
        estimator=estimator,
        learns=learns,
        table=table.part(slice(0, FITTED)),
        held_out=table.part(slice(FITTED, None)),
        labels="text",
        classes=2,
        backend="sklearn",
        bounded=False,
        contracts=tuple(kind for kind in KINDS if kind.name in contracts),
    )
    return Case(0, plan, fitted(plan))


@pytest.fixture(scope="module")
def classifier() -> Case:
    prepared = make_column_transformer(
        ("passthrough", ["real", "whole"]),
        (SimpleImputer(), ["real_gaps"]),
        (OneHotEncoder(handle_unknown="ignore"), ["word"]),
    )
    estimator = make_pipeline(prepared, FixedThresholdClassifier(LogisticRegression(), threshold=0.3))
    return case(estimator, "two", ["real", "real_gaps", "whole", "word"], "typed dict", "aliases")


@pytest.fixture(scope="module")
def regressor() -> Case:
    return case(Ridge(), "number", ["real", "single"], "columns")


@pytest.fixture(scope="module")
def reader() -> Case:
    estimator = make_pipeline(CountVectorizer(lowercase=False, token_pattern=r"\S+"), LogisticRegression())
    return case(estimator, "labels", ["text"], "columns", layout="texts")


def outcome(of: Case, asked: Asked = through_http) -> Outcome:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return outcome_of(of, asked)


def test_without_a_fault_nothing_is_found(classifier: Case, regressor: Case, reader: Case) -> None:
    for each in (classifier, regressor, reader):
        found = outcome(each)
        assert found.served == "sklearn"
        assert found.findings == []
        assert found.rows["equal"] > 100


@pytest.mark.parametrize("name", CLASSIFIED)
def test_a_fault_of_a_classifier_is_found(name: str, classifier: Case) -> None:
    assert outcome(classifier, CLASSIFIED[name]).findings


@pytest.mark.parametrize("name", MEASURED)
def test_a_fault_of_a_regressor_is_found(name: str, regressor: Case) -> None:
    assert outcome(regressor, MEASURED[name]).findings


@pytest.mark.parametrize("name", READ)
def test_a_fault_of_a_classifier_of_texts_is_found(name: str, reader: Case) -> None:
    assert outcome(reader, READ[name]).findings
