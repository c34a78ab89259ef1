"""Batches: start, list, show, cancel, resume, and roll the predictions back."""

from __future__ import annotations

import re
from typing import Any

from bodies import FEWER_ENTRIES, answer, parse, read_text, refuse
from endings import announce, settled
from executions import Executions
from fastapi import APIRouter, Request, Response
from idempotency import once
from pages import ID, After, Limit, moment, page
from problems import logger
from services import BatchWorker, Given, Services
from workers import Worker

from modelet.batch.errors import UnknownBatchError
from modelet.batch.files import BatchFiles, result_folder
from modelet.batch.progress import Progress
from modelet.batch.record import BatchRecord
from modelet.batch.request import BatchRequest
from modelet.batch.table import new_id
from modelet.errors import ModeletError, StoreError

TOLERATED, LOAD = 0.1, "auto"
"""What model.yaml's section `batch` means without these members."""
FILES = (
    "file:///… is read only where `modelet up` serves this machine alone, without --host, and not for a web page: "
    "give s3://bucket/key"
)
OTHERS = "give a place in another bucket"

router = APIRouter()


@router.post("/models/{name}/batches", status_code=202)
async def start(request: Request, worker: BatchWorker, services: Given) -> Response:
    """Record a batch and start it. 202 with its record; Location and `status_url` lead to its status."""
    body = await read_text(request)
    wanted = BatchRequest.from_json(parse(body))
    # A page of another site can send requests to a laptop; browsers name the page's origin in them.
    if not services.settings.takes_files or "origin" in request.headers:
        _refuse_files(wanted)
    _refuse_own_bucket(services.settings.batches, worker.model, wanted)
    table = services.settings.control_table
    batch = once(request, body, lambda: _start(services, worker, wanted), table, worker.model)
    return answer(batch, 202, {"location": batch["status_url"]})


@router.api_route("/models/{name}/batches", methods=["GET", "HEAD"])
async def listed(worker: BatchWorker, services: Given, limit: Limit = 20, after: After = None) -> Response:
    """Return a page of batches, newest first."""
    found = services.batches.list(worker.model, limit=limit, after=after)
    views = [view(services, settled(services, record)) for record in found.records]
    return answer(page("batches", views, f"/models/{worker.model}/batches", limit, found.next), smaller=FEWER_ENTRIES)


@router.post("/models/{name}/batches/rollback")
async def rollback(worker: BatchWorker, services: Given) -> Response:
    """Make the previous generation of predictions the active one again; doing it twice undoes it."""
    return answer({"model": worker.model, **generation_view(services.generations.rollback(worker.model))})


@router.api_route("/models/{name}/batches/{batch}", methods=["GET", "HEAD"])
async def show(batch: str, worker: BatchWorker, services: Given) -> Response:
    """Return a batch with its progress."""
    record = _current(services, worker.model, batch)
    return answer({**view(services, record), "progress": _progress(services.batches.progress(record))})


@router.delete("/models/{name}/batches/{batch}")
async def cancel(batch: str, worker: BatchWorker, services: Given) -> Response:
    """Cancel a batch: first in its record, which its workers read, then in the state machine. Its end is announced."""
    _current(services, worker.model, batch)
    record = services.batches.cancel(worker.model, batch)
    _stop(services.executions, record)
    announce(services.executions, record)
    return answer(view(services, record))


@router.post("/models/{name}/batches/{batch}/resume", status_code=202)
async def resume(request: Request, batch: str, worker: BatchWorker, services: Given) -> Response:
    """Run what is missing of a batch that failed or was cancelled, with the version that began it."""
    body = await request.body()
    tolerated = _tolerated(parse(await read_text(request))) if body else None
    _current(services, worker.model, batch)
    record = services.batches.resume(worker.model, batch, tolerated=tolerated)
    _run(services, worker, record)
    return answer(view(services, record), 202, {"location": _path(record)})


def _start(services: Services, worker: Worker, wanted: BatchRequest) -> dict[str, Any]:
    given = worker.batch or {}
    version = services.workers.version(worker)
    record = services.batches.create(
        worker.model,
        new_id(),
        version=version.model_version,
        function=version.arn,
        request=wanted,
        tolerated=given.get("tolerated", TOLERATED) if wanted.tolerated is None else wanted.tolerated,
        load=given.get("load", LOAD) if wanted.load == "auto" else wanted.load,
        expires_days=given.get("expires_days"),
    )
    _run(services, worker, record)
    return view(services, record)


