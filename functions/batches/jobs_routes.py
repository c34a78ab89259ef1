"""Jobs: take a request that a worker answers later, show its state and its result, cancel it."""

from __future__ import annotations

import base64
import json
import time
from typing import Any, NamedTuple

from bodies import FEWER_ENTRIES, answer, parse, read_as
from fastapi import APIRouter, Request, Response
from idempotency import once
from pages import After, Limit, moment, page
from problems import calling, logger
from services import Given, JobsWorker, Services, aws
from uploads_routes import uploaded
from workers import Worker

from modelet.batch.errors import ConflictError, UnknownJobError
from modelet.batch.table import new_id
from modelet.errors import ModeletError, StoreError
from modelet.jobs.name import job_name, parse_job_name
from modelet.jobs.record import JobRecord
from modelet.jobs.records import ATTEMPTS, KEPT_S, MOST_BODY_BYTES
from modelet.protocols import rows, service
from modelet.protocols.service import JSON

LINK_S = 900
"""Seconds for which a link to a large result works; less if the function's own credentials end earlier."""
UPLOAD = "upload"

router = APIRouter()


class Work(NamedTuple):
    """What a job's worker is to answer: a request to /infer, whose body is here or at a URL."""

    body: bytes | None
    url: str | None
    media_type: str
    accept: str | None
    partial: bool


@router.post("/models/{name}/jobs", status_code=202)
async def create(request: Request, worker: JobsWorker, services: Given) -> Response:
    """Record a job and queue it. The body is that of /infer, or names an upload, `{"upload": "…"}`, which has it.

    The content type, Accept and `?partial=true` mean what they mean to /infer.
    """
    body, reader = await read_as(request, rows.MEDIA)
    is_document = reader is rows.MEDIA.readers[JSON]
    work = _work(request, body, parse(body) if is_document else None, services, worker.model)
    job = once(request, body, lambda: _submit(services, worker, work), services.settings.control_table, worker.model)
    return answer(job, 202, {"location": job["status_url"]})


@router.api_route("/models/{name}/jobs", methods=["GET", "HEAD"])
async def listed(worker: JobsWorker, services: Given, limit: Limit = 20, after: After = None) -> Response:
    """Return a page of jobs, newest first, without their results."""
    found = services.jobs.list(worker.model, limit=limit, after=after)
    views = [view(services.jobs.settled(record, _attempts(worker))) for record in found.records]
    return answer(page("jobs", views, f"/models/{worker.model}/jobs", limit, found.next), smaller=FEWER_ENTRIES)


@router.post("/models/{name}/jobs/redrive")
async def redrive(worker: JobsWorker, services: Given) -> Response:
    """Run the jobs of the dead-letter queue again.

    A message whose job is done, cancelled or gone is dropped; one whose job runs at this moment stays.
    """
    sent, dropped = services.queues.redrive(worker.model, lambda model, body: _requeued(services, model, body))
    return answer({"model": worker.model, "redriven": sent, "dropped": dropped})


@router.api_route("/jobs/{job}", methods=["GET", "HEAD"])
async def show(job: str, services: Given) -> Response:
    """Return a job: queued, running, done with its result or a link to it, failed with its problem, or cancelled."""
    worker, name = _named(services, job)
    record = services.jobs.settled(services.jobs.get(worker.model, name), _attempts(worker))
    return answer(view(record) | _result(record))


@router.delete("/jobs/{job}")
async def cancel(job: str, services: Given) -> Response:
    """Cancel a job: a queued one never runs, the result of a running one is dropped."""
    worker, name = _named(services, job)
    return answer(view(services.jobs.cancel(worker.model, name)))


@router.api_route("/models/{name}/jobs/{job}", methods=["GET", "HEAD"])
async def show_of_model(job: str, worker: JobsWorker, services: Given) -> Response:
    """Return a job by its path below its model."""
    return await show(_of(worker, job), services)


@router.delete("/models/{name}/jobs/{job}")
async def cancel_of_model(job: str, worker: JobsWorker, services: Given) -> Response:
    """Cancel a job by its path below its model."""
    return await cancel(_of(worker, job), services)


