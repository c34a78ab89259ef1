"""Turn outputs into predictions, for all tabular backends."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.model import InstanceT, Model, PredictionT

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelet.contract.schema import Core
    from modelet.store.manifest import Manifest

    Reader = Callable[["Outputs"], list[Any]]

Array = np.ndarray[Any, np.dtype[Any]]
Outputs = dict[str, Array]
"""Outputs by name, one row per instance: `label` and `probabilities` of classifiers, `variable` of regressors; see
`modelet.backends.answers` for the others."""

USUAL = ("label", "probability")
"""The members of a classifier's default prediction in versions of older releases."""
ALL = (*USUAL, "probabilities")
"""The members of the default prediction of a classifier with probabilities."""


class TabularModel(Model[InstanceT, PredictionT]):
    """A model whose version has columns, and whose default predictions are made from outputs by name."""

    manifest: Manifest

    def postprocess(self, outputs: Outputs, instances: list[InstanceT]) -> list[PredictionT]:  # noqa: ARG002 - for authors
        """Return the default prediction of each instance, with the members that the contract names.

        An author's own `postprocess` gets a classifier's label and probability too, because it may return others.
        """
        return self._read(outputs)

    @cached_property
    def _read(self) -> Reader:
        always = () if type(self).postprocess is TabularModel.postprocess else USUAL
        return reader(self.manifest, self._prediction, always)


def labels_of(outputs: Outputs) -> list[Any]:
    """Return each row's label; some graphs give them as a column of shape (rows, 1)."""
    given = outputs["label"]
    found: list[Any] = (given if given.ndim == 1 else given.ravel()).tolist()
    return found


def numbers_of(outputs: Outputs) -> Array:
    """Return each row's numbers, the first output; if there is one number per row, the shape is (rows,)."""
    given = next(iter(outputs.values()))
    return given[:, 0] if given.ndim == 2 and given.shape[1] == 1 else given


def reader(manifest: Manifest, prediction: Core | None = None, always: tuple[str, ...] = ()) -> Reader:
    """Return the function that turns outputs into one prediction per instance.

    prediction: the core schema of a prediction. A prediction has the members that it names; if it names none, all
    members of the version's answer (see `Manifest.answer`). Without an answer, in versions of older releases, these are
    the label and its probability for classification; a number, or a list for several targets, for regression; and
    otherwise the rows of the first output. always: members of a classifier that a prediction has in any case.
    """
    answer = manifest.answer
    if answer is None:
        is_labelled = manifest.model_info.get("task") == "classification"
    else:
        is_labelled = answer["outputs"] == ["label", "probabilities"] and "targets" not in answer
        if not is_labelled and (answer["outputs"] != ["variable"] or "targets" in answer):
            from modelet.backends.answers import reader_of  # noqa: PLC0415 - for few models

            return reader_of(answer, manifest.model_info.get("labels", ()), None if always else prediction)
    if not is_labelled:
        return _numbers
    members = members_of(prediction, ALL) or (USUAL if answer is None else ALL)
    if always:
        members = tuple([name for name in ALL if name in always or name in members])
    if members == USUAL:
        return _usual(manifest.model_info["labels"])
    from modelet.backends.answers import labelled  # noqa: PLC0415 - most contracts name the usual members

    return labelled(manifest.model_info["labels"], members)


def predictions(outputs: Outputs, manifest: Manifest, prediction: Core | None = None) -> list[Any]:
    """Return one prediction per instance, see `reader`."""
    return reader(manifest, prediction)(outputs)


def members_of(prediction: Core | None, whole: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of the members `whole` that a core schema names; empty if it names none of them."""
    if prediction is None:
        return ()
    fields = prediction.get("fields")
    if type(fields) is not dict:
        from modelet.backends.answers import fields_of  # noqa: PLC0415 - most contracts are typed dicts

        fields = fields_of(prediction) or {}
    return tuple([name for name in whole if name in fields])


def _numbers(outputs: Outputs) -> list[Any]:
    numbers: list[Any] = numbers_of(outputs).tolist()
    return numbers


def _usual(labels: list[Any]) -> Reader:
    """Return a reader of labels with their own probabilities."""
    place = {label: index for index, label in enumerate(labels)}

    def read(outputs: Outputs) -> list[Any]:
        # A graph has integers for labels that are booleans or integral floats: 1 stands for True and equals it.
        indices = [place[label] for label in labels_of(outputs)]
        rows = zip(indices, outputs["probabilities"].tolist(), strict=True)
        return [
            {"label": labels[i], "probability": share if 0.0 < (share := row[i]) <= 1.0 else clipped(share)}
            for i, row in rows
        ]

    return read


def clipped(share: float) -> float:
    """Clip a probability to [0, 1], because a float32 sum may be slightly above one. NaN stays NaN."""
    return min(max(share, 0.0), 1.0)
