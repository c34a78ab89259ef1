"""One run of a chunk: read, check, infer, write, and then one transaction that records it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from modelet.batch.inputs.read import read_pieces
from modelet.batch.keys import KeyDigests
from modelet.batch.outputs.import_file import ImportWriter
from modelet.batch.outputs.items import Row
from modelet.batch.outputs.rejected import rejected_lines
from modelet.batch.outputs.results import result_file
from modelet.batch.outputs.writer import SignedWriter
from modelet.batch.files import result_url
from modelet.batch.score import Rejected, Scorer
from modelet.contract.flat import fields_of
from modelet.deadline import Alarm, Deadline, disarm
from modelet.errors import DeadlineError, ModeletError, RequestError

if TYPE_CHECKING:
    from modelet.batch.chunk import Chunk
    from modelet.batch.records import BatchRecord
    from modelet.batch.worker import Worker
    from modelet.observability import Timings

PIECE_ROWS = 2_000
"""Rows in memory at one time."""
RESERVE_S = 8.0
"""Seconds before the timeout that are kept for recording a chunk that takes too long."""


class ChunkRun:
    """One run of a chunk of a batch. until: the monotonic time of the worker's timeout; None for none."""

    def __init__(self, worker: Worker, record: BatchRecord, attempt: int, chunk: Chunk, until: float | None) -> None:
        self._worker = worker
        self._record = record
        self._attempt = attempt
        self._chunk = chunk
        self._until = until
        self._failure: ModeletError | None = None
        self.stages = {"read": 0.0, "score": 0.0, "write": 0.0}

    def run(self, timings: Timings) -> ModeletError | None:
        """Run the chunk, unless the batch has ended or stops. Returns the error for the log, if there is one.

        Raises retryable errors, so that the state machine tries again.
        """
        record, batches = self._record, self._worker.batches
        if record.state != "RUNNING" or record.attempt != self._attempt or batches.should_stop(record):
            return None
        began = time.monotonic()
        try:
            with Deadline(None if self._until is None else self._until - time.monotonic() - RESERVE_S):
                rows, rejected = self._score(timings)
        except Alarm:
            disarm()
            return self._fail(DeadlineError("the chunk takes longer than the worker's timeout"), _TOO_SLOW)
        except ModeletError as error:
            if error.retryable:
                raise
            return self._fail(error, None)
        batches.chunk_done(
            record, self._chunk.number, self._attempt, rows=rows, failed=rejected, seconds=time.monotonic() - began
        )
        return self._failure

    def _score(self, timings: Timings) -> tuple[int, int]:
        """Score all rows and write their files. Returns the numbers of written and of rejected rows."""
        worker, chunk, request = self._worker, self._chunk, self._record.request
        pipeline = worker.service.pipeline
        scorer = Scorer(pipeline, timings)
        most = next(rows for rows in (PIECE_ROWS, 1000, 500, 200, 100, 50, 20, 10, 5, 2, 1) if pipeline.allows(rows))
        writers = self._writers()
        rejected: list[Rejected] = []
        digests, rows = KeyDigests(), 0
        try:
            for piece in self._timed("read", read_pieces(chunk, request, worker.objects, rows=most, fields=_fields(pipeline))):
                moment = time.perf_counter()
                scored = scorer.score(piece)
                self._failure = scored.failure or self._failure
                rejected += scored.rejected
                passed = piece.passed
                found = [
                    Row(piece.keys[place], piece.first_row + place, prediction, passed[place] if passed else None)
                    for place, prediction in zip(scored.places, scored.predictions, strict=True)
                ]
                scored_at = time.perf_counter()
                self.stages["score"] += scored_at - moment
                rows += len(found)
                digests.add([row.key for row in found], [row.number for row in found])
                for writer in writers:
                    rejected += writer.write(found)
                self.stages["write"] += time.perf_counter() - scored_at
        except BaseException:
            for writer in writers:
                writer.abort()
            raise
        moment = time.perf_counter()
        for writer in writers:
            rejected += writer.close()
        files = worker.files(self._record.id)
        if request.table:
            worker.objects.put(files.keys(chunk.number), digests.to_bytes())
        rejected.sort(key=lambda each: each.row)
        if rejected:
            worker.objects.put(files.rejected(chunk.number), rejected_lines(chunk.url, rejected))
        self.stages["write"] += time.perf_counter() - moment
        return rows, len({each.row for each in rejected})
