"""Judgement: whether what was served for a row is what the estimator says of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from differential.oracle import Said

TOLERANCE = 1e-5
"""Of a probability; of a regression relative to its size, or to the mean size of all (docs/design.md, the store)."""


@dataclass(frozen=True)
class Answer:
    """What a request for one row got: a status, and the prediction or the fields that were refused."""

    status: int
    prediction: Any = None
    fields: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True)
class Verdict:
    """kind: `equal`, `refused` (rightly), `unsayable` (the estimator says NaN), or the name of a fault."""

    kind: str
    shown: str = ""

    @property
    def is_fault(self) -> bool:
        """Whether it is a finding."""
        return self.kind not in {"equal", "refused", "unsayable"}


def judged(
    answer: Answer, readings: Sequence[Said], labels: Sequence[Any], scale: float, *, may_refuse: bool
) -> Verdict:
    """The verdict on one answer.

    readings: what the estimator says of the row, once for each way to read its values. labels: in the order of the
    probabilities, empty where there are none. scale: see TOLERANCE. may_refuse: the row lies outside the version's
    columns, or the author's own words refuse it.
    """
    said = [one for one in readings if not one.raised]
    shown = f"expected {_shown(said or readings)}, served {answer.status} {answer.prediction!r} {answer.detail}"
    if answer.status == 200:
        if any(_same(answer.prediction, one, labels, scale) for one in said):
            return Verdict("equal")
        return Verdict("wrong answer" if said else "answer where the estimator raises", shown)
    if said and all(any(not math.isfinite(number) for number in one.numbers) for one in said):
        return Verdict("unsayable")
    if answer.status != 422:
        return Verdict(f"status {answer.status}", shown)
    # Of its own number, or of the float32 next to it: where it raises for either, there is no one answer.
    if not (may_refuse or any(one.raised for one in readings)):
        return Verdict("refusal of a proper row", shown)
    # What only the estimator finds out about a row, it does not say of a field.
    is_named = answer.fields or any(one.raised for one in readings)
    return Verdict("refused") if is_named else Verdict("refusal without a field", shown)


def _same(prediction: Any, said: Said, labels: Sequence[Any], scale: float) -> bool:
    if said.parts:
        return _same_targets(prediction, said)
    if said.label is None:
        return _same_numbers(prediction, said.numbers, scale)
    if not isinstance(prediction, dict):
        return bool(prediction == said.label)
    named = prediction["cluster"] if "cluster" in prediction else prediction["label"]
    if isinstance(named, str) != isinstance(said.label, str) or (labels and named not in labels):
        return False
    place = labels.index(named) if labels else named
    near = TOLERANCE * (1.0 if said.measure == "probability" else max(scale, 1.0))
    if not _same_members(prediction, said, place, near):
        return False
    return bool(named == said.label) or _is_tie(said, place, near)


def _same_members(prediction: dict[str, Any], said: Said, place: int, near: float) -> bool:
    """Whether the numbers beside a label are those that the estimator gives, each whole where it is there."""
    is_score = said.measure == "score" and len(said.numbers) == 1
    own = said.numbers[0 if is_score else place] if place < len(said.numbers) or is_score else None
    for name in ("probability", "score"):
        if name in prediction and (own is None or abs(prediction[name] - own) > max(near, TOLERANCE * abs(own))):
            return False
    every = prediction.get("distances", list(prediction.get("probabilities", {}).values()))
    if not every:
        return True
    return len(every) == len(said.numbers) and all(
        abs(one - other) <= max(near, TOLERANCE * abs(other)) for one, other in zip(every, said.numbers, strict=True)
    )


def _is_tie(said: Said, place: int, near: float) -> bool:
    """Whether another label may stand there, because both are as likely."""
    if len(said.numbers) == 1:
        return abs(said.numbers[0]) <= 2 * near
    if len(said.numbers) < 2:
        return False
    ordered = sorted(said.numbers, reverse=said.measure != "distance")
    if said.measure != "probability":
        near = max(near, TOLERANCE * abs(ordered[0]))
    return abs(ordered[0] - ordered[1]) <= 2 * near and abs(said.numbers[place] - ordered[0]) <= 2 * near


def _same_targets(prediction: Any, said: Said) -> bool:
    """Whether each of several targets, in their order, is as the estimator says."""
    if not isinstance(prediction, dict) or len(prediction) != len(said.parts):
        return False
    for given, one in zip(prediction.values(), said.parts, strict=True):
        if given["label"] != one.label:
            return False
        if one.numbers and not _same_numbers(list(given["probabilities"].values()), one.numbers, 1.0):
            return False
    return True


def _same_numbers(prediction: Any, numbers: Sequence[float], scale: float) -> bool:
    named = list(prediction.values()) if isinstance(prediction, dict) else prediction
    given = named if isinstance(named, list) else [named]
    if len(given) != len(numbers) or not all(isinstance(number, int | float) for number in given):
        return False
    return all(
        abs(one - other) <= TOLERANCE * max(abs(other), scale) for one, other in zip(given, numbers, strict=True)
    )


def _shown(said: Sequence[Said]) -> str:
    one = said[0]
    if one.raised:
        return f"an error ({one.raised[:120]})"
    return f"{one.label!r} {one.numbers} {one.parts}" if one.label is not None else str(one.numbers)
