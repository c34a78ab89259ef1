"""The ordinary models that a new user brings: how each is made, and the rows that it is given with."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from onnx import TensorProto, helper, numpy_helper
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

CHANCE = np.random.default_rng(25)
ROWS = CHANCE.normal(size=(1_200, 4)).round(4)
LABELS = np.where(ROWS[:, 0] + ROWS[:, 1] > 0, "yes", "no")
THREE = np.digitize(ROWS[:, 0], [-0.5, 0.5])
NAMED = np.array(["low", "middle", "high"])[THREE]
SETS = (ROWS[:, :3] > 0).astype(int)
TEXTS = [" ".join(CHANCE.choice(["good", "bad", "fine", "awful", "좋아요", "별로"], 6)) for _ in range(1_200)]

FEATURES = '''
from sklearn.base import BaseEstimator, TransformerMixin


class Ratios(TransformerMixin, BaseEstimator):
    """Adds the ratio of the first two columns."""

    def fit(self, rows, labels=None):
        self.width_ = rows.shape[1]
        return self

    def transform(self, rows):
        import numpy as np

        return np.c_[rows, rows[:, 0] / (1 + np.abs(rows[:, 1]))]


def times(frame):
    """The hour and the weekday of texts that are ISO times."""
    import pandas as pd

    read = pd.to_datetime(frame["seen"])
    return pd.DataFrame({"hour": read.dt.hour, "day": read.dt.dayofweek})
'''
"""The author's own module in the model's folder."""


Made = Callable[[Any], Any]
"""Fits a model. Its argument is the author's own module."""


@dataclass(frozen=True)
class Brought:
    """A model that a user brings.

    fit: returns the fitted estimator, or the bytes of a file. rows: the examples. ending: of its file. has_module:
    whether the folder has the author's own module. needs_class: whether its inputs have no columns, so that a class
    must say what a request is.
    """

    name: str
    fit: Made
    rows: Callable[[], Any]
    ending: str = "joblib"
    has_module: bool = False
    needs_class: bool = False

    def write(self, folder: Path, module: Any) -> Path:
        """Write the model's file."""
        path = folder / f"model.{self.ending}"
        made = self.fit(module)
        if isinstance(made, bytes):
            path.write_bytes(made)
        else:
            joblib.dump(made, path)
        return path


def written(data: Any, path: Path) -> Path:
    """Write examples as a user would: a CSV for a table, JSON for texts and tensors."""
    if isinstance(data, list):
        path = path.with_suffix(".json")
        path.write_text(json.dumps(data, ensure_ascii=False))
        return path
    names = [f"x{place}" for place in range(data.shape[1])] if isinstance(data, np.ndarray) else None
    path = path.with_suffix(".csv")
    pd.DataFrame(data, columns=names).to_csv(path, index=False)
    return path


def frame() -> pd.DataFrame:
    """A table with missing numbers, texts, booleans and times."""
    income = ROWS[:, 0] * 1_000
    income[::9] = np.nan
    return pd.DataFrame(
        {
            "income": income.round(1),
            "city": np.array(["Seoul", "Busan", "Daegu"])[THREE],
            "member": ROWS[:, 1] > 0,
            "seen": pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(1_200) * 3_601, unit="s"),
        }
    )


def texts_of_times() -> pd.DataFrame:
    """The same table, whose times are ISO texts."""
    table = frame()
    return table.assign(seen=table["seen"].dt.strftime("%Y-%m-%dT%H:%M:%S"))


def cities() -> pd.DataFrame:
    """A text column with missing values, and a number."""
    city = np.array(["Seoul", "Busan", None], dtype=object)[THREE]
    return pd.DataFrame({"city": city, "size": ROWS[:, 1]})


def gaps() -> pd.DataFrame:
    """A category, and numbers with missing values."""
    numbers = ROWS[:, 1].copy()
    numbers[::7] = np.nan
    return pd.DataFrame({"city": pd.Categorical(np.array(["Seoul", "Busan", "Daegu"])[THREE]), "size": numbers})


