"""The last row of each key that repeats in a batch, which is written once more, because chunks end in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelet.batch.chunk_run import found_rows, piece_rows
from modelet.batch.inputs.read import read_pieces
from modelet.batch.outputs.writer import SignedWriter
from modelet.batch.score import Scorer
from modelet.errors import RequestError
from modelet.observability import Timings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelet.batch.budget import Budget
    from modelet.batch.chunk import Chunk
    from modelet.batch.piece import Piece
    from modelet.batch.record import BatchRecord
    from modelet.batch.winners import Winners
    from modelet.batch.worker import Worker


def example(winners: Winners, chunks: Sequence[Chunk]) -> str:
    """Return one pair of rows with the same key, in words."""
    (first_chunk, first), (second_chunk, second) = winners.examples[0]
    return f"row {first} of {chunks[first_chunk].url} and row {second} of {chunks[second_chunk].url}"


class Rewriting:
    """Writes the last row of each key that repeats into a table. chunks: all of them. record: says where it stopped."""

    def __init__(
        self, worker: Worker, record: BatchRecord, table: str, chunks: Sequence[Chunk], winners: Winners
    ) -> None:
        self._worker = worker
        self._record = record
        self._table = table
        self._chunks = chunks
        self._winners = winners
        self._done = record.rewritten

    def run(self, budget: Budget) -> bool:
        """Write what is missing, piece by piece. Returns whether all is written; if not, call again.

        Raises RequestError if an input changed, or if the model has no prediction for a row that had one; StoreError if
        DynamoDB does not take the rows.
        """
        while self._done < self._winners.count:
            place = self._winners.chunk_of(self._done)
            if not self._write_chunk(self._chunks[place], self._winners.rows_from(self._done), budget):
                return False
        return True

    def _write_chunk(self, chunk: Chunk, rows: NDArray[np.uint64], budget: Budget) -> bool:
        """Write these rows of a chunk; it is read from its beginning, because not every format can be entered."""
        worker = self._worker
        pipeline, request = worker.service.pipeline, self._record.request
        scorer = Scorer(pipeline, Timings(), texts=chunk.format == "csv")
        fields = pipeline.contract.field_names
        pieces = read_pieces(chunk, request, worker.objects, rows=piece_rows(pipeline), fields=fields)
        for piece in pieces:
            here = int(np.searchsorted(rows, piece.first_row + len(piece.keys)))
            if not here:
                continue
            if not budget.has_room():
                return False
            self._write(chunk, piece, set(rows[:here].tolist()), scorer, budget)
            rows = rows[here:]
            self._done += here
            worker.batches.set_rewritten(self._record, self._done)
            if not len(rows):
                return True
        raise RequestError(f"{chunk.url} has no row {int(rows[0])} any more: start a new batch")

    def _write(self, chunk: Chunk, piece: Piece, wanted: set[int], scorer: Scorer, budget: Budget) -> None:
        """Score a piece as its chunk did, whole, and write the rows that are wanted."""
        rows = [row for row in found_rows(piece, scorer.score(piece)) if row.number in wanted]
        writer = SignedWriter(
            self._worker.dynamodb,
            self._table,
            self._record.id,
            expires_at=self._record.predictions_until,
            deadline=budget.end,
        )
        with writer:
            refused = writer.write(rows)
        missing = sorted(wanted - {row.number for row in rows} | {row.number for row in refused})
        if missing:
            raise RequestError(
                f"row {missing[0]} of {chunk.url}, the last one of its key, had a prediction and now has none: the "
                "model must answer a row in the same way each time; start a new batch"
            )
