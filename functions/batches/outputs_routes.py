"""What a batch wrote: its predictions and its rejected rows, page by page."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any

from batches_routes import checked_id
from bodies import FEWER_ENTRIES, answer, refuse
from fastapi import APIRouter, Query, Response
from pages import page
from problems import calling
from services import BatchWorker, Given, Services, aws

from modelet.batch.errors import ConflictError
from modelet.batch.export import export_page
from modelet.batch.files import BatchFiles, result_folder
from modelet.batch.lifetimes import FILES_DAYS
from modelet.batch.record import ENDED, BatchRecord
from modelet.batch.table import PREDICTIONS
from modelet.errors import NotFoundError

MOST_ROWS = 10_000
PAGE_BYTES = 1_000_000
"""Bytes of rejected rows in a page; DynamoDB reads as many of predictions."""
MOST_OBJECTS = 100
"""Objects of rejected rows that one page is read from: there is one for each chunk that has some."""
SETTLING_S = 60
"""Seconds after the end of a batch in which reads are consistent: items that were written just before must be found."""

Limit = Annotated[int, Query(ge=1, le=MOST_ROWS)]
After = Annotated[str | None, Query(max_length=5_000)]

router = APIRouter()


@router.api_route("/models/{name}/batches/{batch}/predictions", methods=["GET", "HEAD"])
async def predictions(
    batch: str, worker: BatchWorker, services: Given, limit: Limit = 1_000, after: After = None
) -> Response:
    """Return a page of the predictions of a batch in the table, in no order; a page before the last may be empty."""
    record = services.batches.get(worker.model, checked_id(worker.model, batch))
    table = _table(services, record)
    begin, is_new = _decoded(after, record), time.time() - (record.ended or 0) < SETTLING_S
    client = aws("dynamodb", is_long=True)  # the laptop's emulator goes through the whole table for each page
    found = export_page(client, table, record.id, limit=limit, after=begin, consistent=is_new)
    path = f"/models/{record.model}/batches/{record.id}/predictions"
    return answer(page("predictions", found.rows, path, limit, _encoded(found.after)), smaller=FEWER_ENTRIES)


@router.api_route("/models/{name}/batches/{batch}/rejected", methods=["GET", "HEAD"])
async def rejected(
    batch: str, worker: BatchWorker, services: Given, limit: Limit = 1_000, after: After = None
) -> Response:
    """Return a page of the rejected rows of a batch, in the order of its chunks; those so far, while it runs."""
    record = services.batches.get(worker.model, checked_id(worker.model, batch))
    rows, following = _rejected(services.settings.batches, record, limit, _place(after))
    if not rows and after is None and record.rows_failed:
        raise NotFoundError(
            f"The rejected rows of batch {record.id} were deleted: files of batches are kept for {FILES_DAYS} days."
        )
    path = f"/models/{record.model}/batches/{record.id}/rejected"
    return answer(page("rejected", rows, path, limit, following), smaller=FEWER_ENTRIES)


def _table(services: Services, record: BatchRecord) -> str:
    """Return the table with a batch's predictions. Raises ConflictError or NotFoundError with what to do instead."""
    if not record.request.table:
        folder = result_folder(record.request.results or "", record.id)
        raise ConflictError(f"batch {record.id} wrote no table: its results are files in {folder}")
    if record.state != "DONE":
        reason = "resume it first" if record.state in ENDED else "wait for its end"
        raise ConflictError(f"batch {record.id} is {record.state}, its predictions are not complete: {reason}")
    pointer = services.generations.active(record.model)
    if pointer is not None and record.id == pointer.generation:
        return pointer.table
    if pointer is not None and record.id == pointer.previous and pointer.previous_table is not None:
        return pointer.previous_table
    raise NotFoundError(
        f"The predictions of batch {record.id} were deleted: those of the active generation and of the one before are "
        "kept."
    )


def _rejected(bucket: str, record: BatchRecord, limit: int, place: tuple[int, int]) -> tuple[list[Any], str | None]:
    """Return rows, and the place of the next one: a chunk's number and an offset in its object. None: there is none."""
    folder = BatchFiles.of("", record.model, record.id).all_rejected.removeprefix("/")
    number, offset = place
    rows: list[Any] = []
    left = PAGE_BYTES
    with calling("S3"):
        listed = aws("s3").list_objects_v2(
            Bucket=bucket, Prefix=folder, StartAfter=f"{folder}{number:08d}", MaxKeys=MOST_OBJECTS
        )
        for each in listed.get("Contents", []):
            found = int(each["Key"].removeprefix(folder).partition(".")[0])
            offset = offset if found == number else 0
            number = found
            if offset >= each["Size"]:
                continue
            part = f"bytes={offset}-{offset + PAGE_BYTES - 1}"
            data = aws("s3").get_object(Bucket=bucket, Key=each["Key"], Range=part)["Body"].read()
            for line in data.splitlines(keepends=True):
                if not line.endswith(b"\n") or len(rows) >= limit or (rows and left < len(line)):
                    return rows, f"{number}-{offset}"
                rows.append(json.loads(line))
                offset += len(line)
                left -= len(line)
    return rows, f"{number + 1}-0" if listed.get("IsTruncated") else None


def _place(after: str | None) -> tuple[int, int]:
    number, _, offset = (after or "0-0").partition("-")
    if not (number + offset).isascii() or not number.isdecimal() or not offset.isdecimal() or len(number) > 8:
        raise refuse("after", "is not the `after` of a page before")
    return int(number), int(offset)


def _encoded(key: dict[str, str] | None) -> str | None:
    if key is None:
        return None
    return urlsafe_b64encode(key[PREDICTIONS.partition].encode() + b"\n" + key[PREDICTIONS.sort].encode()).decode()


def _decoded(after: str | None, record: BatchRecord) -> dict[str, str] | None:
    if after is None:
        return None
    try:
        key, _, generation = urlsafe_b64decode(after.encode()).decode().rpartition("\n")
    except ValueError:
        key, generation = "", ""
    if not key or not generation:
        raise refuse("after", f"is not the `after` of a page of batch {record.id} before")
    return {PREDICTIONS.partition: key, PREDICTIONS.sort: generation}
