"""Delete the rows of old generations from a prediction table: a pass over the table that goes on where it was left.

DynamoDB finds rows by their generation only by reading the whole table, so a large table takes several calls, or
several batches. One item of the control table says how far the pass is.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from modelet.batch.dynamodb import MOST_WRITES, Write
from modelet.batch.table import PREDICTIONS, deletion_key

if TYPE_CHECKING:
    from modelet.batch.attributes import Item
    from modelet.batch.dynamodb import Table

SEGMENTS = 8
"""The parts of a table that are read at one time."""
PAGE_ITEMS = 2_000
"""Items that are read in one request; those of them that are old are deleted 25 at a time."""


class Deletion(NamedTuple):
    """How far the old rows of a model are deleted.

    deleted: the rows of older generations than this one are gone, or expire by themselves; empty if nothing is known.
    bound: what `deleted` becomes at the end of the pass. parts: where each part of the table that is left goes on, by
    its number, None from its beginning; empty if no pass is under way. segments: the parts of the whole table. batch,
    calls: after which batch rows were last deleted, and in how many calls.
    """

    deleted: str = ""
    bound: str = ""
    parts: dict[str, Item | None] = {}  # noqa: RUF012 - it is never changed
    segments: int = SEGMENTS
    batch: str = ""
    calls: int = 0

    @classmethod
    def read(cls, control: Table, model: str) -> Deletion:
        """Read the item of a model."""
        item = control.get(deletion_key(model)) or {}
        return cls(**{name: item[name] for name in cls._fields if name in item})

    def write(self, control: Table, model: str) -> None:
        """Write the item. Of two batches that end at once the last one stays: then a part is read again."""
        control.write(Write({**deletion_key(model), **self._asdict()}))

    def called(self, batch: str) -> Deletion:
        """Return it with one more call after a batch."""
        return self._replace(batch=batch, calls=self.calls + 1 if self.batch == batch else 1)

    def begin(self, bound: str) -> Deletion:
        """Return it at the beginning of a pass."""
        return self._replace(bound=bound, parts={str(part): None for part in range(SEGMENTS)}, segments=SEGMENTS)

    def at(self, parts: dict[str, Item | None]) -> Deletion:
        """Return it with the parts that are left; if there are none, the pass is at its end."""
        return self._replace(parts=parts, deleted=self.deleted if parts else self.bound)


def sweep(table: Table, state: Deletion, oldest: str, until: float | None) -> tuple[Deletion, Exception | None]:
    """Go on with a pass: delete rows whose generation is older than `oldest`.

    until: the monotonic time at which to stop; of each part, at least one page is read, and one request of it deleted.
    Returns how far it is, and the first error that stopped a part.
    """
    parts = dict(state.parts)
    errors: list[Exception] = []

    def is_over() -> bool:
        return bool(errors) or (until is not None and time.monotonic() >= until)

    def work(part: str) -> None:
        try:
            while part in parts:
                page = table.scan_page(
                    f"#{PREDICTIONS.sort} < :oldest",
                    {"oldest": oldest},
                    keys=PREDICTIONS,
                    part=(int(part), state.segments),
                    after=parts[part],
                    limit=PAGE_ITEMS,
                )
                for start in range(0, len(page.items), MOST_WRITES):
                    deleted = page.items[start : start + MOST_WRITES]
                    table.delete_many(deleted)
                    parts[part] = deleted[-1]
                    if is_over():
                        return
                if page.after is None:
                    del parts[part]
                else:
                    parts[part] = page.after
                if is_over():
                    return
        except Exception as error:  # noqa: BLE001 - the other parts keep what they have done
            errors.append(error)

    with ThreadPoolExecutor(len(parts)) as pool:
        list(pool.map(work, list(parts)))
    return state.at(parts), errors[0] if errors else None
