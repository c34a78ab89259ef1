"""Between named columns and matrices: what every tabular backend does with instances and outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from modelet.manifest import Manifest

Array = NDArray[Any]
Outputs = dict[str, Array]
"""What a model gave, by name: `label` and `probabilities` of classifiers, `variable` of regressors."""


def cells(instance: Any, features: Sequence[str]) -> list[Any]:
    """An instance's values in the order of the features; a field that was left out is None.

    instance: a mapping, an object with the fields as attributes, or the bare value of a single feature.
    """
    if isinstance(instance, Mapping):
        return [instance.get(name) for name in features]
    if len(features) == 1 and isinstance(instance, str | int | float):
        return [instance]
    return [getattr(instance, name) for name in features]


def column(instances: Sequence[Any], features: Sequence[str], name: str) -> list[Any]:
    """One feature of all instances."""
    place = features.index(name)
    return [cells(instance, features)[place] for instance in instances]


def matrix(instances: Sequence[Any], features: Sequence[str], dtype: type[Any] = np.float32) -> Array:
    """All features of all instances, shape (instances, features); None becomes NaN in a float matrix."""
    return np.array([cells(instance, features) for instance in instances], dtype=dtype)


def predictions(outputs: Outputs, manifest: Manifest) -> list[Any]:
    """One prediction an instance from a classifier's or a regressor's outputs, in the shape that columns alone promise.

    Classification: `{"label", "probability"}`, the probability being that of the label; regression: a number (or a
    list, of several targets); else the first output's rows.
    """
    task = manifest.model_info.get("task")
    if task == "classification":
        # In float32 the largest of probabilities that sum to one may be a hair above it.
        probability = outputs["probabilities"].max(axis=1).clip(0.0, 1.0)
        pairs = zip(outputs["label"].tolist(), probability.tolist(), strict=True)
        return [{"label": label, "probability": share} for label, share in pairs]
    values = next(iter(outputs.values()))
    rows: list[Any] = (values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values).tolist()
    return rows
