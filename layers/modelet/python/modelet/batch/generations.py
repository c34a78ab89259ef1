"""The pointer to a model's active generation: one item, always written whole, so that a switch takes effect at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from modelet.batch.dynamodb import MOST_ATTEMPTS, Table, Write
from modelet.batch.errors import ConflictError
from modelet.batch.table import active_key, utc
from modelet.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelet.batch.attributes import Item

MOST_CHANGES = 5
"""How often the pointer may change while one switch is being written."""


class Generation(NamedTuple):
    """The pointer. generation: the id of the batch that wrote it. table: where its items are. rows: their number.

    since: when it became active. until: when its items expire; None for never. Both are Unix seconds; no attribute has
    the name by which DynamoDB deletes expired items, because the pointer stays. previous, previous_table,
    previous_rows, previous_until: the generation before, to which a rollback returns; None if there is none. newest:
    the newest generation that was ever active; a switch needs a newer one, so that a late batch does not undo a
    rollback.
    dropped_table: the table of the generation that the last switch made unreachable; None if there is none.
    """

    generation: str
    table: str
    rows: int
    since: float
    newest: str
    previous: str | None = None
    previous_table: str | None = None
    previous_rows: int | None = None
    until: int | None = None
    previous_until: int | None = None
    dropped_table: str | None = None

    def was_active(self, generation: str) -> bool:
        """Return whether a generation is or was active, as far as the pointer tells."""
        return generation in {self.newest, self.generation, self.previous}

    def is_expired(self, now: float) -> bool:
        """Return whether its items have expired. now: Unix seconds."""
        return self.until is not None and self.until <= now


class Generations:
    """The pointers in a control table.

    client: boto3's client of DynamoDB, or SignedReads for `active` alone. attempts: calls before StoreError.
    clock: Unix seconds. All methods raise StoreError (retryable) if DynamoDB does not answer, ServingError if a retry
    would not help.
    """

    def __init__(
        self, client: Any, table: str, *, attempts: int = MOST_ATTEMPTS, clock: Callable[[], float] = time.time
    ) -> None:
        self._table = Table(client, table, attempts=attempts)
        self._clock = clock

    def active(self, model: str) -> Generation | None:
        """Return the pointer of a model; None if no batch was ever loaded."""
        return self._read(model)[0]

    def switch(
        self, model: str, generation: str, table: str, rows: int, since: float, *, until: int | None = None
    ) -> Generation:
        """Make a generation the active one, and the active one the previous one; the same call again changes nothing.

        until: when its items expire, in Unix seconds; None for never. Returns the pointer as it is then. Raises
        ConflictError if a newer generation is or was active, or if the items have expired already.
        """
        for _ in range(MOST_CHANGES):
            now, revision = self._read(model)
            if now is not None and now.newest == generation:
                return now
            if now is not None and now.newest > generation:
                raise ConflictError(
                    f"batch {generation} does not become active: batch {now.newest} is newer, and was loaded before it"
                )
            if until is not None and until <= self._clock():
                raise ConflictError(
                    f"batch {generation} does not become active: its predictions expired at {utc(until)}; raise "
                    "batch.expires_days, deploy, and start a new batch"
                )
            wanted = Generation(generation, table, rows, float(since), generation, until=until)
            if now is not None:
                wanted = wanted._replace(
                    previous=now.generation,
                    previous_table=now.table,
                    previous_rows=now.rows,
                    previous_until=now.until,
                    dropped_table=now.previous_table,
                )
            if self._write(model, wanted, revision):
                return wanted
        raise StoreError(f"the pointer of {model} changed {MOST_CHANGES} times while it was written")

    def rollback(self, model: str) -> Generation:
        """Swap the active generation and the previous one, in one write; twice returns to where it was.

        Raises ConflictError if there is no previous generation, if it has expired, or if the pointer changes at the
        same moment.
        """
        now, revision = self._read(model)
        if now is None or now.previous is None or now.previous_table is None:
            raise ConflictError(f"model {model} has no previous generation: there is nothing to roll back to")
        if now.previous_until is not None and now.previous_until <= self._clock():
            raise ConflictError(
                f"the previous generation {now.previous} of model {model} expired at {utc(now.previous_until)}: start "
                "a new batch of the rows that you need"
            )
        wanted = now._replace(
            generation=now.previous,
            table=now.previous_table,
            rows=now.previous_rows or 0,
            since=self._clock(),
            previous=now.generation,
            previous_table=now.table,
            previous_rows=now.rows,
            until=now.previous_until,
            previous_until=now.until,
        )
        if not self._write(model, wanted, revision):
            raise ConflictError(f"the active generation of {model} changed at the same moment: look, and try again")
        return wanted

    def _read(self, model: str) -> tuple[Generation | None, int]:
        """Return the pointer and its revision, which counts its writes."""
        item = self._table.get(active_key(model))
        return (_of(item), item["revision"]) if item else (None, 0)

    def _write(self, model: str, pointer: Generation, revision: int) -> bool:
        """Write the pointer if it has not changed since it was read. Returns whether it is written."""
        item = {**active_key(model), **pointer._asdict(), "revision": revision + 1}
        condition = "#revision = :revision" if revision else "attribute_not_exists(#pk)"
        outcome = self._table.write(Write(item, condition=condition, values={"revision": revision}))
        # After a lost answer the condition refuses what is written already.
        found = outcome.items[0]
        return outcome.is_done or (found is not None and found["revision"] == revision + 1 and _of(found) == pointer)


def _of(item: Item) -> Generation:
    found = Generation(**{name: item[name] for name in Generation._fields if name in item})
    return found._replace(since=float(found.since))
