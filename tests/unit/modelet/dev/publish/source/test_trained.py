"""What train() may give back."""

from __future__ import annotations

import math

import pytest

from modelet.errors import PublishError
from modelet.publishing import Trained


def test_figures_become_plain_floats() -> None:
    trained = Trained(estimator=None, examples=[], metrics={"accuracy": 1}, metric="accuracy")
    assert trained.metrics == {"accuracy": 1.0}


def test_a_headline_that_is_no_figure_is_refused_with_those_there_are() -> None:
    with pytest.raises(PublishError, match=r"'f1', which is not in metrics \(accuracy\)"):
        Trained(estimator=None, examples=[], metrics={"accuracy": 0.9}, metric="f1")


def test_a_figure_that_is_no_number_is_refused() -> None:
    with pytest.raises(PublishError, match="accuracy is nan"):
        Trained(estimator=None, examples=[], metrics={"accuracy": math.nan}, metric="accuracy")


def test_a_finished_model_may_come_without_figures() -> None:
    assert Trained(estimator=None, examples=[], metrics={}, metric="").metrics == {}
