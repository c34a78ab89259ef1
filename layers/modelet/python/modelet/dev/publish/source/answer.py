"""Determine what an estimator returns for a row, and so the shape of its default prediction."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from modelet.backends.answers import OUTPUTS, dense, key_of, side_by_side
from modelet.dev.publish.source.parts import final, kind_of
from modelet.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelet.backends.outputs import Array, Outputs

BY_KIND = {
    "classifier": ("label", "probabilities", "scores"),
    "regressor": ("variable",),
    "clusterer": ("cluster", "distances"),
    "outlier_detector": ("label", "scores"),
    "density_estimator": ("cluster", "probabilities"),
}
"""The outputs of scikit-learn's kinds of estimators: the first is needed, of the others each has the first one."""

TASKS = {"label": "classification", "variable": "regression", "cluster": "clustering", "vector": "transformation"}
"""The task of a version, by its first output."""

NUMERIC = "fiub"
"""numpy's kinds of dtypes of numbers."""

NEARLY = 1e-3
"""How far a probability may be outside of 0 to 1, because of rounding."""

SHAPED = 100
"""The number of rows that show the shape of the predictions."""

OUTLIERS = [-1, 1]
"""The labels of outlier detectors."""


class Shape(NamedTuple):
    """The shape of a version's default prediction.

    task, labels: entries of `model_info`. answer: see `modelet.backends.answers`; None if a class must define it.
    """

    task: str
    labels: list[Any]
    answer: dict[str, Any] | None


OTHER = Shape("other", [], None)


