"""Turn outputs into predictions, for all tabular backends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from modelet.store.manifest import Manifest

Array = np.ndarray[Any, np.dtype[Any]]
Outputs = dict[str, Array]
"""Outputs by name, one row per instance: `label` and `probabilities` of classifiers, `variable` of regressors."""


def labels_of(outputs: Outputs) -> list[Any]:
    """Return each row's label; some graphs give them as a column of shape (rows, 1)."""
    given = outputs["label"]
    found: list[Any] = (given if given.ndim == 1 else given.ravel()).tolist()
    return found


def numbers_of(outputs: Outputs) -> Array:
    """Return each row's numbers, the first output; if there is one number per row, the shape is (rows,)."""
    given = next(iter(outputs.values()))
    return given[:, 0] if given.ndim == 2 and given.shape[1] == 1 else given


def predictions(outputs: Outputs, manifest: Manifest) -> list[Any]:
    """Return one prediction per instance, in the format of models without their own class.

    Classification: `{"label", "probability"}` with the probability of the label; regression: a number, or a list for
    several targets; otherwise: the rows of the first output.
    """
    if manifest.model_info.get("task") == "classification":
        labels = manifest.model_info["labels"]
        place = {label: index for index, label in enumerate(labels)}
        # A graph has integers for labels that are booleans or integral floats: 1 stands for True and equals it.
        indices = [place[label] for label in labels_of(outputs)]
        rows = zip(indices, outputs["probabilities"].tolist(), strict=True)
        return [
            {"label": labels[i], "probability": share if 0.0 < (share := row[i]) <= 1.0 else _clipped(share)}
            for i, row in rows
        ]
    numbers: list[Any] = numbers_of(outputs).tolist()
    return numbers


def _clipped(share: float) -> float:
    """Clip a probability to [0, 1], because a float32 sum may be slightly above one. NaN stays NaN."""
    return min(max(share, 0.0), 1.0)
