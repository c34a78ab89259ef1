"""Estimators of LightGBM, XGBoost and CatBoost. Their seeds are apart: those of scikit-learn stay what they are.

A new estimator is one line of BOOSTERS.
"""

from __future__ import annotations

from typing import Any

import catboost
import lightgbm
import xgboost

from differential.estimators import Predictor

FIRST = 10_000_000
"""The first seed of a boosting estimator."""

LIGHT: dict[str, Any] = {"n_estimators": 4, "min_child_samples": 5, "n_jobs": 1, "verbose": -1}
GROUPED: dict[str, Any] = {"min_data_per_group": 5, "cat_smooth": 1, "max_cat_to_onehot": 2}
EXTREME: dict[str, Any] = {"n_estimators": 4, "max_depth": 4, "n_jobs": 1}
CATS: dict[str, Any] = {
    "iterations": 4,
    "depth": 4,
    "thread_count": 1,
    "verbose": 0,
    "allow_writing_files": False,
    "random_seed": 0,
}

BOOSTERS: tuple[Predictor, ...] = (
    Predictor(lambda: lightgbm.LGBMClassifier(**LIGHT), "labels", "gaps"),
    Predictor(lambda: xgboost.XGBClassifier(**EXTREME), "labels", "gaps"),
    Predictor(lambda: catboost.CatBoostClassifier(**CATS), "labels", "gaps"),
    Predictor(lambda: lightgbm.LGBMRegressor(**LIGHT), "number", "gaps"),
    Predictor(lambda: xgboost.XGBRegressor(**EXTREME), "number", "gaps"),
    Predictor(lambda: catboost.CatBoostRegressor(**CATS), "number", "gaps"),
    Predictor(lambda: lightgbm.LGBMClassifier(**GROUPED, **LIGHT), "labels", "categories"),
    Predictor(lambda: xgboost.XGBClassifier(enable_categorical=True, **EXTREME), "labels", "categories"),
    Predictor(lambda: lightgbm.LGBMRegressor(**GROUPED, **LIGHT), "number", "categories"),
    Predictor(lambda: xgboost.XGBRegressor(enable_categorical=True, **EXTREME), "number", "categories"),
    Predictor(lambda: lightgbm.LGBMClassifier(boosting_type="dart", **LIGHT), "labels", "gaps"),
    Predictor(lambda: lightgbm.LGBMRegressor(objective="poisson", **LIGHT), "positive", "gaps"),
    Predictor(lambda: xgboost.XGBRegressor(objective="reg:gamma", **EXTREME), "positive", "gaps"),
    Predictor(lambda: catboost.CatBoostRegressor(loss_function="Poisson", **CATS), "positive", "gaps"),
    Predictor(lambda: xgboost.XGBRFClassifier(**EXTREME), "labels", "gaps"),
    # These have no exact graph.
    Predictor(
        lambda: lightgbm.LGBMClassifier(boosting_type="rf", subsample=0.6, subsample_freq=1, **LIGHT), "labels", "gaps"
    ),
    Predictor(lambda: lightgbm.LGBMRegressor(linear_tree=True, **LIGHT), "number", "gaps"),
    Predictor(lambda: lightgbm.LGBMClassifier(zero_as_missing=True, **LIGHT), "labels", "gaps"),
    Predictor(lambda: xgboost.XGBClassifier(booster="dart", **EXTREME), "labels", "gaps"),
    Predictor(
        lambda: xgboost.XGBRegressor(objective="reg:squarederror", multi_strategy="one_output_per_tree", **EXTREME),
        "numbers",
        "gaps",
    ),
    Predictor(lambda: catboost.CatBoostClassifier(grow_policy="Lossguide", **CATS), "labels", "gaps"),
    Predictor(lambda: catboost.CatBoostRegressor(loss_function="MultiRMSE", **CATS), "numbers", "gaps"),
    # Their files do not say what these take for missing.
    Predictor(lambda: xgboost.XGBClassifier(missing=0.0, **EXTREME), "labels", "gaps"),
    Predictor(lambda: xgboost.XGBRegressor(missing=-1.0, **EXTREME), "number", "gaps"),
    Predictor(lambda: xgboost.XGBClassifier(objective="multi:softmax", **EXTREME), "labels", "gaps"),
)
"""The estimators whose seeds begin at FIRST, one after the other."""
