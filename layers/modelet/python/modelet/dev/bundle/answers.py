"""Check that the contract of a prediction accepts the default predictions of a backend."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.backends.answers import fields_of
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
SHOWN = 300
"""The most characters of an answer that an error shows."""
REMEDY = "change the prediction's type, or override postprocess"


def check_answers(app: str, manifest: Manifest, instance: Core, prediction: Core) -> None:
    """Raise CommandError if the prediction's contract rejects predictions that the backend makes.

    The prediction of several models has an answer of each that it names.
    """
    if manifest.models:
        fields = fields_of(prediction) or {}
        if foreign := sorted(fields.keys() - manifest.models.keys()):
            raise CommandError(
                f"{app}: the prediction's type has {', '.join(foreign)}, but the version has the models "
                f"{', '.join(manifest.models)}: change the prediction's type, or write decide"
            )
        for name, part in manifest.models.items() if fields else ():
            if name in fields:
                check_answers(f"{app}: {name}", part, instance, fields[name]["schema"])
        return
    contract = Contract(instance, prediction)
    between = list(_between(sorted(set(_bounds(prediction)))))
    is_open = _runs_code(prediction)
    served: dict[str, Any] = {}
    for label, asked in _possible(manifest, between):
        kept = next(filter(None, (_kept(contract, manifest, outputs) for outputs in asked)), None)
        if kept is None:
            shown = predictions(asked[0], manifest, prediction)[0]
            if unknown := _unknown(prediction, predictions(asked[0], manifest, {"type": "any"})[0]):
                raise CommandError(f"{app}: the prediction's type has {unknown}: {REMEDY}")
            what = "numbers with a fraction" if isinstance(shown, float | list) else _short(repr(shown))
            raise CommandError(
                f"{app}: the prediction's contract rejects {what}, but version {manifest.version} may "
                f"return {'them' if isinstance(shown, float | list) else 'it'}: {REMEDY}"
            )
        answer = json.loads(kept)[0]
        if is_open or label is None or not isinstance(answer, dict) or "label" not in answer:
            continue  # the author's code decides what happens to the labels
        other = served.setdefault(json.dumps(answer["label"]), label)
        if other is not label:
            raise CommandError(
                f"{app}: the prediction's contract converts both labels {other!r} and {label!r} of version "
                f"{manifest.version} to {answer['label']!r}, so that they look the same: {REMEDY}"
            )


def _unknown(prediction: Core, whole: Any) -> str:
    """Return the members that a contract needs and no answer has, and those that it has; empty if there are none."""
    fields = fields_of(prediction) or {}
    needed = [name for name, field in fields.items() if field.get("required", field["schema"]["type"] != "default")]
    unknown = [name for name in needed if isinstance(whole, dict) and name not in whole]
    return f"{', '.join(unknown)}, but the version returns {', '.join(whole)}" if unknown else ""


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _possible(manifest: Manifest, between: list[float]) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    """Yield labels, or None, each with outputs of which a contract must accept at least one.

    between: further numbers, one on each side of every bound of the contract.
    """
    info = manifest.model_info
    answer = manifest.answer or _of_older_release(info)
    if answer is None:
        return
    names, labels = answer["outputs"], info.get("labels") or [0]
    numbers = [*NUMBERS, *between]
    shares = [share for share in (*SHARES, *between) if 0 <= share <= 1]
    targets = [target.get("labels") for target in answer.get("targets", ())]
    if targets and names[0] == "label":
        width, count = sum(map(len, targets)), len(targets)
        first = np.array([[of_target[0] for of_target in targets]], object)
        yield None, [_filled(names, first, number, width, count) for number in _numbers(names, shares, numbers)]
    elif names[0] in {"label", "cluster"}:
        width = answer.get("width") or (1 if "scores" in names and len(labels) == 2 else len(labels))
        for label in labels:
            first = np.array([label], object)
            asked = [_filled(names, first, number, width, width) for number in _numbers(names, shares, numbers)]
            yield (label if names[0] == "label" else None), asked
    else:
        width = len(targets) or answer.get("width", 1)
        yield None, [{names[0]: np.full((1, width), number)} for number in numbers]


def _filled(names: list[str], first: Any, number: float, shares: int, others: int) -> dict[str, Any]:
    """Return outputs for one row: labels, and the same number everywhere else.

    shares, others: the number of columns of probabilities, and of other numbers.
    """
    widths = {"probabilities": shares, "scores": others, "distances": others}
    return {names[0]: first, **{name: np.full((1, widths[name]), number) for name in names[1:]}}


def _numbers(names: list[str], shares: list[float], numbers: list[float]) -> list[float]:
    return shares if "probabilities" in names else numbers if len(names) > 1 else [0.0]


def _of_older_release(info: dict[str, Any]) -> dict[str, Any] | None:
    """Return the answer of a version of an older release, from its task; None if a class must define it."""
    if info.get("task") == "regression":
        return {"outputs": ["variable"], "width": info.get("targets", 1)}
    is_labelled = info.get("task") == "classification" and info.get("labels")
    return {"outputs": ["label", "probabilities"]} if is_labelled else None


def _kept(contract: Contract, manifest: Manifest, outputs: dict[str, Any]) -> bytes | None:
    """Return the body of a response, or None if the request would fail."""
    try:
        made = predictions(outputs, manifest, contract.prediction)
        return contract.write_predictions(contract.check_predictions(made, 1))
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