def view(services: Services, record: BatchRecord) -> dict[str, Any]:
    """Return a batch as answers have it. The function's ARN stays inside: it has the number of the account.

    results, rejected: where the files with its results and its rejected rows are; None if there are none.
    """
    request, files = record.request, BatchFiles.of(f"s3://{services.settings.batches}", record.model, record.id)
    return {
        "id": record.id,
        "model": record.model,
        "state": record.state,
        "attempt": record.attempt,
        "version": record.version,
        "request": request.to_json(),
        "load": record.load,
        "load_reason": record.load_reason,
        "tolerated": record.tolerated,
        "chunks": record.chunks,
        "chunks_done": record.chunks_done,
        "chunks_failed": record.chunks_failed,
        "rows": record.rows_planned,
        "rows_done": record.rows_done,
        "rows_failed": record.rows_failed,
        "repeated": record.repeated,
        "results": result_folder(request.results, record.id) if request.results else None,
        "rejected": files.all_rejected if record.rows_failed else None,
        "created": moment(record.created),
        "started": moment(record.started),
        "ended": moment(record.ended),
        "expires": moment(record.expires_at),
        "predictions_until": moment(record.predictions_until),
        "problem": record.problem,
        "stopped": record.stopped,
        "announced": record.notified,
        "status_url": _path(record),
    }


def generation_view(generation: Any) -> dict[str, Any]:
    """Return a generation as answers have it."""
    return {
        "generation": generation.generation,
        "rows": generation.rows,
        "since": moment(generation.since),
        "until": moment(generation.until),
        "previous": generation.previous,
    }


def _run(services: Services, worker: Worker, record: BatchRecord) -> None:
    """Start the record's attempt. Raises StoreError, after setting the record to FAILED, if it cannot be started."""
    try:
        services.executions.start(record.model, record.id, record.attempt, record.function, worker.chunks_at_once)
    except StoreError:
        problem = StoreError(f"attempt {record.attempt} of batch {record.id} could not be started").problem()
        try:
            services.batches.set_state(record, ("PLANNING",), "FAILED", problem)
        except ModeletError as failed:
            logger.error("a batch that was not started is still PLANNING", batch=record.id, exc_info=failed)
        raise


def _current(services: Services, model: str, batch: str) -> BatchRecord:
    """Return a batch as it is now."""
    return settled(services, services.batches.get(model, checked_id(model, batch)))


def _stop(executions: Executions, record: BatchRecord) -> None:
    """End the execution; if that fails, the workers still see in the record that nothing is left to do."""
    try:
        executions.stop(record.model, record.id, record.attempt)
    except StoreError as error:
        logger.warning("a cancelled batch's execution goes on", batch=record.id, exc_info=error)


def _progress(progress: Progress) -> dict[str, Any]:
    errors = [
        {"chunk": each.number, "attempt": each.attempt, "at": moment(each.at), "problem": each.problem}
        for each in progress.errors
    ]
    return {
        "chunks": progress.chunks,
        "done": progress.done,
        "failed": progress.failed,
        "rows": progress.rows,
        "rows_failed": progress.rows_failed,
        "rows_planned": progress.rows_planned,
        "rows_per_s": progress.rate,
        "seconds_left": progress.seconds_left,
        "errors": errors,
    }


def checked_id(model: str, batch: str) -> str:
    """Return a batch's id of a path. Raises UnknownBatchError for what no batch is called."""
    if not re.fullmatch(ID, batch):
        raise UnknownBatchError(f"The model {model} has no batch {batch[:100]}.")
    return batch


def _path(record: BatchRecord) -> str:
    return f"/models/{record.model}/batches/{record.id}"


def _refuse_files(request: BatchRequest) -> None:
    for name, urls in {"inputs": request.inputs, "results": (request.results or "",)}.items():
        if any(url.startswith("file:") for url in urls):
            raise refuse(name, FILES)


def _refuse_own_bucket(bucket: str, model: str, request: BatchRequest) -> None:
    """Refuse places in the bucket of batches: a worker reads and writes its own files there. Uploads may be read."""
    for name, urls in {"inputs": request.inputs, "results": (request.results or "",)}.items():
        for url in urls:
            is_upload = name == "inputs" and url.startswith(f"s3://{bucket}/{model}/uploads/")
            if url.removeprefix("s3://").partition("/")[0] == bucket and not is_upload:
                raise refuse(name, f"{url!r:.100} is in the bucket of batches, which is for their own files: {OTHERS}")


def _tolerated(document: Any) -> float | None:
    unknown = not isinstance(document, dict) or set(document) - {"tolerated"}
    share = None if unknown else document.get("tolerated")
    is_number = isinstance(share, int | float) and not isinstance(share, bool)
    if unknown or not (share is None or (is_number and 0 <= share <= 1)):
        raise refuse("tolerated", 'send no body, or {"tolerated": 0.2}, a share from 0 to 1')
    return share