def _encoded(module: Any, *more: Any) -> ColumnTransformer:
    return ColumnTransformer(
        [
            ("income", make_pipeline(SimpleImputer(), *more), ["income"]),
            ("city", OneHotEncoder(handle_unknown="ignore"), ["city"]),
            ("member", "passthrough", ["member"]),
            ("seen", FunctionTransformer(module.times), ["seen"]),
        ]
    )


def _boosted(*steps: Any) -> Any:
    return make_pipeline(*steps, GradientBoostingClassifier(n_estimators=20, random_state=0))


def _forest() -> Any:
    return RandomForestClassifier(21, max_depth=6, random_state=0)


def _voting(voting: str) -> Any:
    parts = [("a", LogisticRegression()), ("b", GaussianNB()), ("c", DecisionTreeClassifier(max_depth=4))]
    return VotingClassifier(parts, voting=voting)


def _onnx(kind: int, shape: list[Any], nodes: list[Any], weights: dict[str, Any], outputs: int) -> bytes:
    given = [helper.make_tensor_value_info("input", kind, [None, *shape])]
    made = [helper.make_tensor_value_info("output", TensorProto.FLOAT, [None, outputs])]
    tensors = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "brought", given, made, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    return bytes(model.SerializeToString())


def _tokens() -> bytes:
    """A graph of whole numbers and fractions, with dynamic axes."""
    given = [
        helper.make_tensor_value_info("ids", TensorProto.INT64, [None, None]),
        helper.make_tensor_value_info("weights", TensorProto.FLOAT, [None, None]),
    ]
    made = [helper.make_tensor_value_info("output", TensorProto.FLOAT, [None, 1])]
    nodes = [
        helper.make_node("Cast", ["ids"], ["cast"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["cast", "weights"], ["product"]),
        helper.make_node("ReduceSum", ["product", "axes"], ["output"], keepdims=1),
    ]
    axes = numpy_helper.from_array(np.array([1], np.int64), "axes")
    graph = helper.make_graph(nodes, "brought", given, made, [axes])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    return bytes(model.SerializeToString())


def _wide(width: int) -> bytes:
    """A graph of one layer, whose weights take 16 bytes for each of its hidden units."""
    chance = np.random.default_rng(0)
    weights = {
        "w": chance.normal(size=(4, width)).astype(np.float32),
        "v": (chance.normal(size=(width, 1)) / width).astype(np.float32),
    }
    nodes = [
        helper.make_node("MatMul", ["input", "w"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("MatMul", ["r", "v"], ["output"]),
    ]
    return _onnx(TensorProto.FLOAT, [4], nodes, weights, 1)


def _catboost() -> Any:
    return CatBoostClassifier(iterations=20, depth=4, verbose=False, allow_writing_files=False)


def _saved(model: Any, kind: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        model.save_model(str(path), format=kind)
        return path.read_bytes()


MODELS: tuple[Brought, ...] = (
    Brought("times", lambda m: _boosted(_encoded(m)).fit(frame(), LABELS), frame, has_module=True),
    Brought(
        "texts of times", lambda m: _boosted(_encoded(m)).fit(texts_of_times(), LABELS), texts_of_times, has_module=True
    ),
    Brought(
        "scaled before boosting",
        lambda m: _boosted(_encoded(m, StandardScaler())).fit(frame(), LABELS),
        frame,
        has_module=True,
    ),
    Brought(
        "missing texts",
        lambda _m: make_pipeline(
            ColumnTransformer([("city", OneHotEncoder(), ["city"])], remainder="passthrough"), LogisticRegression()
        ).fit(cities(), LABELS),
        cities,
    ),
    Brought("forest of texts", lambda _m: _forest().fit(ROWS, NAMED), lambda: ROWS),
    Brought("forest of integers", lambda _m: _forest().fit(ROWS, THREE), lambda: ROWS),
    Brought(
        "categories and gaps",
        lambda _m: HistGradientBoostingClassifier(max_iter=20, categorical_features="from_dtype").fit(gaps(), LABELS),
        gaps,
    ),
    Brought(
        "integer codes",
        lambda _m: HistGradientBoostingClassifier(max_iter=20, categorical_features=[0]).fit(
            np.c_[THREE, ROWS[:, 1:]], LABELS
        ),
        lambda: np.c_[THREE, ROWS[:, 1:]],
    ),
    Brought(
        "grid search", lambda _m: GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}).fit(ROWS, LABELS), lambda: ROWS
    ),
    Brought("SVC", lambda _m: SVC(probability=True, random_state=0).fit(ROWS, LABELS), lambda: ROWS),
    Brought(
        "forest of two outputs",
        lambda _m: RandomForestRegressor(11, random_state=0).fit(ROWS, ROWS[:, :2] * 3),
        lambda: ROWS,
    ),
    Brought("Ridge of two outputs", lambda _m: Ridge().fit(ROWS, ROWS[:, :2] * 3), lambda: ROWS),
    Brought("multilabel", lambda _m: OneVsRestClassifier(LogisticRegression()).fit(ROWS, SETS), lambda: ROWS),
    Brought("KMeans", lambda _m: KMeans(3, n_init=1, random_state=0).fit(ROWS), lambda: ROWS),
    Brought("outliers", lambda _m: IsolationForest(n_estimators=30, random_state=0).fit(ROWS), lambda: ROWS),
    Brought("hard vote", lambda _m: _voting("hard").fit(ROWS, LABELS), lambda: ROWS),
    Brought("soft vote", lambda _m: _voting("soft").fit(ROWS, LABELS), lambda: ROWS),
    Brought("texts", lambda _m: make_pipeline(TfidfVectorizer(), LinearSVC()).fit(TEXTS, LABELS), lambda: TEXTS),
    Brought(
        "own transformer",
        lambda m: make_pipeline(m.Ratios(), LogisticRegression()).fit(ROWS, LABELS),
        lambda: ROWS,
        has_module=True,
    ),
    Brought(
        "image graph",
        lambda _m: _onnx(
            TensorProto.FLOAT,
            [1, 8, 8],
            [helper.make_node("Flatten", ["input"], ["f"]), helper.make_node("MatMul", ["f", "w"], ["output"])],
            {"w": np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)},
            3,
        ),
        lambda: [{"input": image} for image in CHANCE.normal(size=(40, 1, 8, 8)).round(3).tolist()],
        ending="onnx",
        needs_class=True,
    ),
    Brought(
        "graph of tokens",
        lambda _m: _tokens(),
        lambda: (
            [{"ids": [3, 1, 2, 4], "weights": [0.5, 0.5, 1.0, 0.25]}, {"ids": [5, 6, 0, 1], "weights": [1.0] * 4}] * 20
        ),
        ending="onnx",
        needs_class=True,
    ),
    Brought("large graph", lambda _m: _wide(1_000_000), lambda: ROWS[:60], ending="onnx"),
    Brought(
        "large forest",
        lambda _m: RandomForestClassifier(300, random_state=0).fit(ROWS, CHANCE.integers(0, 3, len(ROWS))),
        lambda: ROWS,
    ),
    Brought("LightGBM", lambda _m: LGBMClassifier(n_estimators=20, verbose=-1).fit(ROWS, LABELS), lambda: ROWS),
    Brought("XGBoost", lambda _m: XGBClassifier(n_estimators=20).fit(ROWS, THREE), lambda: ROWS),
    Brought(
        "scaled before XGBoost",
        lambda _m: make_pipeline(StandardScaler(), XGBClassifier(n_estimators=20)).fit(ROWS, THREE),
        lambda: ROWS,
    ),
    Brought("CatBoost", lambda _m: _catboost().fit(ROWS, NAMED), lambda: ROWS),
    Brought("graph of CatBoost", lambda _m: _saved(_catboost().fit(ROWS, THREE), "onnx"), lambda: ROWS, ending="onnx"),
    Brought(
        "file of XGBoost",
        lambda _m: bytes(XGBClassifier(n_estimators=20).fit(ROWS, THREE).get_booster().save_raw("json")),
        lambda: ROWS,
        ending="json",
    ),
)
