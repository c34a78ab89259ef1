"""Tracing of the features of the models inside an estimator back to the columns and values that they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectorMixin
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.pipeline import FeatureUnion
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

SCALERS = (MaxAbsScaler, MinMaxScaler, PowerTransformer, QuantileTransformer, RobustScaler, StandardScaler)
"""Scalers that transform each column alone, and can invert it."""

IMPUTERS = (KNNImputer, SimpleImputer)


class Origin(NamedTuple):
    """The origin of a feature: its column's index, and the fitted scalers that it passed, each with its index there.

    None stands for a feature made from several columns, or from one in another way.
    """

    place: int
    scalers: tuple[tuple[Any, int], ...] = ()

    def back(self, values: Any) -> NDArray[np.float64]:
        """Return the column's values for values of the feature."""
        found = np.asarray(values, dtype=np.float64)
        for scaler, place in reversed(self.scalers):
            found = scaler.inverse_transform(np.tile(found[:, None], scaler.n_features_in_))[:, place]
        return found


def models(estimator: Any, origins: Sequence[Origin | None]) -> Iterator[tuple[Any, Sequence[Origin | None]]]:
    """Yield the models inside an estimator, itself included, each with the origins of the features that it reads.

    Models whose features cannot be determined are left out.
    """
    if hasattr(estimator, "steps"):
        reads: Sequence[Origin | None] = origins
        for _, step in estimator.steps[:-1]:
            reads = passed(step, reads)
        yield from models(estimator.steps[-1][1], reads)
        return
    if getattr(estimator, "n_features_in_", len(origins)) != len(origins):
        return
    yield estimator, origins
    picked = getattr(estimator, "estimators_features_", None)
    for index, part in enumerate(_several(estimator)):
        yield from models(part, origins if picked is None else [origins[place] for place in picked[index]])
    for name in ("estimator_", "best_estimator_"):
        if (single := getattr(estimator, name, None)) is not None:
            yield from models(single, passed(estimator, origins) if isinstance(estimator, SelectorMixin) else origins)
    last = getattr(estimator, "final_estimator_", None)
    if last is not None and getattr(estimator, "passthrough", False):
        answers = last.n_features_in_ - len(origins)
        yield from models(last, [*[None] * answers, *origins])


def _several(estimator: Any) -> list[Any]:
    """Return the models that an estimator combines: trees, or voting, stacked or calibrated estimators."""
    rows = [row if isinstance(row, np.ndarray | list) else [row] for row in getattr(estimator, "estimators_", ())]
    return [
        *(part for row in rows for part in row),
        *(one.estimator for one in getattr(estimator, "calibrated_classifiers_", ())),
    ]


def passed(step: Any, origins: Sequence[Origin | None]) -> list[Origin | None]:
    """Return the origins of the features that a fitted transformer outputs."""
    if step is None or isinstance(step, str):
        return [] if step == "drop" else list(origins)
    if hasattr(step, "steps"):
        for _, each in step.steps:
            origins = passed(each, origins)
        return list(origins)
    if isinstance(step, ColumnTransformer):
        return _of_columns(step, origins)
    if isinstance(step, FeatureUnion):
        return [origin for _, each in step.transformer_list for origin in passed(each, origins)]
    return _of_one(step, origins)


def _of_one(step: Any, origins: Sequence[Origin | None]) -> list[Origin | None]:
    """Return the origins for a transformer that contains no others."""
    if isinstance(step, SCALERS):
        return [
            origin and origin._replace(scalers=(*origin.scalers, (step, place))) for place, origin in enumerate(origins)
        ]
    if isinstance(step, SelectorMixin):
        return [origins[place] for place in step.get_support(indices=True)]
    if isinstance(step, FunctionTransformer):
        return list(origins) if step.func is None else [None] * len(origins)
    made = [str(name) for name in step.get_feature_names_out()]
    if not isinstance(step, IMPUTERS):
        return [None] * len(made)
    # Imputers drop columns without any value, and may add indicators of missing values.
    names = [str(name) for name in getattr(step, "feature_names_in_", [f"x{place}" for place in range(len(origins))])]
    return [origins[names.index(name)] if name in names else None for name in made]


def _of_columns(step: ColumnTransformer, origins: Sequence[Origin | None]) -> list[Origin | None]:
    """Return the origins for a transformer that passes columns to several others."""
    found: list[Origin | None] = []
    for name, each, _ in step.transformers_:
        taken = step._transformer_to_input_indices[name]  # no public attribute
        found += passed(each, [origins[place] for place in taken]) if len(taken) else []
    return found
