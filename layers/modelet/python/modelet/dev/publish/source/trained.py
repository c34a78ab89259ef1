"""The return value of a train.py."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelet.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelet.store.manifest import Column


@dataclass(kw_only=True)
class Trained:
    """A fitted model with its examples and metrics: the return value of `def train() -> Trained` in a train.py.

    estimator: a fitted scikit-learn estimator. With `backend: sklearn`, it may be a dict of objects, each of which
        becomes NAME.joblib; the main object is `model`. A dict of fitted estimators by other names makes a version with
        several models: each is compiled and compared by itself (see modelet.backends.several).
    examples: held-out inputs, at least 1,000 if possible, exactly as `estimator.predict` takes them: a list of texts,
        an array of shape (rows, features), or a pandas DataFrame. The compiled graph is compared with the estimator
        on them. The graph rounds numbers in requests to float32; a float32 array here means that the estimator needs
        this too.
    metrics: cross-validated figures by name. metric: the name of the main one.
    files: further artifacts by file name. Values other than bytes are written as JSON.
    columns: one Column for each feature, with its type and limits; derived from the examples by default.
    feature_names: the columns' names if the examples have none.
    outputs: the names of several outputs, in the order in which the estimator predicts them; y0, y1, … by default.
    With several models, examples, columns, feature_names and outputs may also be dicts by the models' names.
    info: additional entries of `model_info`.

    Raises PublishError if the metrics are not valid.
    """

    estimator: Any
    examples: Any
    metrics: Mapping[str, float]
    metric: str
    files: Mapping[str, Any] = field(default_factory=dict)
    columns: Sequence[Column] | None = None
    feature_names: Sequence[str] | None = None
    outputs: Sequence[str] | None = None
    info: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.metrics = {str(name): float(value) for name, value in self.metrics.items()}
        for name, value in self.metrics.items():
            if not math.isfinite(value):
                raise PublishError(f"metrics: {name} is {value}: give finite numbers")
        if self.metric not in self.metrics and (self.metric or self.metrics):
            known = ", ".join(self.metrics) or "empty"
            raise PublishError(f"metric is {self.metric!r}, which is not in metrics ({known}): use one of those")
