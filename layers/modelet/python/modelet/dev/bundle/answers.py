"""Check that the contract of a prediction accepts the default predictions of a backend."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.backends.outputs import predictions
from modelet.contract.contract import Contract
from modelet.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelet.contract.schema import Core
    from modelet.store.manifest import Manifest

PART = 0.3712893044948578
"""A typical fraction: not a multiple of a type's step, and with more digits than a type with limited digits allows."""
SHARES = (0.5 + PART, PART, 0.25 + PART, 0.01 * PART, 1 - 0.01 * PART)
"""Possible probabilities. A contract must accept at least one of them for each label, whatever its bounds."""
NUMBERS = (PART, -PART, 12 + PART, 150 + PART, 2_000 + PART, -12 - PART, 1e6 + PART, -1e6 - PART)
"""Possible predictions of a regressor. A contract must accept at least one of them, whatever its bounds."""
REMEDY = "change the prediction's type, or override postprocess"


def check_answers(app: str, manifest: Manifest, instance: Core, prediction: Core) -> None:
    """Raise CommandError if the prediction's contract rejects predictions that the backend makes."""
    contract, info = Contract(instance, prediction), manifest.model_info
    between = list(_between(sorted(set(_bounds(prediction)))))
    if info.get("task") == "regression":
        targets = info.get("targets", 1)
        asked = ({"variable": np.full((1, targets), number)} for number in (*NUMBERS, *between))
        if not any(_kept(contract, manifest, outputs) for outputs in asked):
            raise CommandError(
                f"{app}: the prediction's contract rejects numbers with a fraction, but version {manifest.version} "
                f"may return them: {REMEDY}"
            )
    labels = info.get("labels") if info.get("task") == "classification" else None
    shares = [np.full((1, len(labels or ())), share) for share in (*SHARES, *between) if 0 <= share <= 1]
    served: dict[str, Any] = {}
    is_open = _runs_code(prediction)
    for label in labels or ():
        made = [{"label": np.array([label], object), "probabilities": share} for share in shares]
        kept = next(filter(None, (_kept(contract, manifest, outputs) for outputs in made)), None)
        if kept is None:
            shown = predictions(made[0], manifest)[0]
            raise CommandError(
                f"{app}: the prediction's contract rejects {shown!r}, but version {manifest.version} may "
                f"return it: {REMEDY}"
            )
        answer = json.loads(kept)[0]
        if is_open or not isinstance(answer, dict) or "label" not in answer:
            continue  # the author's code decides what happens to the labels
        other = served.setdefault(json.dumps(answer["label"]), label)
        if other is not label:
            raise CommandError(
                f"{app}: the prediction's contract converts both labels {other!r} and {label!r} of version "
                f"{manifest.version} to {answer['label']!r}, so that they look the same: {REMEDY}"
            )


def _kept(contract: Contract, manifest: Manifest, outputs: dict[str, Any]) -> bytes | None:
    """Return the body of a response, or None if the request would fail."""
    try:
        return contract.write_predictions(contract.check_predictions(predictions(outputs, manifest), 1))
    except Exception:  # noqa: BLE001 - the author's validators may raise any error; a request would fail too
        return None


def _between(ends: list[float]) -> Iterator[float]:
    """Yield a number on each side of every bound."""
    if ends:
        yield ends[0] - PART * max(1, abs(ends[0]))
        yield ends[-1] + PART * max(1, abs(ends[-1]))
    for low, high in pairwise(ends):
        yield low + PART * (high - low)


def _bounds(node: Any) -> Iterator[float]:
    """Yield all numeric bounds in a core schema."""
    for one in _nodes(node):
        function = one["function"].get("function") if isinstance(one.get("function"), dict) else None
        for said in (one, function.keywords if isinstance(function, partial) else {}):
            for name in ("ge", "gt", "le", "lt"):
                if isinstance(said.get(name), int | float | Decimal) and math.isfinite(said[name]):
                    yield float(said[name])


def _runs_code(core: Core) -> bool:
    """Return whether the schema calls functions, which may change a value in any way."""
    return any(str(node.get("type")).startswith("function-") for node in _nodes(core))


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Yield all mappings in a core schema."""
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list | tuple) else ():
        yield from _nodes(child)
