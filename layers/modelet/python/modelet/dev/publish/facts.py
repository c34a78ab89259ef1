"""Facts about a trained estimator for its manifest: feature importance, parameters, and library versions."""

from __future__ import annotations

import json
import math
import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.dev.publish.source.parts import final

if TYPE_CHECKING:
    from collections.abc import Sequence

LISTED = 100
"""The most features that a manifest ranks: a text model may have ten thousand words."""


def importance(estimator: Any, features: Sequence[str]) -> dict[str, float]:
    """Return the most important features, the largest first: `feature_importances_`, or the mean of abs(`coef_`).

    The mean is over the labels. Empty if the estimator has neither, or if the inputs of its last step have no names.
    """
    last = final(estimator)
    weights = getattr(last, "feature_importances_", None)
    coefficients: Any = getattr(last, "coef_", None)
    if weights is None and coefficients is not None:
        dense = coefficients.toarray() if hasattr(coefficients, "toarray") else np.asarray(coefficients)
        weights = np.abs(np.atleast_2d(dense)).mean(axis=0)
    if weights is None or np.ndim(weights) != 1:  # CatBoost has none for a model that ranks
        return {}
    names = _names(estimator, features)
    if len(names) != len(weights):
        return {}
    order = np.argsort(-np.asarray(weights), kind="stable")[:LISTED].tolist()
    return {names[place]: float(weights[place]) for place in order if math.isfinite(weights[place])}


def parameters(estimator: Any) -> dict[str, Any]:
    """Return the last step's parameters that fit into JSON."""
    found = final(estimator).get_params(deep=False) if hasattr(final(estimator), "get_params") else {}
    return {name: value for name, value in found.items() if _is_json(value)}


def runtime(*libraries: str) -> dict[str, str]:
    """Return the Python minor version and the versions of libraries on this machine."""
    return {"python": ".".join(platform.python_version_tuple()[:2]), **{name: version(name) for name in libraries}}


def _names(estimator: Any, features: Sequence[str]) -> list[str]:
    """Return the names of the last step's inputs."""
    if not hasattr(estimator, "steps"):
        return list(features)
    try:
        before = estimator[:-1]
        named = before.get_feature_names_out(None if hasattr(before, "feature_names_in_") else list(features))
    except (AttributeError, ValueError, TypeError):
        # Some transformers cannot name their outputs.
        try:
            named = estimator[:-1].get_feature_names_out()
        except (AttributeError, ValueError, TypeError):
            return []
    return [str(name) for name in named]


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