def outputs_of(estimator: Any, inputs: Any) -> Outputs:
    """Return all outputs of an estimator by name, in double precision. Raises whatever the estimator raises.

    Raises PublishError if it neither predicts nor transforms.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # Extreme numbers overflow on the way, and arrays lack a DataFrame's names: the predictions show whether it
        # matters.
        warnings.simplefilter("ignore")
        first, *others = _names(estimator)
        told = dense(getattr(estimator, OUTPUTS[first])(inputs))
        if first == "variable" and told.dtype.kind not in NUMERIC:
            first = "label"  # an estimator of another library that is not marked as a classifier
        found: Outputs = {first: told}
        for name in others:
            if not hasattr(estimator, OUTPUTS[name]):
                continue
            given = getattr(estimator, OUTPUTS[name])(inputs)
            several = isinstance(given, list) or (name == "probabilities" and told.ndim == 2 and told.shape[1] > 1)
            values = side_by_side(given) if several else dense(given)
            if several or _fits(estimator, name, values, told):
                return {first: told, name: values}
        return found


def shape_of(estimator: Any, outputs: Outputs, names: Sequence[str] | None = None) -> Shape:
    """Return the shape of the prediction that is made from outputs.

    names: the names of several targets; y0, y1, … by default. Raises PublishError if their number is wrong.
    """
    first, values = next(iter(outputs.items()))
    several = values.shape[1] if first in {"label", "variable"} and values.ndim == 2 and values.shape[1] > 1 else 0
    if names and len(names) != several:
        raise PublishError(
            f"outputs has {len(names)} names, but the model has {several or 1} outputs: give one for each"
        )
    targets = [str(name) for name in names] if names else [f"y{place}" for place in range(several)]
    if len(set(targets)) < len(targets):
        raise PublishError("two outputs have the same name: give each its own")
    answer: dict[str, Any] = {"outputs": list(outputs)}
    if first == "variable":
        if kind_of(estimator) != "regressor":
            return OTHER
        return Shape(TASKS[first], [], answer | ({"targets": [{"name": name} for name in targets]} if several else {}))
    if first == "label":
        return _labelled(estimator, outputs, targets, answer)
    if first == "cluster":
        labels = list(range(outputs["probabilities"].shape[1])) if "probabilities" in outputs else []
        widths = {"width": outputs["distances"].shape[1]} if "distances" in outputs else {}
        return Shape(TASKS[first], labels, answer | widths)
    if values.ndim != 2 or values.dtype.kind not in NUMERIC:
        return OTHER
    return Shape(TASKS[first], [], answer | {"width": values.shape[1]})


def stated(estimator: Any) -> Shape:
    """Return what an estimator says of itself, without an answer: a class uses it together with other objects."""
    classes, kind = getattr(estimator, "classes_", ()), kind_of(estimator)
    labels = [] if any(np.ndim(each) for each in classes) else np.asarray(classes).tolist()
    if kind == "regressor":
        return Shape("regression", [], None)
    is_labelled = kind == "classifier" and labels and hasattr(estimator, "predict_proba")
    return Shape("classification" if is_labelled else "other", labels, None)


def _labelled(estimator: Any, outputs: Outputs, targets: list[str], answer: dict[str, Any]) -> Shape:
    kind = kind_of(estimator)
    if kind == "outlier_detector":
        return Shape("outlier detection", OUTLIERS, answer)
    classes = getattr(estimator, "classes_", None)
    if classes is None or kind != "classifier":
        return OTHER
    if "probabilities" in outputs:
        _check_shares(estimator, outputs["probabilities"])
    if not targets:
        labels = np.asarray(classes).tolist()
        if strange := set(np.ravel(outputs["label"]).tolist()) - set(labels):
            raise PublishError(
                f"{type(final(estimator)).__name__} predicts {strange.pop()!r}, which is none of its labels: train it "
                "with one of the library's own objectives for labels"
            )
        return Shape("classification", labels, answer) if _are_distinct(labels) else OTHER
    # Each target has its own labels, or 0 and 1 where several labels may be true at once.
    labels = [np.asarray(each).tolist() for each in classes] if isinstance(classes, list) else [[0, 1]] * len(targets)
    said = [set(column) <= set(of) for column, of in zip(outputs["label"].T.tolist(), labels, strict=True)]
    if not all(said) or not all(map(_are_distinct, labels)):
        return OTHER
    described = [{"name": name, "labels": of} for name, of in zip(targets, labels, strict=True)]
    return Shape("classification", [], answer | {"targets": described})


def _check_shares(estimator: Any, shares: Array) -> None:
    """Raise PublishError if a classifier's probabilities are none, as those of some objectives."""
    beyond = shares[(shares < -NEARLY) | (shares > 1 + NEARLY)]
    if beyond.size:
        name = type(final(estimator)).__name__
        raise PublishError(
            f"{name}.predict_proba returns {beyond[0]:.6g}, which is no probability: train it with an objective that "
            "gives probabilities"
        )


def _are_distinct(labels: list[Any]) -> bool:
    """Return whether labels are different scalars that are also different as keys of a JSON object."""
    scalars = all(isinstance(label, str | int | float) for label in labels)
    return scalars and len({key_of(label) for label in labels}) == len(labels)


def _names(estimator: Any) -> tuple[str, ...]:
    """Return the names of the outputs that an estimator may have. Raises PublishError if there are none."""
    if hasattr(estimator, "predict"):
        return BY_KIND.get(kind_of(estimator) or "", ("variable",))
    if hasattr(estimator, "transform"):
        return ("vector",)
    raise PublishError(
        f"{type(final(estimator)).__name__} has neither predict nor transform for new rows: fit another estimator that "
        "has one of them (KMeans instead of DBSCAN, LocalOutlierFactor with novelty=True)"
    )


def _fits(estimator: Any, name: str, values: Array, told: Array) -> bool:
    """Return whether an output has the columns that its name promises: one per label, cluster or target."""
    width = values.shape[1] if values.ndim == 2 else 1
    if name == "distances":
        return bool(width == len(getattr(final(estimator), "cluster_centers_", ())))
    if told.ndim == 2 and told.shape[1] > 1:
        return bool(width == told.shape[1])
    classes = getattr(estimator, "classes_", None)
    if name == "scores":
        return bool(width == (1 if classes is None or len(classes) == 2 else len(classes)))
    return bool(values.ndim == 2 and (classes is None or width == len(classes)))
