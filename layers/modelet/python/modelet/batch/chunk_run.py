"""One run of a chunk: read, check, infer, write, and then one transaction that records it."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from modelet.batch.files import result_url
from modelet.batch.inputs.read import read_pieces
from modelet.batch.keys import KeyDigests
from modelet.batch.outputs.columns import columns_of
from modelet.batch.outputs.import_file import ImportWriter
from modelet.batch.outputs.rejected import rejected_jsonl
from modelet.batch.outputs.results import SUFFIXES, ResultFile
from modelet.batch.outputs.row import Row
from modelet.batch.outputs.together import Outputs
from modelet.batch.outputs.writer import SignedWriter
from modelet.batch.score import Scorer
from modelet.deadline import Alarm, Deadline, disarm
from modelet.errors import DeadlineError, ModeletError, RequestError, StoreError

if TYPE_CHECKING:
    from modelet.batch.chunk import Chunk
    from modelet.batch.outputs.row import Rejected
    from modelet.batch.outputs.table_writer import TableWriter
    from modelet.batch.piece import Piece
    from modelet.batch.record import BatchRecord
    from modelet.batch.score import Scored
    from modelet.batch.worker import Worker
    from modelet.observability import Timings
    from modelet.pipeline import InferencePipeline

PIECE_ROWS = (2_000, 1_000, 500, 200, 100, 50, 20, 10, 5, 2, 1)
"""Rows in memory at one time: the first that the model's `limits.max_instances` allows."""
RESERVE_S = 8.0
"""Seconds before the timeout that are kept for recording a chunk that takes too long."""
LOOK_S = 10.0
"""Seconds after which a worker looks again whether its batch was cancelled, stopped or resumed."""
MOST_REJECTED = 100_000
"""Rejected rows of one chunk that are kept; more fail the chunk, because its input is not what the model reads."""


class StopChunk(Exception):  # noqa: N818 - no error: it ends the run of a chunk
    """The chunk is not wanted any more."""


