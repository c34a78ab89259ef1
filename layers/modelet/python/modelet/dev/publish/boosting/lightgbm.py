"""LightGBM's models and files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from modelet.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Sequence

MADE_UP = re.compile(r"Column_\d+")
"""A feature's name if the training data had none."""

CLASSES = frozenset({"binary", "multiclass", "multiclassova", "cross_entropy", "cross_entropy_lambda"})


class LightGBMBooster(BaseEstimator):  # type: ignore[misc]  # sklearn has no types
    """A booster with the methods of an estimator."""

    def __init__(self, booster: lightgbm.Booster | None = None) -> None:
        self.booster = booster

    @property
    def booster_(self) -> lightgbm.Booster:
        """The booster, under LightGBM's own name."""
        assert self.booster is not None  # noqa: S101 - scikit-learn's default parameter
        return self.booster

    @property
    def n_features_in_(self) -> int:
        """The number of columns."""
        return int(self.booster_.num_feature())

    @property
    def feature_importances_(self) -> Any:
        """How often each feature splits a tree."""
        return self.booster_.feature_importance()

    def _numbers(self, rows: Any) -> Any:
        return np.asarray(self.booster_.predict(rows))


class LightGBMRegressor(RegressorMixin, LightGBMBooster):  # type: ignore[misc]  # as above
    """A booster that predicts a number, or ranks."""

    def predict(self, rows: Any) -> Any:
        """Return the booster's numbers."""
        return self._numbers(rows)


class LightGBMClassifier(ClassifierMixin, LightGBMBooster):  # type: ignore[misc]  # as above
    """A booster of classes, whose labels are 0, 1, …: it knows no others."""

    @property
    def classes_(self) -> Any:
        """The labels, in the order of the probabilities."""
        return np.arange(max(2, json_of(self.booster_)["num_class"]))

    def predict_proba(self, rows: Any) -> Any:
        """Return a probability for each label."""
        found = self._numbers(rows)
        return found if found.ndim == 2 else np.column_stack([1.0 - found, found])

    def predict(self, rows: Any) -> Any:
        """Return the most probable label."""
        return self.predict_proba(rows).argmax(axis=1)


def estimator_of(booster: lightgbm.Booster) -> LightGBMBooster:
    """Return a booster as an estimator."""
    objective = str(json_of(booster).get("objective", "")).partition(" ")[0]
    return LightGBMClassifier(booster) if objective in CLASSES else LightGBMRegressor(booster)


def booster_of(estimator: Any) -> lightgbm.Booster:
    """Return the booster in an estimator. Raises PublishError if it is not fitted."""
    try:
        booster: lightgbm.Booster = estimator.booster_
    except Exception as error:
        raise PublishError(f"{type(estimator).__name__} is not fitted: fit it first") from error
    return booster


def json_of(booster: lightgbm.Booster) -> dict[str, Any]:
    """Return a booster's description with the trees that it predicts with: those up to its best iteration."""
    found: dict[str, Any] = booster.dump_model()
    return found


def opened(data: bytes) -> lightgbm.Booster:
    """Open a model file. Raises ValueError for one that is not whole, and what LightGBM raises."""
    _check_whole(data)
    return lightgbm.Booster(model_str=data.decode())


def _check_whole(data: bytes) -> None:
    """Raise ValueError unless the trees have the sizes that the file states: LightGBM would end the process."""
    said = re.search(rb"^tree_sizes=([\d ]*)$", data, re.MULTILINE)
    first = re.search(rb"^Tree=0$", data, re.MULTILINE)
    sizes = sum(map(int, said[1].split())) if said else 0
    rest = data[first.start() + sizes :].lstrip() if first else b""
    is_open = b"\nparameters:" in rest and b"\nend of parameters" not in rest
    if not rest.startswith(b"end of trees") or is_open:
        raise ValueError("it is not whole")


def written(estimator: Any) -> bytes:
    """Return an estimator's booster as a file, with the trees that it predicts with."""
    return str(booster_of(estimator).model_to_string()).encode()


def unsaved(estimator: Any) -> str:
    """Return what an estimator predicts with that a booster's file does not have, and what to do; empty if nothing."""
    if isinstance(estimator, LightGBMBooster) or not estimator.get_params().get("pred_early_stop"):
        return ""
    return "leaves out trees (pred_early_stop), which its file does not say: remove that parameter"


def feature_names(estimator: Any) -> Sequence[str] | None:
    """Return the names of the training data's columns; None if it had none."""
    names = booster_of(estimator).feature_name()
    return None if all(map(MADE_UP.fullmatch, names)) else names


def coded(estimator: Any) -> dict[int, Sequence[Any] | None]:
    """Return the features that are categories, by index: the values that 0, 1, … stand for, or None for codes.

    LightGBM keeps the values of pandas' categories in the order of their columns, and the features of both kinds in its
    parameters.
    """
    booster = booster_of(estimator)
    features = _categorical(booster)
    values = booster.pandas_categorical or []
    if values and len(values) != len(features):
        raise PublishError(
            "the LightGBM model has categories of pandas in other columns than its categorical features: make all of "
            "them categories of pandas without an order, and leave categorical_feature out"
        )
    return {place: values[k] if values else None for k, place in enumerate(features)}


def _categorical(booster: lightgbm.Booster) -> list[int]:
    said = re.search(r"^\[categorical_feature: (.*)\]$", booster.model_to_string(num_iteration=1), re.MULTILINE)
    names = said[1].split(",") if said and said[1] else []
    known = booster.feature_name()
    numbers = [known.index(name.removeprefix("name:")) if not name.isdigit() else int(name) for name in names]
    split = {
        node["split_feature"]
        for tree in json_of(booster)["tree_info"]
        for node in nodes_of(tree["tree_structure"])
        if node.get("decision_type") == "=="
    }
    return sorted({*numbers, *split})


def nodes_of(node: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a node of a tree and all below it."""
    found, waiting = [], [node]
    while waiting:
        each = waiting.pop()
        found.append(each)
        waiting += [each[side] for side in ("left_child", "right_child") if side in each]
    return found


def parameters(booster: lightgbm.Booster) -> dict[str, Any]:
    """Return the training parameters in a booster's file, as texts."""
    text = str(booster.model_to_string(num_iteration=1))
    return dict(re.findall(r"^\[(\w+): (.*)\]$", text, re.MULTILINE))
