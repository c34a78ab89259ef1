"""Lists of a model's batches or jobs in the control table: their ids, newest first, page by page."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from modelet.batch.table import EXPIRES, listed_batch_key

if TYPE_CHECKING:
    from modelet.batch.dynamodb import Table

MOST_LISTED = 100
"""The largest page."""


def newest(
    table: Table, model: str, kind: str, *, limit: int, after: str | None, now: float
) -> tuple[list[str], str | None]:
    """Return at most `limit` ids of a kind (batch or job) that have not expired, and the id to go on after, or None."""
    limit = max(1, min(limit, MOST_LISTED))
    partition = listed_batch_key(model, "")["pk"]
    found = table.query(
        "#pk = :partition AND begins_with(#sk, :prefix)",
        {"partition": partition, "prefix": f"{kind}#", "now": now},
        only=f"#{EXPIRES} > :now",
        forward=False,
        after={"pk": partition, "sk": f"{kind}#{after}"} if after else None,
    )
    ids = [item["sk"].partition("#")[2] for item in islice(found, limit + 1)]
    return ids[:limit], ids[limit - 1] if len(ids) > limit else None
