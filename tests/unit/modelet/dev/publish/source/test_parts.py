"""The estimators inside an estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler

from modelet.dev.publish.source.parts import final, kind_of, names_columns, parts, reads_text, vectorizers

if TYPE_CHECKING:
    from unit.modelet.dev.publish.conftest import Table

FRAME = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})


def test_every_part_is_found_once_however_deep(table: Table) -> None:
    forest = RandomForestClassifier(4).fit(*table.train)
    assert sum(hasattr(part, "tree_") for part in parts(make_pipeline(StandardScaler(), forest))) == 4
    boosted = GradientBoostingClassifier(n_estimators=3).fit(*table.train)
    assert sum(hasattr(part, "tree_") for part in parts(boosted)) == 3
    calibrated = CalibratedClassifierCV(LogisticRegression(), cv=2).fit(*table.train)
    assert sum(hasattr(part, "coef_") for part in parts(calibrated)) == 2


def test_what_holds_itself_is_no_endless_task() -> None:
    model = Ridge()
    model.loop = [model]
    assert list(parts(model)) == [model]


def test_the_last_step_is_the_estimator_itself_where_there_are_no_steps() -> None:
    model = Ridge()
    assert final(model) is final(make_pipeline(StandardScaler(), model)) is model


def test_the_kind_of_what_is_no_estimator_is_unknown() -> None:
    assert kind_of(make_pipeline(StandardScaler(), LogisticRegression())) == "classifier"
    assert kind_of(Ridge()) == "regressor"
    assert kind_of(object()) is None
    assert kind_of(Ridge) is None


@pytest.mark.parametrize(
    ("picked", "by_name"),
    [(["a"], True), (["a", "b"], True), ([0], False), (slice(0, 1), False), (make_column_selector("a"), True)],
)
def test_columns_may_be_picked_by_name(picked: Any, *, by_name: bool) -> None:
    model = make_pipeline(ColumnTransformer([("scaled", StandardScaler(), picked)]), Ridge()).fit(FRAME, [1, 2])
    assert names_columns(model) is by_name


def test_a_model_without_a_column_transformer_picks_nothing() -> None:
    assert not names_columns(Ridge())


def test_vectorizers_are_found_in_unions_and_columns_too() -> None:
    union = make_union(TfidfVectorizer(), CountVectorizer(analyzer="char"))
    columns = ColumnTransformer([("text", TfidfVectorizer(), "text")])
    assert len(vectorizers(make_pipeline(union, Ridge()))) == 2
    assert len(vectorizers(make_pipeline(columns, Ridge()))) == 1


def test_a_model_reads_text_where_all_that_comes_first_does() -> None:
    assert reads_text(make_pipeline(make_pipeline(HashingVectorizer()), Ridge()))
    assert reads_text(make_pipeline(make_union(TfidfVectorizer(), CountVectorizer()), Ridge()))
    assert not reads_text(make_pipeline(StandardScaler(), Ridge()))
    assert not reads_text(make_pipeline(ColumnTransformer([("text", TfidfVectorizer(), "text")]), Ridge()))
    assert not reads_text(np.zeros(3))
