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
from modelet.errors import ModeletError, RequestError, ServingError

if TYPE_CHECKING:
    from modelet.batch.record import BatchRecord, State
    from modelet.batch.worker import Worker

LOADING: tuple[State, ...] = ("FINISHING", "LOADING")
RESERVE_S = 60.0
"""Seconds before the worker's timeout from which on the rest is left to the next call; a quarter of a short one."""


class Finish:
    """One call of the last step. remaining: seconds until the worker's timeout; None for none."""

    def __init__(self, worker: Worker, record: BatchRecord, remaining: float | None) -> None:
        self._worker = worker
        self._record = record
        reserve_s = min(RESERVE_S, (remaining or 0) / 4)
        self._until = None if remaining is None else time.monotonic() + remaining - reserve_s

    def run(self, cause: Any) -> tuple[str, ModeletError | None]:
        """Finish the batch as far as time allows. Returns its state, and the error for the log.

        cause: the error that ended the plan, the map or an earlier call; None for none. Every part can be repeated: the
        state machine calls again after an error that may pass, and while the state is LOADING.
        """
        record, batches = self._record, self._worker.batches
        if record.state in {"PLANNING", "RUNNING"}:
            problem = self._problem(cause)
            batches.set_state(record, (record.state,), "FAILED" if problem else "FINISHING", problem=problem)
            record = self._record = batches.get(record.model, record.id)
        elif cause is not None and record.state in LOADING:
            given_up = RequestError(
                f"the predictions could not be loaded ({_name(cause)}): `modelet batch resume` does"
            )
            batches.set_state(record, LOADING, "FAILED", problem=given_up.problem())
            record = self._record = batches.get(record.model, record.id)
        if record.state in LOADING:
            try:
                if not self._load():
                    batches.set_state(record, ("FINISHING",), "LOADING")
                    return "LOADING", None
                batches.set_state(record, LOADING, "DONE")
            except FileNotFoundError as missing:
                gone = RequestError(f"a file of the batch is gone: {missing}; start a new batch")
                batches.set_state(record, LOADING, "FAILED", problem=gone.problem())
            except ModeletError as error:
                if error.retryable:
                    raise
                batches.set_state(record, LOADING, "FAILED", problem=error.problem())
            record = self._record = batches.get(record.model, record.id)
        failure = None
        if record.state in ENDED and not record.notified:
            failure = announce(self._worker, record)
            batches.set_notified(record)
        is_through, trouble = self._retire()
        return (record.state if is_through else "LOADING"), failure or trouble

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
            return RequestError(f"the batch could not be planned ({_name(cause)}): resume it").problem()
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
                "keys unique, or set batch.duplicates to `last`, deploy, and start a new batch"
            )
        if repeats.total and not rewrite_winners(worker, record, chunks, repeats, table, self._until):
            return False
        worker.batches.set_repeated(record, repeats.total)
        worker.generations.switch(
            record.model,
            record.id,
            table,
            rows=record.rows_done - repeats.total,
            since=int(time.time()),
            until=record.predictions_until,
        )
        return True

    def _retire(self) -> tuple[bool, ModeletError | None]:
        """Delete generations that nobody can read any more. Returns whether this was the last call, and an error.

        The batch is done, whatever happens here: what is left is deleted after the next one.
        """
        if self._record.state != "DONE" or not self._record.request.table:
            return True, None
        try:
            return retire(self._worker, self._record, self._until), None
        except ModeletError as error:
            return True, ServingError(f"old predictions were not deleted: {error}")


def _name(cause: Any) -> str:
    """Return the name of a state machine's error."""
    return str(cause.get("Error")) if isinstance(cause, dict) and cause.get("Error") else "the worker ended"
