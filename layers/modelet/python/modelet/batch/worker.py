"""A worker: plans a batch, scores one chunk of it, or finishes it; the control table says what is still to be done."""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

from modelet.batch.chunk import Chunk
from modelet.batch.clients import client
from modelet.batch.files import BatchFiles
from modelet.batch.generations import Generations
from modelet.batch.records import Batches
from modelet.batch.settings import WorkerSettings
from modelet.store.objects import Objects

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelet.batch.record import BatchRecord
    from modelet.errors import ModeletError
    from modelet.observability import Timings
    from modelet.protocols.service import Service


class Worker:
    """One model's worker. service: the model. settings: the tables and the bucket of the stage."""

    def __init__(self, service: Service, settings: WorkerSettings | None = None) -> None:
        self.service = service
        self.settings = settings or WorkerSettings.from_environ()

    @cached_property
    def dynamodb(self) -> Any:
        """The client of DynamoDB."""
        return client("dynamodb")

    @cached_property
    def batches(self) -> Batches:
        """The records of batches."""
        return Batches(self.dynamodb, self.settings.control_table)

    @cached_property
    def generations(self) -> Generations:
        """The pointers to active generations."""
        return Generations(self.dynamodb, self.settings.control_table)

    @cached_property
    def objects(self) -> Objects:
        """The objects of inputs and results."""
        return Objects()

    def files(self, batch: str) -> BatchFiles:
        """Return the places of a batch's files."""
        return BatchFiles.of(self.settings.batches, self.service.name, batch)

    def plan(self, batch: Mapping[str, Any], remaining: float | None) -> dict[str, Any]:
        """Plan an attempt. Returns the place of the list of chunks and their number; 0 if there is nothing to do."""
        from modelet.batch.planning import plan  # noqa: PLC0415 - a worker does one of the three

        return plan(self, self._record(batch), int(batch["attempt"]), remaining)

    def chunk(
        self, batch: Mapping[str, Any], chunk: Mapping[str, Any], timings: Timings, remaining: float | None
    ) -> ModeletError | None:
        """Score a chunk and record it. Returns the error for the log, if rows or the whole chunk failed."""
        from modelet.batch.chunk_run import ChunkRun  # noqa: PLC0415 - a worker does one of the three

        until = None if remaining is None else time.monotonic() + remaining
        return ChunkRun(self, self._record(batch), int(batch["attempt"]), Chunk.from_json(dict(chunk)), until).run(
            timings
        )

    def missed(self, batch: Mapping[str, Any], chunk: Mapping[str, Any], cause: Any) -> ModeletError | None:
        """Record a chunk whose worker failed at every attempt. cause: the state machine's. Returns it for the log.

        A chunk that is done stays so, and one whose worker recorded a failure keeps that.
        """
        from modelet.batch.missed import missed_error  # noqa: PLC0415 - seldom needed

        record, attempt = self._record(batch), int(batch["attempt"])
        if record.attempt != attempt:
            return None  # a later attempt runs the chunk again
        error = missed_error(cause)
        was_missed = self.batches.chunk_failed(record, int(chunk["number"]), attempt, error.problem())
        return error if was_missed else None

    def finish(
        self, batch: Mapping[str, Any], cause: Any, remaining: float | None
    ) -> tuple[dict[str, Any], ModeletError | None]:
        """Make a finished batch visible, or record why it failed.

        Returns its state, and the error for the log. LOADING asks to be called again. REPLACED, which no record has,
        says that a later attempt has begun.
        """
        from modelet.batch.finish import Finish  # noqa: PLC0415 - a worker does one of the three

        record = self._record(batch)
        if record.attempt != int(batch["attempt"]):
            return {"state": "REPLACED"}, None  # a later attempt has begun: this execution has nothing to finish
        state, failure = Finish(self, record, remaining).run(cause)
        return {"state": state}, failure

    def _record(self, batch: Mapping[str, Any]) -> BatchRecord:
        return self.batches.get(str(batch["model"]), str(batch["id"]))
