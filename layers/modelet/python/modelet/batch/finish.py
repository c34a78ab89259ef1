"""The last step of a batch: check that every chunk is done, load the table, switch the generation, tell the world."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from modelet.batch.imports import Import
from modelet.batch.notice import announce
from modelet.batch.plan import from_lines
from modelet.batch.record import ENDED
from modelet.batch.repeats import example, find_repeats, rewrite_winners
from modelet.batch.retire import retire
from modelet.errors import RequestError, StoreError

if TYPE_CHECKING:
    from modelet.batch.record import BatchRecord
    from modelet.batch.worker import Worker

RESERVE_S = 60.0
"""Seconds before the worker's timeout from which on the rest is left to the next call."""


class Finish:
    """One call of the last step. until: the monotonic time of the worker's timeout; None for none."""

    def __init__(self, worker: Worker, record: BatchRecord, until: float | None) -> None:
        self._worker = worker
        self._record = record
        self._until = None if until is None else until - RESERVE_S

    def run(self, cause: Any) -> dict[str, Any]:
        """Finish the batch as far as time allows. cause: the error that ended the plan or the map; None for none.

        Every part can be repeated: the state machine calls again after an error, and while the state is LOADING.
        """
        record, batches = self._record, self._worker.batches
        if record.state in {"RUNNING", "PLANNING"}:
            problem = self._problem(cause)
            if problem is not None:
                batches.set_state(record, (record.state,), "FAILED", problem=problem)
            else:
                batches.set_state(record, ("RUNNING",), "FINISHING")
            record = self._record = batches.get(record.model, record.id)
        if record.state in {"FINISHING", "LOADING"}:
            try:
                is_done = self._load()
            except RequestError as error:
                batches.set_state(record, ("FINISHING", "LOADING"), "FAILED", problem=error.problem())
                is_done = True
            else:
                if is_done:
                    batches.set_state(record, ("FINISHING", "LOADING"), "DONE")
            if not is_done:
                return {"state": "LOADING"}
            record = self._record = batches.get(record.model, record.id)
        if record.state in ENDED and not record.notified:
            announce(self._worker, record)
            batches.set_notified(record)
        if record.state == "DONE" and record.request.table and not self._retire():
            return {"state": "LOADING"}
        return {"state": record.state}

    def _problem(self, cause: Any) -> dict[str, Any] | None:
        """Return why the batch cannot be finished; None if it can."""
        record, batches = self._record, self._worker.batches
        if (reason := record.stopped or record.rejection()) is not None:
            return RequestError(reason).problem()
        done = len(batches.done_numbers(record))
        if record.chunks and done == record.chunks:
            empty = RequestError("the inputs have no rows: nothing was scored, and the active generation stays")
            return None if record.rows else empty.problem()
        if not record.chunks:
            return StoreError("the batch could not be planned").problem() | {"cause": cause}
        missing = record.chunks - done
        return RequestError(
            f"{missing} of {record.chunks} chunks did not finish: `modelet batch status` shows their errors, and "
            "`modelet batch resume` runs them again"
        ).problem()

    def _load(self) -> bool:
        """Make the predictions visible. Returns whether it is done; if not, call again."""
        worker, record = self._worker, self._record
        if not record.request.table:
            return True
        table = worker.settings.prediction_table
        if record.load == "import":
            loading = Import(worker, record)
            table = loading.table
            if not loading.is_complete():
                return False
        chunks = from_lines(worker.objects.read(worker.files(record.id).plan))
        repeats = find_repeats(worker, record, chunks)
        if repeats.total and worker.settings.duplicates == "refuse":
            raise RequestError(
                f"{repeats.total} rows repeat the key of another row, for example {example(repeats, chunks)}: make the "
                "keys unique, or set batch.duplicates to `last`"
            )
        if repeats.total and not rewrite_winners(worker, record, chunks, repeats, table, self._until):
            return False
        worker.batches.set_repeated(record, repeats.total)
        worker.generations.switch(
            record.model, record.id, table, rows=record.rows_done - repeats.total, since=int(time.time())
        )
        return True

    def _retire(self) -> bool:
        """Delete generations that nobody can read any more. Returns whether that is done."""
        return retire(self._worker, self._record.model, self._until)
