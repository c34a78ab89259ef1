"""The error of a failed comparison: how many rows differ, the most likely remedy, and the worst rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.dev.publish.boosting.libraries import library_of
from modelet.dev.publish.onnx.graph import line
from modelet.dev.publish.parity.edge_cases import seen_ends
from modelet.dev.publish.parity.origins import SCALERS
from modelet.dev.publish.parity.predictions import TOLERANCE, differences, estimator_answers
from modelet.dev.publish.source.parts import parts
from modelet.dev.publish.source.rows import is_missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelet.dev.publish.parity.predictions import Answers, Differences
    from modelet.dev.publish.source.rows import Rows

SHOWN = 5
"""How many of the worst rows are shown."""

SKLEARN = "or set backend: sklearn in model.yaml"

TIE = f"Two labels tie there: a forest with an odd number of trees has fewer ties, {SKLEARN}"
TOKENS = (
    r"Split text in another way (token_pattern=r'\S+' or '[a-z가-힣0-9]+', or single words), "
    f"{SKLEARN}"
)
BEYOND = (
    "Outside the examples, float32 is too coarse: give the columns bounds, so that such rows are rejected "
    f"(columns=columns_of(examples, bounded=True) in train.py), {SKLEARN}"
)
DOUBLES = (
    "The estimator itself predicts this with float32 numbers, as in graph inputs: train it on float32 and give "
    f"float32 examples (X.astype('float32')), or scale large numbers down first, {SKLEARN}"
)
INSIDE = (
    "They lie among the examples: if a column of numbers has only a few values, list them "
    f"(categories=(0.0, 1.0, 2.0) on its Column in train.py), train another kind of estimator, {SKLEARN}"
)
SCALED_TREES = (
    "Trees compare the results of earlier steps, which float32 rounds: remove the scaling, which trees do not need, "
    f"{SKLEARN}"
)
MISSING = (
    "Only rows with missing values differ: fill them before the trees (SimpleImputer), or use histogram gradient "
    f"boosting, {SKLEARN}"
)
OFFSET = (
    "A column's numbers differ only in digits that float32 does not keep: subtract a constant in Python, such as using "
    f"seconds since a recent day instead of since 1970, {SKLEARN}"
)
OTHERWISE = f"Train another kind of estimator, {SKLEARN}"


@dataclass(frozen=True)
class Comparison:
    """Rows of one kind ("held-out" or "generated"), the predictions of both for them, and their differences."""

    kind: str
    rows: Rows
    expected: Answers
    given: Answers
    found: Differences


def refusal(estimator: Any, compared: list[Comparison], scale: float) -> str:
    """Return one line with the counts and the remedy, and one for each of the worst rows, held-out rows first."""
    wrong = [each for each in compared if each.found.wrong.any()]
    counts = " and ".join(f"{each.found.wrong.sum():,} of {len(each.rows):,} {each.kind} rows" for each in wrong)
    changed = sum(int(each.found.labels.sum()) for each in wrong)
    labels = f"{changed:,} label{'s change' if changed > 1 else ' changes'}, " if changed else ""
    greatest = max(each.found.greatest for each in wrong)
    remedy = _remedy(estimator, compared, greatest, scale)
    first = (
        f"the graph and the estimator differ on {counts}: {labels}the largest difference is {greatest:.2g}. {remedy}"
    )
    return "\n".join([first, *_worst(wrong)])


def refused_row(estimator: Any, rows: Rows, index: int, error: Exception) -> str:
    """Return the error for a generated row that the estimator rejects and the graph would predict."""
    return (
        f"{type(estimator).__name__} rejects a row that the graph would accept ({line(error)}): give the columns "
        f"categories or bounds, {_acceptance(estimator, rows, index)}, {SKLEARN}\n  {rows.shown(index)}"
    )


def _acceptance(estimator: Any, rows: Rows, index: int) -> str:
    """Return how to make the estimator accept a row with a value that it does not know."""
    if rows.incomplete()[index]:
        return "set nullable=False if no value is ever missing"
    encoders = {type(part).__name__ for part in parts(estimator)} & {"OneHotEncoder", "OrdinalEncoder"}
    if encoders == {"OrdinalEncoder"}:
        return "let the encoder accept it (handle_unknown='use_encoded_value', unknown_value=-1)"
    if len(encoders) == 2:
        return (
            "let the encoders accept it (OneHotEncoder with handle_unknown='ignore', OrdinalEncoder with "
            "handle_unknown='use_encoded_value', unknown_value=-1)"
        )
    return "let the estimator accept it (handle_unknown='ignore')"


def _remedy(estimator: Any, compared: list[Comparison], greatest: float, scale: float) -> str:
    """Return the most likely remedy: the first whose cause applies."""
    held_out = compared[0]
    rows, wrong = held_out.rows, held_out.found.wrong
    only_generated = not wrong.any()
    scaled_trees = any(isinstance(part, SCALERS) for part in parts(estimator)) and _has_trees(estimator)
    remedies: tuple[tuple[Callable[[], bool], str], ...] = (
        (lambda: greatest <= TOLERANCE, TIE),
        (lambda: rows.layout == "text", TOKENS),
        (lambda: only_generated and _all_beyond(rows, compared[1:]), BEYOND),
        (lambda: not any((each.found.wrong & ~each.rows.incomplete()).any() for each in compared), MISSING),
        (lambda: only_generated and scaled_trees, SCALED_TREES),
        (lambda: only_generated, INSIDE),
        (rows.share_digits, OFFSET),
        (lambda: scaled_trees, SCALED_TREES),
        (lambda: _rounds_alike(estimator, held_out, scale), DOUBLES),
        (lambda: hasattr(estimator, "steps") and _has_trees(estimator), SCALED_TREES),
    )
    return next((remedy for applies, remedy in remedies if applies()), OTHERWISE)


def _has_trees(estimator: Any) -> bool:
    return any(hasattr(part, "tree_") or hasattr(part, "_predictors") or library_of(part) for part in parts(estimator))


def _all_beyond(held_out: Rows, generated: list[Comparison]) -> bool:
    """Return whether each wrong row has a number beyond all examples."""
    ends = {
        place: seen_ends(column._replace(minimum=None, maximum=None), held_out.column(place))
        for place, column in enumerate(held_out.columns)
        if column.type in {"number", "integer"} and not column.categories
    }
    for each in generated:
        beyond = np.zeros(len(each.rows), dtype=np.bool_)
        for place, (low, high) in ends.items() if len(each.rows) else ():
            numbers = np.array([np.nan if is_missing(v) else v for v in each.rows.column(place)], dtype=np.float64)
            beyond |= (numbers < low) | (numbers > high)
        if (each.found.wrong & ~beyond).any():
            return False
    return True


def _rounds_alike(estimator: Any, held_out: Comparison, scale: float) -> bool:
    """Return whether the estimator predicts the same as the graph if its numbers are rounded to float32."""
    rounded = estimator_answers(estimator, held_out.rows.as_float32())
    return not differences(rounded, held_out.given, scale).wrong.any()


def _worst(compared: list[Comparison]) -> list[str]:
    """Return the worst rows, starting with those whose label changes."""
    rows = [(each, index) for each in compared for index in np.flatnonzero(each.found.wrong).tolist()]
    rows.sort(key=lambda row: (row[0].found.labels[row[1]], row[0].found.numbers[row[1]]), reverse=True)
    return [
        f"  {each.kind} row {index}: estimator {each.expected.shown(index)}, graph {each.given.shown(index)}; "
        f"{each.rows.shown(index)}"
        for each, index in rows[:SHOWN]
    ]
