"""Models of LightGBM, XGBoost and CatBoost, each with its examples: what publish compiles, and what it does not.

CASES is the list of kinds. `python -m support.boosting` prints it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import catboost
import lightgbm
import numpy as np
import pandas as pd
import xgboost
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

ROWS, COLUMNS = 500, 6
LGB: dict[str, Any] = {"n_estimators": 20, "verbose": -1, "n_jobs": 1}
XGB: dict[str, Any] = {"n_estimators": 20, "n_jobs": 1}
CAT: dict[str, Any] = {"iterations": 20, "verbose": 0, "allow_writing_files": False, "thread_count": 1}
CATEGORICAL: dict[str, Any] = {"min_data_per_group": 5, "cat_smooth": 1}


class Case(NamedTuple):
    """A kind of model. published_from: estimator, pipeline, booster. served: the backend that publishes it.

    make: returns the fitted model, and its examples.
    """

    kind: str
    library: str
    published_from: str
    served: str
    make: Callable[[], tuple[Any, Any]]

    def __str__(self) -> str:
        return f"{self.library}-{self.published_from}-{self.kind}".replace(" ", "_")


class Data(NamedTuple):
    """Rows with missing values, and something to predict from them."""

    rows: Any
    whole: Any
    codes: Any
    frame: pd.DataFrame
    two: Any
    three: Any
    words: Any
    number: Any
    positive: Any
    of_frame: Any
    groups: list[int]


@cache
def data() -> Data:
    chance = np.random.default_rng(0)
    whole = chance.normal(size=(ROWS, COLUMNS)) * 10.0 ** chance.integers(0, 5, COLUMNS)
    rows = whole.copy()
    rows[chance.random(rows.shape) < 0.1] = np.nan
    score = np.nansum(np.sign(rows[:, :4]), axis=1)
    codes = rows.copy()
    codes[:, -1] = chance.integers(0, 12, ROWS)
    frame = pd.DataFrame(
        {
            "amount": rows[:, 0],
            "plan": pd.Categorical(chance.choice(["basic", "plus", "pro", "team"], ROWS)),
            "region": pd.Categorical(chance.choice([3, 5, 9], ROWS)),
            "paperless": chance.random(ROWS) > 0.5,
            "months": chance.integers(0, 60, ROWS),
        }
    )
    flags = frame["plan"].isin(["basic", "team"]) ^ (np.nan_to_num(frame["amount"]) > 0) ^ (frame["region"] == 5)
    return Data(
        rows=rows,
        whole=whole,
        codes=codes,
        frame=frame,
        two=(score > 0).astype(int),
        three=np.digitize(score, [-1, 1]),
        words=np.array(["no", "yes"])[(score > 0).astype(int)],
        number=score * 100 + 1000,
        positive=np.exp(score / 3),
        of_frame=flags.to_numpy().astype(int),
        groups=[25] * (ROWS // 25),
    )


def fitted(estimator: Any, target: str, rows: str = "rows", **said: Any) -> Callable[[], tuple[Any, Any]]:
    """Return what fits an estimator on some of the data, and returns it with its examples."""

    def make() -> tuple[Any, Any]:
        examples = getattr(data(), rows)
        return estimator.fit(examples, getattr(data(), target), **said), examples

    return make


def plain(estimator: Any, rows: str = "texts") -> Callable[[], tuple[Any, Any]]:
    """Return what fits an estimator behind a one-hot encoder and an imputer."""

    def make() -> tuple[Any, Any]:
        examples = data().frame.assign(plan=data().frame["plan"].astype(str), region=data().frame["region"].astype(int))
        first = make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore"), ["plan"]), (SimpleImputer(), ["amount"]), remainder="passthrough"
        )
        return make_pipeline(first, estimator).fit(examples, data().of_frame), examples

    return make


def booster(make: Callable[[], tuple[Any, Any]], name: str) -> Callable[[], tuple[Any, Any]]:
    """Return what makes the booster inside an estimator. name: the attribute or method that has it."""

    def inner() -> tuple[Any, Any]:
        estimator, examples = make()
        found = getattr(estimator, name)
        return (found() if callable(found) else found), examples

    return inner


def softmax() -> tuple[Any, Any]:
    said = {"objective": "multi:softmax", "num_class": 3, "nthread": 1}
    return xgboost.train(said, xgboost.DMatrix(data().rows, data().three), 10), data().rows


def raw_catboost() -> tuple[Any, Any]:
    return catboost.CatBoost({**CAT, "loss_function": "Logloss"}).fit(data().rows, data().two), data().rows


def stopped(estimator: Any, **said: Any) -> Callable[[], tuple[Any, Any]]:
    """Return what fits an estimator whose training stops early."""

    def make() -> tuple[Any, Any]:
        rows, target = data().rows, data().two
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # LightGBM 4.7 renames eval_set, which XGBoost has
            fitted = estimator.fit(rows[:300], target[:300], eval_set=[(rows[300:], target[300:])], **said)
        return fitted, rows

    return make


def two_targets(estimator: Any) -> Callable[[], tuple[Any, Any]]:
    def make() -> tuple[Any, Any]:
        return estimator.fit(data().rows, np.column_stack([data().number, data().positive])), data().rows

    return make


def _lightgbm() -> list[Case]:
    made = lightgbm
    ranked: dict[str, Any] = {"group": [25] * (ROWS // 25)}
    graph = {
        "two labels, texts": fitted(made.LGBMClassifier(**LGB), "words"),
        "two labels, whole numbers": fitted(made.LGBMClassifier(**LGB), "two"),
        "three labels": fitted(made.LGBMClassifier(**LGB), "three"),
        "one against all": fitted(made.LGBMClassifier(objective="multiclassova", **LGB), "three"),
        "regression": fitted(made.LGBMRegressor(**LGB), "number"),
        "absolute error": fitted(made.LGBMRegressor(objective="l1", **LGB), "number"),
        "poisson": fitted(made.LGBMRegressor(objective="poisson", **LGB), "positive"),
        "gamma": fitted(made.LGBMRegressor(objective="gamma", **LGB), "positive"),
        "tweedie": fitted(made.LGBMRegressor(objective="tweedie", **LGB), "positive"),
        "dart": fitted(made.LGBMClassifier(boosting_type="dart", **LGB), "two"),
        "goss": fitted(made.LGBMClassifier(data_sample_strategy="goss", **LGB), "two"),
        "no missing values": fitted(made.LGBMClassifier(**LGB), "two", "whole"),
        "categories": fitted(made.LGBMClassifier(max_cat_to_onehot=1, **CATEGORICAL, **LGB), "of_frame", "frame"),
        "codes": fitted(made.LGBMClassifier(**CATEGORICAL, **LGB), "two", "codes", categorical_feature=[COLUMNS - 1]),
        "ranking": fitted(made.LGBMRanker(**LGB), "three", **ranked),
        "early stopping": stopped(
            made.LGBMClassifier(**{**LGB, "n_estimators": 200}), callbacks=[made.early_stopping(3, verbose=False)]
        ),
    }
    native = {
        "random forest": fitted(made.LGBMClassifier(boosting_type="rf", subsample=0.5, subsample_freq=1, **LGB), "two"),
        "linear trees": fitted(made.LGBMRegressor(linear_tree=True, **LGB), "number"),
        "zero as missing": fitted(made.LGBMClassifier(zero_as_missing=True, **LGB), "two"),
    }
    pipelines = {
        "encoder and imputer": plain(made.LGBMClassifier(**LGB)),
        "scaler": fitted(make_pipeline(StandardScaler(), made.LGBMClassifier(**LGB)), "two"),
    }
    boosters = {
        "two labels": booster(fitted(made.LGBMClassifier(**LGB), "two"), "booster_"),
        "three labels": booster(fitted(made.LGBMClassifier(**LGB), "three"), "booster_"),
        "categories": booster(fitted(made.LGBMClassifier(**CATEGORICAL, **LGB), "of_frame", "frame"), "booster_"),
        "regression": booster(fitted(made.LGBMRegressor(**LGB), "number"), "booster_"),
    }
    return _cases("lightgbm", graph, native, pipelines, boosters)


def _xgboost() -> list[Case]:
    made = xgboost
    ranked: dict[str, Any] = {"group": [25] * (ROWS // 25)}
    with_codes = {"enable_categorical": True, "max_cat_to_onehot": 1}
    kinds = [*["q"] * (COLUMNS - 1), "c"]
    graph = {
        "two labels": fitted(made.XGBClassifier(**XGB), "two"),
        "three labels": fitted(made.XGBClassifier(**XGB), "three"),
        "regression": fitted(made.XGBRegressor(**XGB), "number"),
        "absolute error": fitted(made.XGBRegressor(objective="reg:absoluteerror", **XGB), "number"),
        "poisson": fitted(made.XGBRegressor(objective="count:poisson", **XGB), "positive"),
        "gamma": fitted(made.XGBRegressor(objective="reg:gamma", **XGB), "positive"),
        "tweedie": fitted(made.XGBRegressor(objective="reg:tweedie", **XGB), "positive"),
        "random forest": fitted(made.XGBRFClassifier(**XGB), "two"),
        "no missing values": fitted(made.XGBClassifier(**XGB), "two", "whole"),
        "categories": fitted(made.XGBClassifier(**with_codes, **XGB), "of_frame", "frame"),
        "codes": fitted(made.XGBClassifier(feature_types=kinds, **with_codes, **XGB), "two", "codes"),
        "ranking": fitted(made.XGBRanker(**XGB), "three", **ranked),
        "early stopping": stopped(
            made.XGBClassifier(**{**XGB, "n_estimators": 200}, early_stopping_rounds=3), verbose=False
        ),
    }
    native = {
        "reg:logistic": fitted(made.XGBRegressor(objective="reg:logistic", **XGB), "two"),
        "two targets": two_targets(made.XGBRegressor(**XGB)),
        "dart": fitted(made.XGBClassifier(booster="dart", **XGB), "two"),
        "linear": fitted(made.XGBRegressor(booster="gblinear", **XGB), "number", "whole"),
    }
    pipelines = {
        "encoder and imputer": plain(made.XGBClassifier(**XGB)),
        "scaler": fitted(make_pipeline(StandardScaler(), made.XGBClassifier(**XGB)), "two"),
    }
    boosters = {
        "two labels": booster(fitted(made.XGBClassifier(**XGB), "two"), "get_booster"),
        "softmax": softmax,
        "ranking": booster(fitted(made.XGBRanker(**XGB), "three", **ranked), "get_booster"),
        "categories": booster(fitted(made.XGBClassifier(**with_codes, **XGB), "of_frame", "frame"), "get_booster"),
    }
    return _cases("xgboost", graph, native, pipelines, boosters)


def _catboost() -> list[Case]:
    made = catboost
    ranked: dict[str, Any] = {"group_id": [place // 25 for place in range(ROWS)]}
    graph = {
        "two labels, texts": fitted(made.CatBoostClassifier(**CAT), "words"),
        "two labels, whole numbers": fitted(made.CatBoostClassifier(**CAT), "two"),
        "three labels": fitted(made.CatBoostClassifier(**CAT), "three"),
        "one against all": fitted(made.CatBoostClassifier(loss_function="MultiClassOneVsAll", **CAT), "three"),
        "regression": fitted(made.CatBoostRegressor(**CAT), "number"),
        "absolute error": fitted(made.CatBoostRegressor(loss_function="MAE", **CAT), "number"),
        "poisson": fitted(made.CatBoostRegressor(loss_function="Poisson", **CAT), "positive"),
        "tweedie": fitted(made.CatBoostRegressor(loss_function="Tweedie:variance_power=1.5", **CAT), "positive"),
        "missing values are greatest": fitted(made.CatBoostClassifier(nan_mode="Max", **CAT), "two"),
        "no missing values": fitted(made.CatBoostClassifier(**CAT), "two", "whole"),
        "ranking": fitted(made.CatBoostRanker(**CAT), "three", **ranked),
    }
    native = {
        "categories": fitted(made.CatBoostClassifier(cat_features=["plan", "region"], **CAT), "of_frame", "frame"),
        "depthwise": fitted(made.CatBoostClassifier(grow_policy="Depthwise", **CAT), "two"),
        "lossguide": fitted(made.CatBoostClassifier(grow_policy="Lossguide", **CAT), "two"),
        "two targets": two_targets(made.CatBoostRegressor(loss_function="MultiRMSE", **CAT)),
    }
    pipelines = {
        "encoder and imputer": plain(made.CatBoostClassifier(**CAT)),
        "scaler": fitted(make_pipeline(StandardScaler(), made.CatBoostClassifier(**CAT)), "two"),
    }
    return _cases("catboost", graph, native, pipelines, {"two labels": raw_catboost})


def _cases(library: str, graph: Any, native: Any, pipelines: Any, boosters: Any) -> list[Case]:
    groups = ((graph, "estimator", "onnx"), (native, "estimator", library), (pipelines, "pipeline", "onnx"))
    found = [
        Case(kind, library, source, served, make) for group, source, served in groups for kind, make in group.items()
    ]
    return [*found, *(Case(kind, library, "booster", "onnx", make) for kind, make in boosters.items())]


CASES = [*_lightgbm(), *_xgboost(), *_catboost()]
COMPILED = [case for case in CASES if case.served == "onnx"]
NATIVE = [case for case in CASES if case.served != "onnx"]


if __name__ == "__main__":
    for case in CASES:
        print(case.library, case.published_from, case.kind, case.served, sep="\t")  # noqa: T201 - its output
