"""Between named columns and matrices: what every tabular backend does with instances and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.errors import ContractError
from modelet.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelet.manifest import Manifest

Array = np.ndarray[Any, np.dtype[Any]]
Outputs = dict[str, Array]
"""What a model gave by name, a row an instance: `label`, `probabilities` of classifiers, `variable` of regressors."""


def cells(instance: Any, features: Sequence[str]) -> list[Any]:
    """An instance's values in the order of the features; an optional field that was left out is None.

    instance: a mapping, an object with the fields as attributes, or the bare value of a single feature. That each
    feature is a field of the contract is certain since the bundle was made.
    """
    if isinstance(instance, dict | Mapping):  # an instance is a dict nearly always, and that is asked fast
        return [instance.get(name) for name in features]
    if len(features) == 1 and isinstance(instance, str | int | float):
        return [instance]
    return [getattr(instance, name) for name in features]


def rows(instances: Sequence[Any], features: Sequence[str]) -> list[list[Any]]:
    """All features of all instances as plain values: a model was fitted on what an enum's members stand for."""
    return [
        [value.value if isinstance(value, Enum) else value for value in cells(instance, features)]
        for instance in instances
    ]


def matrix(instances: Sequence[Any], features: Sequence[str], dtype: type[Any] = np.float32) -> Array:
    """All features of all instances, shape (instances, features); None becomes NaN in a float matrix.

    Raises ContractError naming each number beyond the dtype's range: as infinity it would be predicted like any other.
    """
    numbers = dtype is not object
    values = [cells(instance, features) for instance in instances] if numbers else rows(instances, features)
    try:
        with np.errstate(over="raise"):
            made = np.array(values, dtype=dtype)
    except (FloatingPointError, OverflowError):
        raise ContractError(_beyond(values, features, dtype)) from None
    except TypeError:  # a plain enum among the numbers
        made = np.array(rows(instances, features), dtype=dtype)
    return made


def predictions(outputs: Outputs, manifest: Manifest) -> list[Any]:
    """One prediction an instance from a classifier's or a regressor's outputs, in the shape that columns alone promise.

    Classification: `{"label", "probability"}`, the probability being that of the label; regression: a number (or a
    list, of several targets); else the first output's rows.
    """
    if manifest.model_info.get("task") == "classification":
        labels = manifest.model_info["labels"]
        place = {label: index for index, label in enumerate(labels)}
        # In float32 the largest of probabilities that sum to one may be a hair above it.
        shares = outputs["probabilities"].clip(0.0, 1.0).tolist()
        # A graph has integers for labels that are booleans or whole floats: 1 stands for True, and is equal to it.
        indices = [place[label] for label in outputs["label"].tolist()]
        return [{"label": labels[i], "probability": row[i]} for i, row in zip(indices, shares, strict=True)]
    values = next(iter(outputs.values()))
    numbers: list[Any] = (values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values).tolist()
    return numbers


def _beyond(values: list[list[Any]], features: Sequence[str], dtype: type[Any]) -> list[Violation]:
    """A violation for each number that the dtype cannot hold."""
    name = np.dtype(dtype).name
    found = []
    for index, row in enumerate(values):
        for feature, value in zip(features, row, strict=True):
            try:
                with np.errstate(over="ignore"):
                    fits = not isinstance(value, int | float) or not np.isinf(np.array(value, dtype=dtype))
            except OverflowError:
                fits = False
            if not fits:
                found.append(Violation(index, feature, f"Input is beyond the range of {name}", "number_range"))
    return found