class ChunkRun:
    """One run of a chunk of a batch. until: the monotonic time of the worker's timeout; None for none."""

    def __init__(self, worker: Worker, record: BatchRecord, attempt: int, chunk: Chunk, until: float | None) -> None:
        self._worker = worker
        self._record = record
        self._attempt = attempt
        self._chunk = chunk
        self._until = until
        self._failure: ModeletError | None = None
        self._rejected: list[Rejected] = []
        self._looked = 0.0

    def run(self, timings: Timings) -> ModeletError | None:
        """Run the chunk; stop if the batch has ended or stops. Returns the error for the log, if any.

        Raises retryable errors, so that the state machine tries again.
        """
        record, batches = self._record, self._worker.batches
        if record.attempt != self._attempt or batches.should_stop(record) or not batches.begin_chunk(record):
            return None
        began = self._looked = time.monotonic()
        try:
            with Deadline(None if self._until is None else self._until - began - RESERVE_S):
                rows = self._score(timings)
        except Alarm:
            disarm()
            return self._fail(
                DeadlineError("the chunk takes longer than the worker's timeout"),
                "The chunk takes longer than the worker's timeout: start the batch with fewer chunk_rows, or raise "
                "worker.timeout_s.",
            )
        except StopChunk:
            self._leave()
            return self._failure
        except ModeletError as error:
            if error.retryable:
                self._leave()
                raise
            return self._fail(error, error.detail)
        except Exception as cause:  # noqa: BLE001 - a bug must not leave the chunk without a record
            unexpected = ModeletError.unexpected(cause)
            return self._fail(unexpected, unexpected.detail)
        counts = batches.chunk_done(
            record,
            self._chunk.number,
            self._attempt,
            rows=rows,
            failed=len({each.number for each in self._rejected}),
            seconds=time.monotonic() - began,
        )
        if not counts:
            self._leave()
        return self._failure

    def _fail(self, error: ModeletError, detail: str) -> ModeletError:
        """Record that the chunk failed, so that the map goes on."""
        problem = {**error.problem(), "detail": detail}
        self._worker.batches.chunk_failed(self._record, self._chunk.number, self._attempt, problem)
        self._leave()
        return error

    def _leave(self) -> None:
        """Record that this run writes no rows any more, and is not the one that counts as done."""
        with suppress(StoreError):  # then the last step waits for the worker's timeout, if a key repeats
            self._worker.batches.leave_chunk(self._record)

    def _look(self) -> None:
        """Read the record again. Raises StopChunk if the batch has ended, stops, or is in a later attempt."""
        try:
            record = self._worker.batches.get(self._record.model, self._record.id)
            if record.attempt != self._attempt or self._worker.batches.should_stop(record):
                raise StopChunk
        except StoreError:
            return  # the next look may succeed; only the end of the chunk must be recorded
        finally:
            self._looked = time.monotonic()

    def _score(self, timings: Timings) -> int:
        """Score all rows and write their files. Returns the number of rows with a prediction. Raises StopChunk."""
        worker, chunk, request = self._worker, self._chunk, self._record.request
        pipeline = worker.service.pipeline
        scorer = Scorer(pipeline, timings, texts=chunk.format == "csv")
        most = piece_rows(pipeline)
        digests, written = KeyDigests(), 0
        fields = pipeline.contract.field_names
        with ExitStack() as stack:
            results, table = self._results(), self._table()
            outputs = Outputs(
                stack.enter_context(results) if results else None, stack.enter_context(table) if table else None
            )
            for piece in read_pieces(chunk, request, worker.objects, rows=most, fields=fields):
                scored = scorer.score(piece)
                if time.monotonic() - self._looked >= LOOK_S:  # just before the rows are written
                    self._look()
                self._failure = scored.failure or self._failure
                rows = found_rows(piece, scored)
                refused = outputs.write(rows)
                self._set_aside(scored.rejected + refused)
                lost = {each.number for each in refused}
                rows = [row for row in rows if row.number not in lost] if lost else rows
                digests.add([row.key for row in rows], [row.number for row in rows])
                written += len(rows)
            self._look()  # what is not wanted any more must not replace the files of a later run
        files = worker.files(self._record.id)
        worker.objects.put(files.keys(chunk.number), digests.to_bytes())
        if self._rejected:
            self._rejected.sort()
            worker.objects.put(files.rejected(chunk.number), rejected_jsonl(chunk.url, self._rejected))
        return written

    def _set_aside(self, rejected: list[Rejected]) -> None:
        self._rejected += rejected
        if len(self._rejected) > MOST_REJECTED:
            first = self._rejected[0]
            raise RequestError(
                f"more than {MOST_REJECTED:,} rows of the chunk were rejected, for example row {first.number} of "
                f"{self._chunk.url}, field {first.field}: {first.reason}"
            )

    def _results(self) -> ResultFile | None:
        """Return the writer of the result file; None if the batch has none."""
        worker, request = self._worker, self._record.request
        if request.results is None:
            return None
        kinds = dict.fromkeys(request.passed, "text")
        columns = columns_of(request.key, kinds, worker.service.pipeline.contract.prediction)
        url = result_url(request.results, self._record.id, self._chunk.number, SUFFIXES[request.results_format])
        return ResultFile(worker.objects, url, request.results_format, columns)

    def _table(self) -> TableWriter | None:
        """Return the writer of the table's items; None if the batch does not write the table."""
        worker, record = self._worker, self._record
        until = record.predictions_until
        if not record.request.table:
            return None
        if record.load == "import":
            items = worker.files(record.id).items(self._chunk.number)
            return ImportWriter(worker.objects, items, record.id, expires_at=until)
        deadline = None if self._until is None else self._until - RESERVE_S
        table = worker.settings.prediction_table
        return SignedWriter(worker.dynamodb, table, record.id, expires_at=until, deadline=deadline)


def piece_rows(pipeline: InferencePipeline) -> int:
    """Return how many rows are in memory at one time."""
    return next(rows for rows in PIECE_ROWS if pipeline.allows(rows))


def found_rows(piece: Piece, scored: Scored) -> list[Row]:
    """Return the rows of a piece that have a prediction."""
    keys, passed, first = piece.keys, piece.passed, piece.first_row
    return [
        Row(keys[place], first + place, prediction, passed[place] if passed else None)
        for place, prediction in zip(scored.places, scored.predictions, strict=True)
    ]
