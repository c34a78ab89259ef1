"""The default answers of a version, by its outputs: one register for publishing, for contracts, and for serving.

A version's manifest records its answer: `outputs`, the names of what the estimator returns; `targets`, a
list of several targets, each with its `name` and, if it is not a number, its `labels`; `width`, the length of a vector.
OUTPUTS says which method of a scikit-learn estimator returns which output.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.backends.outputs import labels_of, members_of, numbers_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelet.backends.outputs import Array, Outputs, Reader
    from modelet.contract.schema import Core

OUTPUTS = {
    "label": "predict",
    "variable": "predict",
    "cluster": "predict",
    "probabilities": "predict_proba",
    "scores": "decision_function",
    "distances": "transform",
    "vector": "transform",
}
"""The outputs of estimators, and the method that returns each.

label: (rows,), or (rows, targets). variable: numbers, the same. cluster: the number of the cluster, (rows,).
probabilities: (rows, labels), for several targets side by side. scores: (rows,) for two labels, (rows, labels), or
(rows, targets). distances: (rows, clusters). vector: (rows, width).
"""

_WRAPPERS = ("definitions", "default", "model", "dataclass", "nullable", "function-after", "function-before")


def asked(estimator: Any, inputs: Any, answer: Mapping[str, Any]) -> Outputs:
    """Return an estimator's outputs for an answer."""
    has_targets = "targets" in answer
    found = {}
    for name in answer["outputs"]:
        given = getattr(estimator, OUTPUTS[name])(inputs)
        found[name] = side_by_side(given) if has_targets and name == "probabilities" else dense(given)
    return found


def side_by_side(given: Any) -> Array:
    """Return the probabilities of several targets in one array.

    given: an array of (rows, labels) for each target, or one array (rows, targets) with the probability of label 1.
    """
    if isinstance(given, list):
        return np.hstack([np.asarray(each) for each in given])
    array = dense(given)
    return np.stack([1 - array, array], axis=2).reshape(len(array), -1)


def dense(given: Any) -> Array:
    """Return what an estimator returned as an array; some return sparse matrices."""
    return np.asarray(given.toarray() if hasattr(given, "toarray") else given)


def key_of(label: Any) -> str:
    """Return a label as the key of a JSON object: as JSON writes it, without the quotes of a text."""
    if isinstance(label, bool):
        return "true" if label else "false"
    return str(label)


def scores_of(outputs: Outputs) -> Array:
    """Return the scores, (rows,) for two labels; graphs give two columns, of which the second is the score."""
    scores = outputs["scores"]
    return scores[:, -1] if scores.ndim == 2 and scores.shape[1] <= 2 else scores


def reader_of(answer: Mapping[str, Any], labels: Sequence[Any], prediction: Core | None) -> Reader:
    """Return the function that turns the outputs of an answer into predictions, see `modelet.backends.outputs`."""
    names = answer["outputs"]
    if "targets" in answer:
        return _targets(answer, prediction)
    if names[0] == "label":
        whole = ("label", "score") if "scores" in names else ("label",)
        return labelled(labels, members_of(prediction, whole) or whole)
    if names[0] == "cluster":
        whole = ("cluster", *(("probability", "probabilities") if "probabilities" in names else names[1:]))
        return _clusters(labels, members_of(prediction, whole) or whole)
    return lambda outputs: next(iter(outputs.values())).tolist()


def labelled(labels: Sequence[Any], members: Sequence[str]) -> Reader:
    """Return a reader of labels, with the members that are wanted: label, probability, probabilities, score."""
    place = {label: index for index, label in enumerate(labels)}
    keys = [key_of(label) for label in labels]

    def read(outputs: Outputs) -> list[Any]:
        indices = [place[label] for label in labels_of(outputs)]
        columns: dict[str, list[Any]] = {"label": [labels[index] for index in indices]}
        if "probabilities" in outputs:
            columns |= _shares(outputs["probabilities"], indices, keys, members)
        if "scores" in outputs:
            scores = scores_of(outputs)
            columns["score"] = (scores if scores.ndim == 1 else scores[range(len(indices)), indices]).tolist()
        return _rows(columns, members)

    return read


