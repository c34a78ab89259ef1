"""Cases: one fitted estimator, the table that it was fitted on, held-out rows, and the contracts that ask for it."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline

from differential import boosting, columns
from differential.columns import Chance, ColumnKind
from differential.contracts import KINDS as CONTRACTS
from differential.contracts import ContractKind
from differential.draws import drawn
from differential.estimators import PREDICTORS, STEPS, Learns, Predictor, Takes
from differential.preparing import preparations
from differential.table import Table
from differential.texts import LEARNERS, vectorizers
from modelet.dev.publish.onnx.kinds import EXACT

FITTED, HELD_OUT = 90, 60
"""Rows to fit on, and rows that prove the version."""

TRIES = 20
"""How many estimators are tried for a seed: some refuse what the columns' kinds happen to be."""

TEXT_SHARE = 8
"""One case of so many is of texts."""

MOMENT_SHARE = 5
"""One mixed case of so many has a column of datetimes or dates, which no graph takes."""

TURNS = [step for step in STEPS for _ in range(2 if step.name in EXACT else 1)]
"""The first step of a pipeline; those whose graphs are exact have two turns."""

SECONDS = [step for step in TURNS if step.takes == "any"]
"""The second step: what takes whatever numbers the first one makes."""

Backend = Literal["onnx", "lightgbm", "xgboost", "catboost", "sklearn"]

NUMERIC = {
    "any": columns.NUMBERS,
    "gaps": columns.GAPS,
    "positive": columns.POSITIVES,
    "count": columns.COUNTS,
    "one": columns.named("real"),
    "categories": columns.CATEGORIES,
}
"""The kinds of columns that an estimator takes as they are, by what it takes."""


@dataclass(frozen=True)
class Plan:
    """What is to be fitted on what."""

    name: str
    estimator: Any
    learns: Learns
    table: Table
    held_out: Table
    labels: str
    classes: int
    backend: Backend
    bounded: bool
    contracts: tuple[ContractKind, ...]


@dataclass(frozen=True)
class Case:
    """A plan whose estimator is fitted, and its seed."""

    seed: int
    plan: Plan
    estimator: Any

    @classmethod
    def of(cls, seed: int) -> Case:
        """The case of a seed. Raises RuntimeError where none of its estimators can be fitted."""
        for attempt in range(TRIES):
            plan = drawn(plans(seed), seed + (attempt << 32))
            try:
                return cls(seed, plan, fitted(plan))
            except Exception:  # noqa: BLE001 - an estimator that refuses its rows is no case
                continue
        raise RuntimeError(f"seed {seed}: no estimator could be fitted: widen what case.py draws")


