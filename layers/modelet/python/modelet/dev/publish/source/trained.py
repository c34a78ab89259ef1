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
    """A fitted model and what proves it: the return value of `def train() -> Trained` in a function's train.py.

    estimator: a fitted scikit-learn estimator; with `backend: sklearn` also a dict of objects, of which `model` is the
        main one: each becomes NAME.joblib.
    examples: held-out inputs, 1,000 or more where there are as many, exactly as `estimator.predict` takes them: a
    list of
        texts, an array of shape (rows, features), or a pandas DataFrame. The compiled graph is compared with the
        estimator on them. Served numbers are rounded to float32 for the graph: a float32 array here says that the
        estimator wants them so too.
    metrics: cross-validated figures by name. metric: the name of the headline.
    files: further artifacts by file name; what is not bytes is written as JSON.
    columns: what a value may be, one Column a feature; derived from the examples where not given.
    feature_names: the columns' names where the examples carry none.
    info: whatever else `model_info` should say.

    Raises PublishError where the figures do not fit together.
    """

    estimator: Any
    examples: Any
    metrics: Mapping[str, float]
    metric: str
    files: Mapping[str, Any] = field(default_factory=dict)
    columns: Sequence[Column] | None = None
    feature_names: Sequence[str] | None = None
    info: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.metrics = {str(name): float(value) for name, value in self.metrics.items()}
        for name, value in self.metrics.items():
            if not math.isfinite(value):
                raise PublishError(f"metrics: {name} is {value}: give figures that are numbers")
        if self.metric not in self.metrics and (self.metric or self.metrics):
            known = ", ".join(self.metrics) or "empty"
            raise PublishError(f"metric is {self.metric!r}, which is not in metrics ({known}): name one of those")