def _shares(shares: Array, indices: list[int], keys: list[str], members: Sequence[str]) -> dict[str, list[Any]]:
    rows = np.clip(shares, 0, 1).tolist()  # a float32 sum may be slightly above one; NaN stays NaN
    columns: dict[str, list[Any]] = {"probability": [row[index] for index, row in zip(indices, rows, strict=True)]}
    if "probabilities" in members:
        columns["probabilities"] = [dict(zip(keys, row, strict=True)) for row in rows]
    return columns


def _clusters(labels: Sequence[Any], members: Sequence[str]) -> Reader:
    keys = [key_of(label) for label in labels]

    def read(outputs: Outputs) -> list[Any]:
        indices = outputs["cluster"].ravel().tolist()
        columns: dict[str, list[Any]] = {"cluster": indices}
        if "probabilities" in outputs:
            columns |= _shares(outputs["probabilities"], indices, keys, members)
        if "distances" in outputs:
            columns["distances"] = outputs["distances"].tolist()
        return _rows(columns, members)

    return read


def _targets(answer: Mapping[str, Any], prediction: Core | None) -> Reader:
    """Return a reader of several targets: an object with a member for each, or a list of numbers if that is wanted."""
    targets: dict[str, list[Any] | None] = {each["name"]: each.get("labels") for each in answer["targets"]}
    shared = definitions_of(prediction)
    fields = fields_of(prediction, shared) if prediction else {}
    if answer["outputs"] == ["variable"]:
        if fields is None and not _is_object(prediction or {}):
            return lambda outputs: numbers_of(outputs).tolist()
        names = tuple(targets)
        wanted = [name for name in names if name in fields] if fields else names
        return lambda outputs: _rows(dict(zip(names, numbers_of(outputs).T.tolist(), strict=True)), wanted)
    wanted = [name for name in targets if name in fields] if fields else list(targets)
    readers = {}
    start = 0
    for place, (name, labels) in enumerate(targets.items()):
        inner = fields[name]["schema"] if fields and name in fields else None
        width = len(labels or ())
        readers[name] = (
            place,
            slice(start, start + width),
            _target(answer, labels or (), fields_of(inner, shared) if inner else None),
        )
        start += width

    def read(outputs: Outputs) -> list[Any]:
        columns = {}
        for name in wanted:
            place, span, of_target = readers[name]
            part = {"label": outputs["label"][:, place]}
            if "probabilities" in outputs:
                part["probabilities"] = outputs["probabilities"][:, span]
            if "scores" in outputs:
                part["scores"] = outputs["scores"][:, place]
            columns[name] = of_target(part)
        return _rows(columns, wanted)

    return read


def _target(answer: Mapping[str, Any], labels: Sequence[Any], fields: Mapping[str, Core] | None) -> Reader:
    more = {"probabilities": ("probability", "probabilities"), "scores": ("score",)}
    whole = ("label", *(member for name in answer["outputs"][1:] for member in more[name]))
    return labelled(labels, [name for name in whole if name in (fields or ())] or whole)


def _rows(columns: Mapping[str, list[Any]], members: Sequence[str]) -> list[Any]:
    """Return one object per row with the members; a member that there is not is left out."""
    names = [name for name in members if name in columns]
    return [dict(zip(names, values, strict=True)) for values in zip(*(columns[name] for name in names), strict=True)]


def definitions_of(core: Core | None) -> dict[str, Core]:
    """Return the shared definitions of a core schema by name."""
    return {each["ref"]: each for each in (core or {}).get("definitions", ())}


def fields_of(core: Core, shared: Mapping[str, Core] | None = None) -> dict[str, Core] | None:
    """Return the fields of an object by name; None if a core schema is not an object with known fields.

    shared: the definitions that it may refer to, its own by default.
    """
    node: Any = core
    known = definitions_of(core) if shared is None else shared
    while node is not None:
        if node["type"] == "definition-ref":
            node = known.get(node["schema_ref"])
        elif node["type"] in {"typed-dict", "model-fields", "dataclass-args"}:
            fields = node["fields"]
            return fields if isinstance(fields, dict) else {each["name"]: each for each in fields}
        else:
            node = node.get("schema") if node["type"] in _WRAPPERS else None
    return None


def _is_object(core: Core) -> bool:
    """Return whether a core schema without known fields is an object with any names."""
    node: Any = core
    while node.get("type") in _WRAPPERS:
        node = node["schema"]
    return node.get("type") in {"dict", "any"}
