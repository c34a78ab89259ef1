"""Score the rows of a piece: the contract checks each row, the pipeline predicts, and bad rows are set aside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from modelet.batch.cells import Cells
from modelet.batch.outputs.row import Rejected
from modelet.contract.contract import Checked
from modelet.contract.ids import identified
from modelet.errors import ContractError, ModelError, PredictionError
from modelet.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from modelet.batch.piece import Piece
    from modelet.contract.contract import Contract
    from modelet.observability import Timings
    from modelet.pipeline import InferencePipeline

MAX_FAILING_CALLS = 2_000
"""The most calls of a failing model in the search for the rows of a piece on which it fails."""
UNREADABLE = "unreadable"
MODEL_FAILED = "model_failed"


class Scored(NamedTuple):
    """The rows of a piece after scoring.

    places: the places in the piece of the rows with a prediction. predictions: theirs, as JSON values. rejected: the
    other rows, in no order. failure: the last error that the author's code raised; its rows are rejected.
    """

    places: list[int]
    predictions: list[Any]
    rejected: list[Rejected]
    failure: ModelError | PredictionError | None


class Scorer:
    """Scores pieces with one model. timings: the times of the last piece. texts: whether all columns are texts."""

    def __init__(self, pipeline: InferencePipeline, timings: Timings, *, texts: bool = False) -> None:
        self._pipeline = pipeline
        self._contract: Contract = pipeline.contract
        self._timings = timings
        self._cells = Cells(pipeline.contract.instance) if texts else None

    def score(self, piece: Piece) -> Scored:
        """Score a piece. Raises ModelError if the model fails on more rows than are worth searching for."""
        readable = [place for place in range(len(piece.keys)) if place not in piece.failed]
        rejected = [
            Rejected(piece.first_row + place, piece.keys[place], field, reason, UNREADABLE)
            for place, (field, reason) in sorted(piece.failed.items())
        ]
        checked = self._check(piece, readable)
        for index, violations in self._complete(piece, readable, checked):
            place = readable[index]
            first = violations[0]
            reason = first.message if len(violations) == 1 else f"{first.message} ({len(violations) - 1} more)"
            row = piece.first_row + place
            rejected.append(Rejected(row, piece.keys[place], first.field or None, reason, first.rule))
        valid = [place for index, place in enumerate(readable) if index not in checked.failed]
        places: list[int] = []
        predictions: list[Any] = []
        failure: ModelError | PredictionError | None = None
        for part, found, error in self._predict(valid, checked.instances):
            if error is None:
                places += part
                predictions += found
            else:
                if not isinstance(error, ContractError):
                    failure = error
                for place, reason, field in zip(part, *_reasons(error, len(part)), strict=True):
                    row = piece.first_row + place
                    rejected.append(Rejected(row, piece.keys[place], field, reason, MODEL_FAILED))
        if (ids := getattr(checked, "ids", None)) is not None:  # of a model with `id:`
            of = dict(zip(readable, ids.values, strict=True))
            predictions = [
                identified(ids.field, of[place], each) for place, each in zip(places, predictions, strict=True)
            ]
        return Scored(places, predictions, rejected, failure)

    def _check(self, piece: Piece, readable: list[int]) -> Checked:
        """Validate the rows that could be read."""
        if not readable:
            return Checked([], 0)
        is_whole = len(readable) == len(piece.keys)
        if piece.rows is not None:
            return self._contract.check_rows(piece.rows if is_whole else [piece.rows[place] for place in readable])
        columns = piece.columns or {}
        if not is_whole:
            columns = {name: [values[place] for place in readable] for name, values in columns.items()}
        if self._cells is not None:
            columns = self._cells.convert(columns)
        return self._contract.check_columns(columns, partial=True)

    def _complete(self, piece: Piece, readable: list[int], checked: Checked) -> Iterator[tuple[int, list[Violation]]]:
        """Return every bad row with its violations; the contract lists only the first hundred of a request."""
        unlisted = [index for index, violations in checked.failed.items() if not violations]
        yield from ((index, violations) for index, violations in checked.failed.items() if violations)
        for index in unlisted:
            again = self._check(piece, [readable[index]])
            yield index, again.failed.get(0) or [Violation(None, "", "the row violates the contract", "contract")]

    def _predict(
        self, places: list[int], instances: list[Any]
    ) -> Iterator[tuple[list[int], list[Any], ModelError | PredictionError | ContractError | None]]:
        """Return parts of the rows with their predictions, or single rows with the error that they cause."""
        waiting, failing_calls = [(places, instances)], 0
        while waiting:
            part, rows = waiting.pop()
            if not part:
                continue
            # Copied, because the author's code may change the list.
            checked = Checked(list(rows), len(rows))
            try:
                inference = self._pipeline.infer(checked, self._timings, partial=True)
                predictions = self._contract.plain_predictions(inference.predictions)
            except (ModelError, PredictionError, ContractError) as error:
                failing_calls += 1
                if len(part) == 1:
                    yield part, [], error
                    continue
                if failing_calls > MAX_FAILING_CALLS:
                    raise
                middle = len(part) // 2
                waiting += [(part[middle:], rows[middle:]), (part[:middle], rows[:middle])]
                continue
            good = [place for index, place in enumerate(part) if index not in inference.failed]
            yield good, predictions, None
            for index, violations in inference.failed.items():
                yield [part[index]], [], ContractError(violations or [Violation(None, "", "is rejected", "contract")])


def _reasons(error: Exception, count: int) -> tuple[Iterable[str], Iterable[str | None]]:
    """Return the reason and the field of rows that an error rejects; an exception's text is never shown."""
    if isinstance(error, ContractError):
        first = error.violations[0]
        return [first.message] * count, [first.field or None] * count
    kind = "The model failed on this row" if isinstance(error, ModelError) else "The prediction is invalid"
    return [f"{kind}; the worker's log has the cause"] * count, [None] * count
