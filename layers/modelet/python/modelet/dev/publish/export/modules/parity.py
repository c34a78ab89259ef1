"""Compare a graph with the module that it was made of, on many inputs; a difference refuses the export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from modelet.dev.publish.export.modules.cases import MADE_OF, cases_of
from modelet.errors import ParityError, PublishError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from modelet.dev.publish.export.modules.cases import Case
    from modelet.dev.publish.export.modules.subject import Subject

    Outputs = Sequence[NDArray[Any]]

TOLERANCE = 1e-5
"""The largest difference, as a share of the largest number of a row's output, or of the mean of all."""
MADE_TOLERANCE = 1e-3
"""The same for inputs that are made up: far from the examples, rounding grows, but another branch differs by more."""
SMALLEST = 1e-7
REMEDY = "no branch, loop or size of the module may depend on the values, on the number of rows, or on chance"


def check_repeats(subject: Subject) -> None:
    """Raise PublishError if the module gives two answers to one input, by chance or because it keeps a state."""
    feeds = {name: value[:MADE_OF] for name, value in subject.groups[0].feeds.items()}
    torch.manual_seed(1)
    first = subject.answer(feeds)
    torch.manual_seed(2)
    again = subject.answer(feeds)
    for name, one, other in zip(subject.outputs, first, again, strict=True):
        if one.dtype.kind == "f" and not np.isfinite(one).all():
            raise PublishError(f"the module's output {name} is NaN or infinite for some examples: train it again")
        if not np.array_equal(one, other):
            raise PublishError(
                f"the module's output {name} is not the same twice for the same input: remove randomness from its "
                "forward (F.dropout needs training=self.training), and what it keeps between calls"
            )


def compare(subject: Subject, run: Callable[[Mapping[str, Any]], Outputs]) -> dict[str, Any]:
    """Return the figures of a comparison. run: returns the graph's outputs for its inputs. Raises ParityError."""
    sizes = dict.fromkeys(subject.outputs, SMALLEST)
    greatest, rows, count, skipped = {True: 0.0, False: 0.0}, 0, 0, 0
    batches: set[int] = set()
    shapes: set[tuple[tuple[int, ...], ...]] = set()
    for case in cases_of(subject.groups, subject.sizes):
        try:
            expected = subject.answer(case.feeds)
        except Exception as error:  # the module may refuse what was made up, but not the examples
            if case.is_example:
                raise PublishError(f"the module raises {type(error).__name__} for {case.title}: {error}") from error
            skipped += 1
            continue
        found = _run(run, case, expected)
        for name, one in zip(subject.outputs, expected, strict=True):
            sizes[name] = max(sizes[name], _mean(one)) if case.is_example else sizes[name]
        difference = _compared(subject, case, expected, found, sizes)
        greatest[case.is_example] = max(greatest[case.is_example], difference)
        _check_alone(subject, case, found, run, sizes)
        size = len(next(iter(case.feeds.values())))
        rows, count = rows + size, count + 1
        batches.add(size)
        shapes.add(tuple(value.shape[1:] for value in case.feeds.values()))
    return {
        "compared_with": f"torch {torch.__version__}",
        "rows": rows,
        "inputs": count,
        "inputs_that_the_module_refuses": skipped,
        "batches": sorted(batches),
        "shapes": sorted([list(shape) for shape in each] for each in shapes)[:20],
        "greatest_difference": greatest[True],
        "greatest_difference_of_made_inputs": greatest[False],
        "tolerance": TOLERANCE,
        "tolerance_of_made_inputs": MADE_TOLERANCE,
        "alone_as_together": True,
    }


def _run(run: Any, case: Case, expected: Outputs) -> Outputs:
    try:
        found: Outputs = run(case.feeds)
    except Exception as error:  # onnxruntime's errors have no common base class
        said = " ".join(str(error).split())[:200]
        raise ParityError(f"the graph fails for {case.title}, and the module does not ({said}): {REMEDY}") from error
    for one, other in zip(expected, found, strict=True):
        if one.shape != other.shape:
            raise ParityError(
                f"the graph's output has shape {other.shape} for {case.title}, the module's {one.shape}: {REMEDY}"
            )
    return found


def _compared(subject: Subject, case: Case, expected: Outputs, found: Outputs, sizes: Mapping[str, float]) -> float:
    """Return the greatest difference. Raises ParityError that shows the first row that differs."""
    greatest = 0.0
    for name, one, other in zip(subject.outputs, expected, found, strict=True):
        difference = differences(one, other, max(sizes[name], _mean(one)))
        wrong = np.flatnonzero((difference > _tolerance(case)).reshape(len(one), -1).any(axis=1))
        if len(wrong):
            row = int(wrong[0])
            raise ParityError(
                f"the graph differs from torch in {name}, for {len(wrong)} of {len(one)} rows: {case.title}; {REMEDY}. "
                f"Row {row}: torch {_shown(one[row])}, the graph {_shown(other[row])}; input {_input(case, row)}"
            )
        greatest = max(greatest, float(difference.max(initial=0.0)))
    return greatest


def _check_alone(subject: Subject, case: Case, found: Outputs, run: Any, sizes: Mapping[str, float]) -> None:
    """Raise ParityError if a row's prediction depends on the other rows."""
    count = len(next(iter(case.feeds.values())))
    for row in range(count) if 1 < count <= MADE_OF else ():
        alone = run({name: value[row : row + 1] for name, value in case.feeds.items()})
        for name, one, other in zip(subject.outputs, found, alone, strict=True):
            together = one[row : row + 1]
            if other.shape != together.shape or _differ(together, other, sizes[name], case):
                raise ParityError(
                    f"the output {name} of a row depends on the other rows of its request: {case.title}, row {row}, "
                    f"together {_shown(together[0])}, alone {_shown(other[0])}: compute each row by itself (in "
                    "evaluation mode, without a mean or a condition over the first dimension)"
                )


def _tolerance(case: Case) -> float:
    return TOLERANCE if case.is_example else MADE_TOLERANCE


def _differ(one: NDArray[Any], other: NDArray[Any], size: float, case: Case) -> bool:
    return bool((differences(one, other, size) > _tolerance(case)).any())


def differences(one: NDArray[Any], other: NDArray[Any], size: float) -> NDArray[Any]:
    """Return differences as shares of the largest number of each row, or of `size`; infinite if labels differ."""
    if one.dtype.kind != "f":
        return np.where(one == other, 0.0, np.inf)
    wide, found = one.astype(np.float64), other.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        largest = np.abs(wide).reshape(len(wide), -1).max(axis=1, initial=size)
        share = np.abs(wide - found) / largest.reshape(-1, *[1] * (wide.ndim - 1))
    same = (wide == found) | (np.isnan(wide) & np.isnan(found))
    return np.where(same, 0.0, np.where(np.isfinite(share), share, np.inf))


def _mean(values: NDArray[Any]) -> float:
    finite = np.abs(values[np.isfinite(values)], dtype=np.float64) if values.dtype.kind == "f" else np.zeros(0)
    return float(finite.mean()) if finite.size else SMALLEST


def _input(case: Case, row: int) -> str:
    return ", ".join(f"{name} {_shown(value[row])}" for name, value in case.feeds.items())


def _shown(values: Any) -> str:
    text = np.array2string(np.asarray(values), precision=6, threshold=8, edgeitems=3, separator=", ")
    return " ".join(text.split())[:200]
