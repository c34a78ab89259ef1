"""Between named columns and matrices: what every tabular backend does with instances and outputs."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from enum import Enum
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.contract import Alike
from modelet.errors import ContractError
from modelet.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from modelet.contract import Contract
    from modelet.manifest import Manifest

Array = np.ndarray[Any, np.dtype[Any]]
Outputs = dict[str, Array]
"""What a model gave by name, a row an instance: `label`, `probabilities` of classifiers, `variable` of regressors."""


PACKED = {np.float32: "f", np.float64: "d", np.int64: "q"}
"""How `struct` writes numpy's types, in the byte order of every machine that onnxruntime runs on.

Of standard size, it refuses a number beyond a type's range, as we do; of native size it would not.
"""


def own_contract(model: Any, backend: type[Any], contract: Contract) -> Contract:
    """The contract as a backend's model reads it best: as tuples, unless the author's own stages see the instances."""
    for stage in ("preprocess", "postprocess"):
        if getattr(getattr(model, stage), "__func__", None) is not getattr(backend, stage):
            return contract
    return contract.as_tuples(model.manifest.features, _colons)


def cells(instance: Any, features: Sequence[str]) -> Sequence[Any]:
    """An instance's values in the order of the features; an optional field that was left out is None.

    instance: the tuple itself (see `own_contract`), a mapping, an object with the fields as attributes, or the bare
    value of a single feature. That each feature is a field of the contract is certain since the bundle was made.
    """
    if type(instance) is tuple:
        return instance
    if isinstance(instance, dict | Mapping):  # an instance is a dict nearly always, and that is asked fast
        return [instance.get(name) for name in features]
    if len(features) == 1 and isinstance(instance, str | int | float):
        return [instance]
    return [getattr(instance, name) for name in features]


def rows(instances: Sequence[Any], features: Sequence[str]) -> list[Sequence[Any]]:
    """All features of all instances as plain values: a model was fitted on what an enum's members stand for."""
    made = [cells(instance, features) for instance in instances]
    if not any(issubclass(kind, Enum) for kind in set(map(type, chain.from_iterable(made)))):
        return made
    return [[value.value if isinstance(value, Enum) else value for value in row] for row in made]


def matrix(instances: Sequence[Any], features: Sequence[str], dtype: type[Any] = np.float32) -> Array:
    """All features of all instances, shape (instances, features); None becomes NaN in a float matrix.

    Raises ContractError naming each number beyond the dtype's range: as infinity it would be predicted like any other.
    """
    if dtype is object:
        return np.array(rows(instances, features), dtype)
    packed = _packed(instances, features, dtype)
    if packed is not None:
        return packed
    values = [cells(instance, features) for instance in instances]
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
        # A graph has integers for labels that are booleans or whole floats: 1 stands for True, and is equal to it.
        indices = [place[label] for label in outputs["label"].tolist()]
        rows = zip(indices, outputs["probabilities"].tolist(), strict=True)
        made = [
            {"label": labels[i], "probability": share if 0.0 < (share := row[i]) <= 1.0 else _clipped(share)}
            for i, row in rows
        ]
        return _alike(made, outputs["probabilities"], labels) if len(made) > 10 * len(labels) else made
    values = next(iter(outputs.values()))
    numbers: list[Any] = (values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values).tolist()
    return numbers


def _alike(made: list[Any], probabilities: Array, labels: list[Any]) -> list[Any]:
    """Many predictions with those that stand for all: each label with the least and the greatest probability."""
    alike = Alike(made)
    bounds = [_clipped(float(probabilities.min())), _clipped(float(probabilities.max()))]
    alike.extremes = [{"label": label, "probability": bound} for label in labels for bound in bounds]
    return alike


def _clipped(share: float) -> float:
    """A probability: in float32 the largest of some that sum to one may be a hair above it. NaN stays NaN."""
    return min(max(share, 0.0), 1.0)


def _packed(instances: Sequence[Any], features: Sequence[str], dtype: type[Any]) -> Array | None:
    """The matrix where all values are numbers in their range, as they nearly always are: numpy takes twice as long."""
    width = len(features)
    if dtype not in PACKED or not width:
        return None
    pack = _packing(PACKED[dtype], width)
    try:
        if type(instances[0]) is tuple:
            rows = [pack(*instance) for instance in instances]
        elif width == 1:
            rows = [pack(instance[features[0]]) for instance in instances]
        else:
            values = itemgetter(*features)
            rows = [pack(*values(instance)) for instance in instances]
    except (KeyError, IndexError, TypeError, struct.error, OverflowError):
        return None
    # A bytearray, so that the author's code may write to it.
    return np.frombuffer(bytearray(b"".join(rows)), dtype).reshape(-1, width)


@cache
def _packing(code: str, width: int) -> Callable[..., bytes]:
    return struct.Struct(f"<{width}{code}").pack


def _colons(text: bytes) -> int:
    if len(text) < 4096:  # below, Python counts faster
        return text.count(b":")
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == ord(":")))


def _beyond(values: Sequence[Sequence[Any]], features: Sequence[str], dtype: type[Any]) -> list[Violation]:
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
