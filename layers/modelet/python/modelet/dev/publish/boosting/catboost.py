"""CatBoost's models and files."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import catboost

from modelet.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAD = 8
CLASSES = frozenset({"Logloss", "CrossEntropy", "MultiClass", "MultiClassOneVsAll"})


def estimator_of(model: Any) -> Any:
    """Return a model as an estimator, which predicts labels and probabilities where the model gives scores.

    An opened model has lost its number of columns, which publish needs.
    """
    made = model
    if type(model) is catboost.CatBoost:
        made = catboost.to_classifier(model) if loss(model) in CLASSES else _number_model(model)
    if made.is_fitted() and not made.n_features_in_:
        made._n_features_in = len(made.feature_names_)  # no public attribute
    return made


def _number_model(model: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.cbm")
        model.save_model(path)
        made = catboost.CatBoostRegressor()
        made.load_model(path)
    return made


def booster_of(estimator: Any) -> Any:
    """Return the model, which an estimator of CatBoost is itself. Raises PublishError if it is not fitted."""
    if not estimator.is_fitted():
        raise PublishError(f"{type(estimator).__name__} is not fitted: fit it first")
    return estimator


def loss(model: Any) -> str:
    """Return the name of the loss function that a model was trained with."""
    return str(model.get_all_params().get("loss_function", "")).partition(":")[0]


def json_of(model: Any) -> dict[str, Any]:
    """Return a model as data."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        model.save_model(str(path), format="json")
        found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def opened(data: bytes) -> Any:
    """Open a model file. Raises ValueError for one that is not whole, and what CatBoost raises.

    CatBoost reads beyond the end of bytes in memory: the first eight bytes are a mark, and the size of what follows.
    """
    if len(data) < HEAD or len(data) < HEAD + int.from_bytes(data[HEAD // 2 : HEAD], "little"):
        raise ValueError("it is not whole")
    model = catboost.CatBoost()
    model.load_model(blob=data)
    return model


def written(estimator: Any) -> bytes:
    """Return an estimator as a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.cbm"
        booster_of(estimator).save_model(str(path))
        return path.read_bytes()


def unsaved(estimator: Any) -> str:  # noqa: ARG001 - as for the other libraries
    """Return an empty text: a file has all that an estimator predicts with, also its threshold."""
    return ""


def feature_names(estimator: Any) -> Sequence[str] | None:
    """Return the names of the training data's columns; None if it had none."""
    names = list(estimator.feature_names_)
    return None if names == [str(place) for place in range(len(names))] else names


def coded(estimator: Any) -> dict[int, Sequence[Any] | None]:
    """Return the features that are categories, by index; requests have them as texts or whole numbers."""
    return dict.fromkeys(booster_of(estimator).get_cat_feature_indices())
