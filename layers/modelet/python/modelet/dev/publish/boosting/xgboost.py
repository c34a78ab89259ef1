"""XGBoost's models and files."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import xgboost

from modelet.errors import ConversionError, PublishError

if TYPE_CHECKING:
    from collections.abc import Sequence

BEST = "best_iteration"
"""The attribute of a booster whose training stopped early. Estimators predict up to it, boosters with all trees."""

ESTIMATOR = "scikit_learn"
"""The attribute of a booster that an estimator saved."""

END = 64
"""The bytes at the end of a file in UBJSON that hold its last member."""

SINGLE = frozenset({"binary:logistic"})
SEVERAL = frozenset({"multi:softprob", "multi:softmax"})


def estimator_of(booster: xgboost.Booster) -> Any:
    """Return a booster as an estimator with the same predictions."""
    objective, copy = objective_of(json_of(booster)), booster.copy()
    if copy.attr(ESTIMATOR) is None and copy.attr(BEST) is not None:
        copy.set_attr(**{BEST: None})
    if objective == "multi:softmax":  # which predicts only labels: the most probable ones
        copy.set_param({"objective": "multi:softprob"})
    made = xgboost.XGBClassifier() if objective in SINGLE | SEVERAL else xgboost.XGBRegressor()
    if objective.startswith("rank:"):
        made = xgboost.XGBRanker()
    try:
        made.load_model(bytearray(copy.save_raw("ubj")))
    except Exception as error:
        raise ConversionError(f"the XGBoost model cannot be opened as {type(made).__name__}: {error}") from error
    made.set_params(n_jobs=1)
    return made


def booster_of(estimator: Any) -> xgboost.Booster:
    """Return the booster in an estimator. Raises PublishError if it is not fitted."""
    try:
        booster: xgboost.Booster = estimator.get_booster()
    except Exception as error:
        raise PublishError(f"{type(estimator).__name__} is not fitted: fit it first") from error
    return booster


def served(estimator: Any) -> xgboost.Booster:
    """Return a booster with exactly the trees that an estimator predicts with."""
    booster = booster_of(estimator)
    stopped = booster.attr(BEST)
    if stopped is None or json_of(booster)["learner"]["gradient_booster"]["name"] == "gblinear":
        return booster
    cut = booster[: int(stopped) + 1]
    assert isinstance(cut, xgboost.Booster)  # noqa: S101 - a slice of a booster is one
    cut.set_attr(**{BEST: None})
    return cut


def json_of(booster: xgboost.Booster) -> dict[str, Any]:
    """Return a booster's file as data."""
    found: dict[str, Any] = json.loads(booster.save_raw("json"))
    return found


def objective_of(model: dict[str, Any]) -> str:
    """Return the name of a model's objective."""
    return str(model["learner"]["objective"]["name"])


def opened(data: bytes) -> xgboost.Booster:
    """Open a model file. Raises ValueError for one that is not whole, and what XGBoost raises.

    XGBoost opens UBJSON without its end. Its last member is the version of the library.
    """
    if data.lstrip().startswith(b'{"'):
        json.loads(data)
    elif not data.endswith(b"}") or b"version" not in data[-END:]:
        raise ValueError("it is not whole")
    booster = xgboost.Booster()
    booster.load_model(bytearray(data))
    return booster


def written(estimator: Any) -> bytes:
    """Return an estimator's booster as a file, with the trees that it predicts with."""
    return bytes(served(estimator).save_raw("ubj"))


def unsaved(estimator: Any) -> str:
    """Return what an estimator predicts with that a booster's file does not have, and what to do; empty if nothing."""
    missing = getattr(estimator, "missing", None)
    if missing is None or np.isnan(missing):
        return ""
    return f"takes {missing:g} for missing, which its file does not say: replace that value by NaN before the fit"


def feature_names(estimator: Any) -> Sequence[str] | None:
    """Return the names of the training data's columns; None if it had none."""
    names: Sequence[str] | None = booster_of(estimator).feature_names
    return names


def coded(estimator: Any) -> dict[int, Sequence[Any] | None]:
    """Return the features that are categories, by index: the values that 0, 1, … stand for, or None for codes."""
    model = json_of(booster_of(estimator))["learner"]
    found: dict[int, Sequence[Any] | None] = {
        place: None for place, kind in enumerate(model["feature_types"]) if kind == "c"
    }
    trees = model["gradient_booster"]
    held = trees.get("gbtree", trees).get("model", {}).get("cats", {}).get("enc", [])  # dart contains a gbtree
    for place in found:
        if place < len(held) and held[place].get("values"):
            found[place] = _values(held[place])
    return found


def _values(held: dict[str, Any]) -> list[Any]:
    """Return the categories of a column: numbers as they are, texts from their UTF-8 bytes."""
    values: list[Any] = held["values"]
    if "offsets" not in held:
        return values
    data, ends = bytes(each % 256 for each in values), held["offsets"]
    if not data.isascii():  # seen in 3.2.0: it cuts them to their number of characters, in bytes
        raise ConversionError(
            "XGBoost confuses categories with other letters than ASCII: give them as numbers, or with ASCII names"
        )
    return [data[start:end].decode() for start, end in pairwise(ends)]
