"""From what a model gave to predictions: what every tabular backend does with outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from modelet.store.manifest import Manifest

Array = np.ndarray[Any, np.dtype[Any]]
Outputs = dict[str, Array]
"""What a model gave by name, a row an instance: `label`, `probabilities` of classifiers, `variable` of regressors."""


def labels_of(outputs: Outputs) -> list[Any]:
    """Each row's label; some graphs give them in a column, shape (rows, 1)."""
    given = outputs["label"]
    found: list[Any] = (given if given.ndim == 1 else given.ravel()).tolist()
    return found


def numbers_of(outputs: Outputs) -> Array:
    """Each row's numbers, which are a graph's first output: shape (rows,) where there is one, also of a column."""
    given = next(iter(outputs.values()))
    return given[:, 0] if given.ndim == 2 and given.shape[1] == 1 else given


def predictions(outputs: Outputs, manifest: Manifest) -> list[Any]:
    """One prediction an instance from a classifier's or a regressor's outputs, in the shape that columns alone promise.

    Classification: `{"label", "probability"}`, the probability being that of the label; regression: a number (or a
    list, of several targets); else the first output's rows.
    """
    if manifest.model_info.get("task") == "classification":
        labels = manifest.model_info["labels"]
        place = {label: index for index, label in enumerate(labels)}
        # A graph has integers for labels that are booleans or whole floats: 1 stands for True, and is equal to it.
        indices = [place[label] for label in labels_of(outputs)]
        rows = zip(indices, outputs["probabilities"].tolist(), strict=True)
        return [
            {"label": labels[i], "probability": share if 0.0 < (share := row[i]) <= 1.0 else _clipped(share)}
            for i, row in rows
        ]
    numbers: list[Any] = numbers_of(outputs).tolist()
    return numbers


def _clipped(share: float) -> float:
    """A probability: in float32 the largest of some that sum to one may be a hair above it. NaN stays NaN."""
    return min(max(share, 0.0), 1.0)