def view(record: JobRecord) -> dict[str, Any]:
    """Return a job as answers have it, without its result."""
    name = job_name(record.model, record.id)
    return {
        "id": name,
        "model": record.model,
        "state": record.state,
        "version": record.version,
        "attempts": record.attempts,
        "created": moment(record.created),
        "started": moment(record.started),
        "ended": moment(record.ended),
        "expires": moment(record.expires_at),
        "problem": record.problem,
        "status_url": f"/jobs/{name}",
    }


def _work(request: Request, body: bytes, document: Any, services: Services, model: str) -> Work:
    """Return what a request asks for. document: its JSON value; None for another media type.

    Raises RequestError for a wrong flag, ContractError for an upload that is not there.
    """
    headers = request.headers
    partial = rows.flag(service.Request("POST", "", query=dict(request.query_params)), "partial")
    work = Work(body, None, headers.get("content-type", JSON), headers.get("accept"), partial)
    if isinstance(document, dict) and set(document) == {UPLOAD}:
        url, media_type = uploaded(services, model, document[UPLOAD])
        return work._replace(body=None, url=url, media_type=media_type)
    return work


def _submit(services: Services, worker: Worker, work: Work) -> dict[str, Any]:
    """Record a job, then send its message. Raises StoreError after the record is set to failed."""
    model, job = worker.model, new_id()
    version = services.workers.version(worker).model_version
    queue = services.queues.url(model)
    if work.body is not None and len(work.body) > MOST_BODY_BYTES:
        url = _put(services, f"{model}/jobs/{job}/body", work.body, work.media_type)
        work = work._replace(body=None, url=url)
    days = (worker.jobs or {}).get("expires_days")
    record = services.jobs.create(
        model,
        job,
        version=version,
        **work._asdict(),
        kept_s=KEPT_S if days is None else days * 24 * 3600,
    )
    try:
        services.queues.send(queue, {"model": model, "id": job})
    except StoreError:
        _give_up(services, record)
        raise
    return view(record)


def _requeued(services: Services, model: str, body: str) -> bool | None:
    """Set the job of a message back to queued; False if it names none that may run again, None if a worker has it."""
    try:
        job = str(json.loads(body)["id"])
        services.jobs.requeue(model, job)
    except (ValueError, KeyError, TypeError, RecursionError, UnknownJobError):
        return False
    except ConflictError:
        return None if services.jobs.get(model, job).state == "running" else False
    return True


def _give_up(services: Services, record: JobRecord) -> None:
    """Set a job to failed whose message was not sent; if it arrived all the same, its worker finds the job ended."""
    try:
        services.jobs.give_up(record, StoreError("the message was not sent").problem())
    except ModeletError as error:
        logger.error("a job that was not sent is still queued", job=record.id, exc_info=error)


def _put(services: Services, key: str, body: bytes, media_type: str) -> str:
    with calling("S3"):
        aws("s3").put_object(Bucket=services.settings.batches, Key=key, Body=body, ContentType=media_type)
    return f"s3://{services.settings.batches}/{key}"


def _result(record: JobRecord) -> dict[str, Any]:
    """Return the members of a job that is done: the status, and the result or a link to it.

    A result that is not JSON is in base64. The link answers with the result's own media type.
    """
    done = {"status": record.status, "result_type": record.result_type}
    if record.result_url is not None:
        bucket, _, key = record.result_url.removeprefix("s3://").partition("/")
        with calling("S3"):
            named = {"Bucket": bucket, "Key": key, "ResponseContentType": record.result_type or JSON}
            link = aws("s3").generate_presigned_url("get_object", Params=named, ExpiresIn=LINK_S)
        return {**done, "result_url": link, "result_url_expires": moment(time.time() + LINK_S)}
    if record.result is None:
        return {}
    if record.result_type in {None, JSON}:
        return {**done, "result": json.loads(record.result)}
    return {**done, "result_base64": base64.b64encode(record.result).decode()}


def _attempts(worker: Worker) -> int:
    """Return how often a job of the model is tried."""
    return int((worker.jobs or {}).get("attempts", ATTEMPTS))


def _named(services: Services, name: str) -> tuple[Worker, str]:
    """Return the model and the id of a job. Raises NotFoundError for a model that takes no jobs."""
    model, job = parse_job_name(name)
    return services.workers.get(model, "jobs"), job


def _of(worker: Worker, name: str) -> str:
    if parse_job_name(name)[0] != worker.model:
        raise UnknownJobError(f"The model {worker.model} has no job {name[:150]}: it is another model's.")
    return name
