"""What an estimator compares in double precision, its graph compares in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, KernelPCA
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    StackingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import BernoulliNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    KBinsDiscretizer,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)
from sklearn.tree import DecisionTreeRegressor

from modelet.dev.publish.onnx.convert import to_graph
from modelet.dev.publish.onnx.doubles import as_compared
from modelet.dev.publish.onnx.graph import Graph
from modelet.dev.publish.onnx.optimize import optimized
from modelet.dev.publish.parity.predictions import differences, estimator_answers, graph_answers, mean_size
from modelet.dev.publish.source.columns import columns_of
from modelet.dev.publish.source.rows import Rows
from modelet.errors import ConversionError

FITTED, ASKED, FEW = 600, 20_000, 1_500


def table(count: int) -> Any:
    """Numbers of few digits as tables hold them, and some of all digits."""
    chance = np.random.default_rng(count)
    columns = (chance.normal(size=count), chance.normal(50, 10, count), chance.gamma(3, 3, count))
    return np.column_stack([*(np.round(each, 1) for each in columns), chance.normal(size=count)])


def beside(train: Any, count: int, chance: np.random.Generator) -> Any:
    """Values at and next to those that were trained on, and the middles between them, where thresholds lie."""
    made = train[chance.integers(len(train), size=count)].copy()
    for place in range(train.shape[1]):
        seen = np.unique(train[:, place])
        at = chance.integers(len(seen) - 1, size=count)
        values = np.where(chance.random(count) < 0.7, (seen[at] + seen[at + 1]) / 2, seen[at])
        values = np.nextafter(values, values + chance.integers(-1, 2, count))
        made[:, place] = np.where(chance.random(count) < 0.5, values, made[:, place])
    return made


def asked(train: Any, count: int = FEW, *, gaps: bool = False) -> Any:
    """Random doubles, finer than what was trained on, and as many values beside thresholds."""
    chance = np.random.default_rng(1)
    drawn = chance.normal(train.mean(axis=0), train.std(axis=0), (count, train.shape[1]))
    made = np.vstack([drawn, beside(train, count, chance)])
    return np.where(chance.random(made.shape) < 0.1, np.nan, made) if gaps else made


def learnt(train: Any, kind: str) -> Any:
    score = np.sin(3 * train[:, 0]) + train[:, 1] / 10 + train[:, 2] / 5 + train[:, 3]
    if kind == "number":
        return score
    return (
        np.array(["a", "b", "c"])[np.digitize(score, np.quantile(score, [0.4, 0.7]))] if kind == "three" else score > 5
    )


def agree(estimator: Any, examples: Any, rows: Any) -> None:
    """Whether the graph that is served answers rows as the estimator does."""
    known = as_compared(
        Rows(examples, "columns" if hasattr(rows, "iloc") else "matrix", columns_of(examples)), estimator
    )
    graph = Graph(optimized(to_graph(estimator, known, "m")), known.features, optimized=True)
    given = Rows(rows, known.layout, known.columns, doubles=known.doubles)
    expected = estimator_answers(estimator, given)
    clear = expected.clear()
    found = differences(expected, graph_answers(graph, given), mean_size(expected))
    assert len(clear) > len(rows) * 0.8
    assert not found.labels[clear].any()
    assert found.greatest < 1e-5


BOOSTED = HistGradientBoostingClassifier(max_iter=10, random_state=0)
BOOSTED_NUMBERS = HistGradientBoostingRegressor(max_iter=10, random_state=0)
STEPS = [
    [],
    [StandardScaler()],
    [MinMaxScaler(), StandardScaler()],
    [Normalizer()],
    [PolynomialFeatures(3)],
    [QuantileTransformer(n_quantiles=20)],
    [KBinsDiscretizer(4, encode="onehot-dense", quantile_method="averaged_inverted_cdf")],
    [VarianceThreshold(40)],
    [ColumnTransformer([("scaled", StandardScaler(), [2, 0])], remainder="passthrough")],
]


@pytest.mark.parametrize("steps", STEPS, ids=str)
@pytest.mark.parametrize(("last", "kind"), [(BOOSTED, "three"), (BOOSTED, "two"), (BOOSTED_NUMBERS, "number")])
def test_histogram_boosting_answers_doubles_as_the_estimator_does(steps: list[Any], last: Any, kind: str) -> None:
    train = table(FITTED)
    estimator = make_pipeline(*steps, last).fit(train, learnt(train, kind))
    agree(estimator, train, asked(train, ASKED if not steps else FEW))


@pytest.mark.parametrize("steps", [[], [StandardScaler()], [SimpleImputer(strategy="median")]], ids=str)
@pytest.mark.parametrize(("last", "kind"), [(BOOSTED, "two"), (BOOSTED_NUMBERS, "number")])
def test_missing_values_and_the_doubles_beside_them_go_the_same_way(steps: list[Any], last: Any, kind: str) -> None:
    train = table(FITTED)
    gaps = np.where(np.random.default_rng(2).random(train.shape) < 0.2, np.nan, train)
    agree(make_pipeline(*steps, last).fit(gaps, learnt(train, kind)), gaps, asked(train, gaps=True))


@pytest.mark.parametrize(
    ("estimator", "kind"),
    [
        (BaggingClassifier(BOOSTED, 3, max_features=0.5, random_state=0), "two"),
        (StackingClassifier([("a", BOOSTED), ("b", make_pipeline(StandardScaler(), BOOSTED))], cv=2), "two"),
        (VotingRegressor([("a", BOOSTED_NUMBERS), ("b", DecisionTreeRegressor()), ("c", Ridge())]), "number"),
        (HistGradientBoostingRegressor(max_iter=10, loss="poisson", random_state=0), "number"),
        (make_pipeline(StandardScaler(), PCA(3), RandomForestClassifier(5, random_state=0)), "three"),
        (make_pipeline(KernelPCA(2, kernel="rbf", gamma=0.01), RandomForestClassifier(5, random_state=0)), "three"),
        (make_pipeline(PowerTransformer(), DecisionTreeRegressor(random_state=0)), "number"),
        (make_pipeline(PowerTransformer(standardize=False), DecisionTreeRegressor(random_state=0)), "number"),
        (
            make_pipeline(KBinsDiscretizer(4, quantile_method="averaged_inverted_cdf", encode="ordinal"), Ridge()),
            "number",
        ),
        (make_pipeline(Binarizer(threshold=0.3), LogisticRegression()), "three"),
        (BernoulliNB(binarize=0.3), "three"),
        (make_pipeline(PolynomialFeatures(2, interaction_only=True, include_bias=False), BOOSTED), "three"),
    ],
    ids=str,
)
def test_whatever_compares_inside_answers_doubles_as_the_estimator_does(estimator: Any, kind: str) -> None:
    train = table(FITTED)
    target = learnt(train, kind)
    agree(estimator.fit(train, target - target.min() if kind == "number" else target), train, asked(train))


def test_box_cox_before_trees_is_computed_in_doubles() -> None:
    train = table(FITTED)[:, 1:3] + 10
    estimator = make_pipeline(PowerTransformer(method="box-cox"), DecisionTreeRegressor(random_state=0))
    agree(estimator.fit(train, train[:, 0] * train[:, 1]), train, np.abs(asked(train)) + 1)


@pytest.mark.parametrize("last", [BOOSTED, RandomForestClassifier(9, random_state=0)], ids=str)
def test_columns_of_a_frame_are_doubles_beside_whole_numbers_float32_and_words(last: Any) -> None:
    train = table(FITTED)
    rows = asked(train)

    def frame(data: Any) -> Any:
        words = np.where(data[:, 2] > 8, "x", "y")
        single = data[:, 3].astype(np.float32)
        return pd.DataFrame({"a": data[:, 0], "n": np.round(data[:, 1]).astype(int), "s": single, "w": words})

    columns = ColumnTransformer(
        [("scaled", StandardScaler(), ["n", "a"]), ("words", OneHotEncoder(sparse_output=False), ["w"])],
        remainder="passthrough",
        sparse_threshold=0,
    )
    estimator = make_pipeline(columns, last).fit(frame(train), learnt(train, "three"))
    agree(estimator, frame(train), frame(rows))


def types(estimator: Any, data: Any) -> list[int]:
    known = as_compared(Rows(data, "matrix", columns_of(data)), estimator)
    graph = onnx.load_from_string(to_graph(estimator, known, "m")).graph
    return [each.type.tensor_type.elem_type for each in graph.input]


def test_only_what_compares_doubles_takes_them() -> None:
    train, single, double = table(FITTED), [onnx.TensorProto.FLOAT], [onnx.TensorProto.DOUBLE]
    target = learnt(train, "two")
    assert types(BOOSTED.fit(train, target), train) == double
    assert types(make_pipeline(StandardScaler(), RandomForestClassifier(3)).fit(train, target), train) == double
    assert types(RandomForestClassifier(3).fit(train, target), train) == single
    assert types(make_pipeline(StandardScaler(), LogisticRegression()).fit(train, target), train) == single
    rounded = train.astype(np.float32)
    assert types(BOOSTED.fit(rounded, target), rounded) == single


def test_a_column_may_have_the_name_that_its_rounded_numbers_would_have() -> None:
    train = pd.DataFrame(table(FITTED), columns=["a", "a_float32", "b", "c"])
    columns = ColumnTransformer([("kept", "passthrough", ["a", "a_float32", "b", "c"])])
    estimator = make_pipeline(columns, VotingRegressor([("a", BOOSTED_NUMBERS), ("b", LinearRegression())]))
    agree(estimator.fit(train, train["a"] + train["a_float32"]), train, train)


@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(PCA(3), BOOSTED),
        make_pipeline(PCA(3), StandardScaler(), BOOSTED),
        StackingClassifier([("a", LogisticRegression())], final_estimator=BOOSTED, cv=2),
    ],
    ids=str,
)
def test_histogram_boosting_of_what_only_comes_close_is_refused_with_remedies(estimator: Any) -> None:
    train = table(FITTED)
    known = as_compared(Rows(train, "matrix", columns_of(train)), estimator.fit(train, learnt(train, "two")))
    with pytest.raises(
        ConversionError, match=r"rounds them differently: remove those steps .* random forest, .*backend: sklearn"
    ):
        to_graph(estimator, known, "m")


def test_categories_of_histogram_boosting_are_refused_with_remedies() -> None:
    train = table(FITTED)
    train[:, 0] = np.round(np.abs(train[:, 0]))
    boosted = HistGradientBoostingClassifier(max_iter=3, categorical_features=[0]).fit(train, learnt(train, "two"))
    known = as_compared(Rows(train, "matrix", columns_of(train)), boosted)
    with pytest.raises(ConversionError, match=r"loses its categories in a graph: encode them before it"):
        to_graph(boosted, known, "m")
