"""Keys that repeat in the input of a batch: found after all chunks are done, then refused, or the last row wins."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from modelet.batch.chunk_run import found_rows, piece_rows
from modelet.batch.inputs.read import read_pieces
from modelet.batch.keys import Repeated, find_repeated
from modelet.batch.outputs.writer import SignedWriter
from modelet.batch.score import Scorer
from modelet.observability import Timings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelet.batch.chunk import Chunk
    from modelet.batch.record import BatchRecord
    from modelet.batch.worker import Worker


def find_repeats(worker: Worker, record: BatchRecord, chunks: Sequence[Chunk]) -> Repeated:
    """Return the rows of a batch whose key a later row has as well."""
    files = worker.files(record.id)
    return find_repeated([(chunk.number, files.keys(chunk.number)) for chunk in chunks], worker.objects.read)


def example(repeated: Repeated, chunks: Sequence[Chunk]) -> str:
    """Return one pair of rows with the same key, in words."""
    urls = {chunk.number: chunk.url for chunk in chunks}
    (first_chunk, first), (second_chunk, second) = repeated.examples[0]
    return f"row {first} of {urls[first_chunk]} and row {second} of {urls[second_chunk]}"


def rewrite_winners(
    worker: Worker,
    record: BatchRecord,
    chunks: Sequence[Chunk],
    repeated: Repeated,
    table: str,
    until: float | None,
) -> bool:
    """Score the last row of each repeated key once more and write it, because chunks end in any order.

    until: the monotonic time at which to stop. Returns whether all are written; another call starts again.
    """
    winners: dict[int, set[int]] = {}
    for number, row in repeated.places.tolist():
        winners.setdefault(number, set()).add(row)
    pipeline = worker.service.pipeline
    for chunk in chunks:
        if chunk.number not in winners:
            continue
        if until is not None and time.monotonic() > until:
            return False
        wanted = winners[chunk.number]
        scorer = Scorer(pipeline, Timings(), texts=chunk.format == "csv")
        fields = pipeline.contract.field_names
        expires = record.predictions_until
        with SignedWriter(worker.dynamodb, table, record.id, expires_at=expires, deadline=until) as writer:
            for piece in read_pieces(chunk, record.request, worker.objects, rows=piece_rows(pipeline), fields=fields):
                if any(piece.first_row + place in wanted for place in range(len(piece.keys))):
                    rows = found_rows(piece, scorer.score(piece))
                    writer.write([row for row in rows if row.number in wanted])
    return True