@st.composite
def plans(draw: st.DrawFn, seed: int) -> Plan:
    """Plans. The seed alone says which predictor it is, so that all of them have their turn."""
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if seed < boosting.FIRST and seed % TEXT_SHARE == 0:
        return _of_texts(draw, LEARNERS[(seed // TEXT_SHARE) % len(LEARNERS)], chance)
    turn, known = seed - seed // TEXT_SHARE - 1, PREDICTORS
    if seed >= boosting.FIRST:
        turn, known = seed - boosting.FIRST, boosting.BOOSTERS
    predictor = known[turn % len(known)]
    takes: Takes = predictor.takes
    layout = draw(st.sampled_from(["array", "array", "frame", "mixed", "mixed"]))
    if takes == "categories":
        layout = "frame"
    if layout == "mixed" and predictor.is_open:
        return _of_mixed(draw, predictor, chance, seed)
    steps = []
    if predictor.is_open and (count := draw(st.sampled_from([0, 1, 2, 2]))):
        first = TURNS[(turn + turn // len(known)) % len(TURNS)]
        steps, takes = [first, *(draw(st.sampled_from(SECONDS)) for _ in range(count - 1))], first.takes
    kinds = list(NUMERIC[takes])
    width = 1 if takes == "one" else draw(st.integers(2, 5))
    if layout == "array":
        chosen = [draw(st.sampled_from(kinds))] * width
        dtype = chosen[0].dtype if chosen[0].dtype in {"float32", "int64", "int8"} and takes != "gaps" else "float64"
    else:
        chosen, dtype = [draw(st.sampled_from(kinds)) for _ in range(width)], ""
    names = draw(_names(width)) if layout != "array" else [f"x{place}" for place in range(width)]
    estimator = make_pipeline(*(step.made() for step in steps), predictor.made()) if steps else predictor.made()
    tables = _tables("array" if layout == "array" else "frame", names, chosen, chance, dtype)
    return _plan(draw, predictor.name, estimator, predictor.learns, tables)


def _of_texts(draw: st.DrawFn, learner: Predictor, chance: Chance) -> Plan:
    if draw(st.integers(0, 2)) == 0:
        kinds = [draw(st.sampled_from(columns.TEXTS)), draw(st.sampled_from(columns.POSITIVES))]
        if draw(st.booleans()):
            kinds.append(columns.KINDS["word"])
        names = draw(_names(len(kinds)))
        estimator = make_pipeline(draw(preparations(names, kinds)), learner.made())
        tables = _tables("frame", names, kinds, chance, "")
        return _plan(draw, learner.name, estimator, learner.learns, tables)
    estimator = make_pipeline(draw(vectorizers())(), learner.made())
    tables = _tables("texts", ["text"], [columns.KINDS["text"]], chance, "")
    return _plan(draw, learner.name, estimator, learner.learns, tables)


def _of_mixed(draw: st.DrawFn, predictor: Predictor, chance: Chance, seed: int) -> Plan:
    kinds = [draw(st.sampled_from(columns.EVERY)) for _ in range(draw(st.integers(2, 6)))]
    if seed % MOMENT_SHARE == 0:
        kinds.append(columns.MOMENTS[(seed // MOMENT_SHARE) % len(columns.MOMENTS)])
    names = draw(_names(len(kinds)))
    estimator = make_pipeline(draw(preparations(names, kinds)), predictor.made())
    return _plan(draw, predictor.name, estimator, predictor.learns, _tables("frame", names, kinds, chance, ""))


@st.composite
def _names(draw: st.DrawFn, count: int) -> list[str]:
    return draw(st.lists(st.sampled_from(columns.NAMES), min_size=count, max_size=count, unique=True))


def _tables(
    layout: Any, names: Sequence[str], kinds: Sequence[ColumnKind], chance: Chance, dtype: str
) -> tuple[Table, Table]:
    whole = Table.made(layout, names, kinds, FITTED + HELD_OUT, chance, dtype)
    return whole.part(slice(0, FITTED)), whole.part(slice(FITTED, None))


def _plan(draw: st.DrawFn, name: str, estimator: Any, learns: Learns, tables: tuple[Table, Table]) -> Plan:
    others = st.lists(st.sampled_from(CONTRACTS[1:]), min_size=2, max_size=2, unique_by=lambda kind: kind.name)
    return Plan(
        name,
        estimator,
        learns,
        *tables,
        labels=draw(st.sampled_from(["text", "text", "whole", "flag"])),
        classes=draw(st.integers(2, 3)),
        backend="sklearn" if draw(st.sampled_from([0, 0, 0, 1])) else "onnx",
        bounded=draw(st.booleans()),
        contracts=(CONTRACTS[0], *draw(others)),
    )


def fitted(plan: Plan) -> Any:
    """The plan's estimator, fitted; it predicts its held-out rows. Raises what the estimator raises."""
    answer = answers(plan)
    given = [plan.table.data] if answer is None else [plan.table.data, answer]
    estimator = plan.estimator.fit(*given)
    estimator.predict(plan.held_out.data)
    return estimator


def answers(plan: Plan) -> Any:
    """What the estimator learns of each row: a rough sum of its cells."""
    scores = np.array([math.fsum(map(_weight, range(len(row)), row)) for row in plan.table.rows])
    spread = (scores - scores.mean()) / (scores.std() or 1.0)
    halves = (spread > np.median(spread)).astype(int)
    learnt: dict[Learns, Any] = {
        "nothing": None,
        "number": 3.0 * spread + 10.0,
        "positive": np.exp(spread / 2),
        "numbers": np.column_stack([spread, 1.0 - 2.0 * spread + np.sin(scores)]),
        "sets": np.column_stack([halves, (np.sin(scores) > 0).astype(int)]),
        "two": _labels(plan, halves),
        "labels": _labels(plan, halves if plan.classes == 2 else np.digitize(spread, np.quantile(spread, [0.4, 0.7]))),
    }
    return learnt[plan.learns]


def _labels(plan: Plan, places: Any) -> Any:
    if plan.labels == "flag":
        return places > 0
    return np.array(["no", "yes", "좋아요"])[places] if plan.labels == "text" else places


def _weight(place: int, cell: Any) -> float:
    """What a cell adds: numbers by their size, words and phrases by their letters, missing ones a little."""
    if cell is None:
        return 0.3
    if isinstance(cell, str):
        return sum(zlib.crc32(word.encode()) % 7 - 3.0 for word in cell.split()) / 3
    return math.atan(float(cell)) * (1.0 + place)
