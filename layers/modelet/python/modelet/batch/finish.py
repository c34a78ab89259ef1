"""The last step of a batch: check that every chunk is done and how keys repeat, load the table, switch the generation.

Each call does as much as its time allows, keeps what it did, and asks to be called again.
"""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

from modelet.batch.budget import Budget
from modelet.batch.files import read_file
from modelet.batch.imports import Import
from modelet.batch.key_check import KeyCheck
from modelet.batch.notice import complete, publish
from modelet.batch.plan import from_lines
from modelet.batch.record import ENDED, LOADING
from modelet.batch.repeats import Rewriting, example
from modelet.batch.retire import retire
from modelet.errors import ModelError, ModeletError, RequestError, ServingError

if TYPE_CHECKING:
    from modelet.batch.chunk import Chunk
    from modelet.batch.record import BatchRecord, State
    from modelet.batch.worker import Worker

LEAST_S = 1.0
"""Seconds that `on_batch_complete` has at least."""
LATE_S = 30.0
"""Seconds by which a worker's timeout may be longer than what a call of the last step has left when it begins."""
TIMED_OUT = {"Lambda.Unknown", "Sandbox.Timedout", "States.Timeout"}


class Finish:
    """One call of the last step. remaining: seconds until the worker's timeout; None for none."""

    def __init__(self, worker: Worker, record: BatchRecord, remaining: float | None) -> None:
        self._worker = worker
        self._record = record
        self._remaining = remaining
        self._budget = Budget(remaining)

    def run(self, cause: Any) -> tuple[str, ModeletError | None]:
        """Finish the batch as far as time allows. Returns its state, and the error for the log.

        cause: the error that ended the plan, the map or an earlier call; None for none. Every part can be repeated: the
        state machine calls again after an error that may pass, and while the state is LOADING.
        """
        has_loaded = self._record.state not in ENDED
        self._begin(cause)
        if self._record.state in LOADING:
            is_waiting, failure = self._try_to_load()
            if is_waiting:
                return "LOADING", failure
        failure = None
        if self._record.state in ENDED and not self._record.notified:
            is_announced, failure = self._announce(is_last=not has_loaded)
            if not is_announced:
                return "LOADING", failure
        is_through, trouble = self._retire()
        return (self._record.state if is_through else "LOADING"), failure or trouble

    def _announce(self, *, is_last: bool) -> tuple[bool, ModelError | None]:
        """Announce the end of the batch. Returns whether that is complete, and the error for the log.

        is_last: whether the author's method has the time of the whole call; otherwise the next call gives it that.
        """
        record, batches = self._record, self._worker.batches
        if not record.published:
            publish(self._worker, record)
            batches.set_published(record)
        seconds = None if self._budget.end is None else max(LEAST_S, self._budget.end - time.monotonic())
        try:
            failure = complete(self._worker, record, seconds)
        except TimeoutError:
            failure = ModelError(
                f"on_batch_complete was ended after {seconds:.0f} s, "
                + ("by the worker's timeout: raise worker.timeout_s" if is_last else "and is called once more")
            )
            if not is_last:
                return False, failure
        batches.set_notified(record)
        return True, failure

    def _begin(self, cause: Any) -> None:
        """Record that the chunks are done, or why the batch ends without them or without being loaded."""
        record = self._record
        if record.state in {"PLANNING", "RUNNING"}:
            problem = self._problem(cause)
            self._set_state((record.state,), "FAILED" if problem else "FINISHING", problem)
        elif cause is not None and record.state in LOADING:
            self._fail(_given_up(cause))

    def _try_to_load(self) -> tuple[bool, ModeletError | None]:
        """Load the batch and record it. Returns whether it is to be called again, and then the error for the log."""
        try:
            if not self._is_loaded() and not self._load():
                self._set_state(("FINISHING",), "LOADING")
                return True, None
            self._set_state(LOADING, "DONE")
        except FileNotFoundError as missing:
            gone = RequestError(f"a file of the batch is gone: {missing}; start a new batch")
            self._fail(gone)
        except ModeletError as error:
            if error.retryable and self._budget.has_progressed:
                self._set_state(("FINISHING",), "LOADING")
                return True, _passing(error)
            if error.retryable:
                raise
            self._fail(error)
        return False, None

    def _fail(self, error: ModeletError) -> None:
        """Record that the batch cannot be loaded; one whose predictions were active all the same is done."""
        if self._is_loaded():
            self._set_state(LOADING, "DONE")
        else:
            self._set_state(LOADING, "FAILED", error.problem())

    def _is_loaded(self) -> bool:
        """Return whether an earlier call, or an earlier attempt, switched to the generation of this batch."""
        record = self._record
        pointer = self._worker.generations.active(record.model) if record.request.table else None
        return pointer is not None and pointer.was_active(record.id)

    def _set_state(
        self, from_states: tuple[State, ...], to_state: State, problem: dict[str, Any] | None = None
    ) -> None:
        """Change the state, unless another call did, and read the record again."""
        record, batches = self._record, self._worker.batches
        batches.set_state(record, from_states, to_state, problem=problem)
        self._record = batches.get(record.model, record.id)

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
        worker, batches = self._worker, self._worker.batches
        if not self._record.checked:
            if not self._check.run(self._budget):
                return False
            repeated = self._check.result().total
            batches.set_repeated(self._record, repeated)
            self._record = self._record._replace(checked=True, repeated=repeated)
        record = self._record
        if record.repeated and worker.settings.duplicates == "refuse":
            raise RequestError(
                f"{record.repeated} rows repeat the key of another row, for example "
                f"{example(self._check.result(), self._chunks)}: make the keys unique, or set batch.duplicates to "
                "`last`, deploy, and start a new batch"
            )
        if not record.request.table:
            return True
        table = worker.settings.prediction_table
        if record.load == "import":
            loading = Import(worker, record)
            table = loading.table
            if not loading.is_complete():
                return False
        if record.repeated and not self._rewrite(table):
            return False
        now = batches.get(record.model, record.id)
        if now.attempt != record.attempt or now.state not in LOADING:
            return False  # this attempt was given up meanwhile, and a later one may load
        worker.generations.switch(
            record.model,
            record.id,
            table,
            rows=record.rows_done - record.repeated,
            since=int(time.time()),
            until=record.predictions_until,
        )
        return True

    def _rewrite(self, table: str) -> bool:
        """Write the last row of each key that repeats once more. Returns whether all are written."""
        if self._record.load != "import" and not self._is_quiet():
            return False
        return Rewriting(self._worker, self._record, table, self._chunks, self._check.result()).run(self._budget)

    def _is_quiet(self) -> bool:
        """Return whether no worker can write rows of this batch any more.

        If one run began for each chunk, all have ended: each is done. Another run was killed, or it goes on: the state
        machine called again without the first answer, or it is one of an earlier attempt. It began before this state,
        and ends by itself, which takes it out of the count, or by its timeout.
        """
        record = self._record
        if record.begun == record.chunks or self._remaining is None:
            return True
        if record.state != "LOADING":
            return False
        return time.time() >= record.changed + self._remaining + LATE_S

    @cached_property
    def _chunks(self) -> list[Chunk]:
        """All chunks, in the order of the plan."""
        return from_lines(read_file(self._worker.objects, self._worker.files(self._record.id).plan))

    @cached_property
    def _check(self) -> KeyCheck:
        worker = self._worker
        return KeyCheck(worker.files(self._record.id), self._chunks, worker.objects, worker.settings.memory_mb)

    def _retire(self) -> tuple[bool, ModeletError | None]:
        """Delete generations that cannot be read any more. Returns whether this was the last call, and an error.

        The batch is done, whatever happens here: what is left is deleted after the next one.
        """
        if self._record.state != "DONE" or not self._record.request.table:
            return True, None
        try:
            return retire(self._worker, self._record, self._budget.until), None
        except ModeletError as error:
            return True, ServingError(f"old predictions were not deleted: {error}")


def _name(cause: Any) -> str:
    """Return the name of a state machine's error."""
    return str(cause.get("Error")) if isinstance(cause, dict) and cause.get("Error") else "the worker ended"


def _given_up(cause: Any) -> RequestError:
    """Return the error of a load that the state machine gave up."""
    name = _name(cause)
    remedy = "`modelet batch resume` does"
    if name in TIMED_OUT:
        remedy += "; if it happens again, raise worker.timeout_s and worker.memory_mb, deploy, and start a new batch"
    return RequestError(f"the predictions could not be loaded ({name}): {remedy}")


def _passing(error: ModeletError) -> ServingError:
    """Return an error for the log that the next call may not meet; this call did something, so it is not raised."""
    logged = ServingError(f"the last step stopped, and goes on in the next call: {error}")
    logged.__cause__ = error
    return logged
