"""Read the predictions of a whole generation, page by page."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from modelet.batch.dynamodb import Table
from modelet.batch.table import EXPIRES, PREDICTIONS

if TYPE_CHECKING:
    from modelet.batch.attributes import Item


class ExportPage(NamedTuple):
    """Some predictions, in no order: key, prediction, and passed columns if there are any.

    after: the key of an item, behind which the next page begins; None on the last one. A page that is not the last one
    may be empty, because a table has items of other generations too.
    """

    rows: list[dict[str, Any]]
    after: dict[str, str] | None


def export_page(
    client: Any, table: str, generation: str, *, limit: int, after: dict[str, str] | None, consistent: bool = False
) -> ExportPage:
    """Return a page of what a batch wrote; predictions that were kept from online answers are not among it.

    client: boto3's client of DynamoDB. limit: the items that are looked at. consistent: whether items that were written
    just now are surely found. Raises StoreError if DynamoDB does not answer, MissingTableError if the table is gone.
    """
    sort = PREDICTIONS.sort
    # Somebody waits for the answer, and may ask again.
    found = Table(client, table, attempts=1).scan_page(
        f"#{sort} = :generation AND #source = :batch AND (attribute_not_exists(#{EXPIRES}) OR #{EXPIRES} > :now)",
        {"generation": generation, "batch": "batch", "now": time.time()},
        limit=limit,
        after=after,
        consistent=consistent,
    )
    return ExportPage([_row(item) for item in found.items], found.after)


def _row(item: Item) -> dict[str, Any]:
    passed = item.get("passed")
    row = {"key": item[PREDICTIONS.partition], "prediction": json.loads(item["prediction"])}
    return {**row, "passed": json.loads(passed)} if passed else row
