"""Jobs: take a request that a worker answers later, show its state and its result, cancel it."""

from __future__ import annotations

import json
import time
from typing import Any

from bodies import answer, parse, read_text
from fastapi import APIRouter, Request, Response
from idempotency import HEADER, once
from pages import After, Limit, moment, page
from problems import calling, logger
from services import Given, JobsWorker, Services, aws
from uploads_routes import url_of
from workers import Worker

from modelet.batch.errors import ConflictError, UnknownJobError
from modelet.batch.table import new_id
from modelet.errors import ModeletError, StoreError
from modelet.jobs.name import job_name, parse_job_name
from modelet.jobs.record import JobRecord
from modelet.jobs.records import KEPT_S, MOST_BODY_BYTES
from modelet.protocols.service import JSON

LINK_S = 900
"""Seconds for which a link to a large result works; less if the function's own credentials end earlier."""
UPLOAD = "upload"

router = APIRouter()


@router.post("/models/{name}/jobs", status_code=202)
async def create(request: Request, worker: JobsWorker, services: Given) -> Response:
    """Record a job and queue it. The body is that of /infer, or names an upload, `{"upload": "…"}`, which has it."""
    body = await read_text(request)
    document = parse(body)
    names_upload = isinstance(document, dict) and set(document) == {UPLOAD}
    url = url_of(services, worker.model, document[UPLOAD]) if names_upload else None

    def submit() -> dict[str, Any]:
        return _submit(services, worker, body, url)

    key = request.headers.get(HEADER)
    if key is None:
        job = submit()
    else:
        job = once(
            submit,
            client=aws("dynamodb"),
            table=services.settings.control_table,
            model=worker.model,
            route="jobs",
            key=key,
            body=body,
            context=request.scope["aws.context"],
        )
    return answer(job, 202, {"location": job["status_url"]})


@router.api_route("/models/{name}/jobs", methods=["GET", "HEAD"])
async def listed(worker: JobsWorker, services: Given, limit: Limit = 20, after: After = None) -> Response:
    """Return a page of jobs, newest first, without their results."""
    found = services.jobs.list(worker.model, limit=limit, after=after)
    path = f"/models/{worker.model}/jobs"
    return answer(page("jobs", [view(record) for record in found.records], path, limit, found.next))


@router.post("/models/{name}/jobs/redrive")
async def redrive(worker: JobsWorker, services: Given) -> Response:
    """Run the jobs of the dead-letter queue again; a message whose job has not failed is dropped."""
    sent, dropped = services.queues.redrive(worker.model, lambda model, body: _requeued(services, model, body))
    return answer({"model": worker.model, "redriven": sent, "dropped": dropped})


@router.api_route("/jobs/{job}", methods=["GET", "HEAD"])
async def show(job: str, services: Given) -> Response:
    """Return a job: queued, running, done with its result or a link to it, failed with its problem, or cancelled."""
    record = services.jobs.get(*_named(services, job))
    return answer(view(record) | _result(record))


@router.delete("/jobs/{job}")
async def cancel(job: str, services: Given) -> Response:
    """Cancel a job: a queued one never runs, the result of a running one is dropped."""
    return answer(view(services.jobs.cancel(*_named(services, job))))


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


def _submit(services: Services, worker: Worker, body: bytes, url: str | None) -> dict[str, Any]:
    """Record a job, then send its message. Raises StoreError after the record is set to failed."""
    model, job = worker.model, new_id()
    version = services.workers.version(worker).model_version
    queue = services.queues.url(model)
    if url is None and len(body) > MOST_BODY_BYTES:
        url = _put(services, f"{model}/jobs/{job}/body.json", body)
    days = (worker.jobs or {}).get("expires_days")
    record = services.jobs.create(
        model,
        job,
        version=version,
        body=body if url is None else None,
        url=url,
        kept_s=KEPT_S if days is None else days * 24 * 3600,
    )
    try:
        services.queues.send(queue, {"model": model, "id": job})
    except StoreError:
        _give_up(services, record)
        raise
    return view(record)


def _requeued(services: Services, model: str, body: str) -> bool:
    """Set the job of a message back to queued; False if it names none that failed."""
    try:
        document = json.loads(body)
        services.jobs.requeue(model, str(document["id"]))
    except (ValueError, KeyError, TypeError, UnknownJobError, ConflictError):
        return False
    return True


def _give_up(services: Services, record: JobRecord) -> None:
    """Set a job to failed whose message was not sent; if it arrived all the same, its worker finds the job ended."""
    try:
        held = services.jobs.claim(record.model, record.id, "not-sent", time.time() + 60).job
        if held is not None:
            services.jobs.fail(held, StoreError("the message was not sent").problem())
    except ModeletError as error:
        logger.error("a job that was not sent is still queued", job=record.id, exc_info=error)


def _put(services: Services, key: str, body: bytes) -> str:
    with calling("S3"):
        aws("s3").put_object(Bucket=services.settings.batches, Key=key, Body=body, ContentType=JSON)
    return f"s3://{services.settings.batches}/{key}"


def _result(record: JobRecord) -> dict[str, Any]:
    """Return the members of a job that is done: the status, and the result or a link to it."""
    if record.result_url is not None:
        bucket, _, key = record.result_url.removeprefix("s3://").partition("/")
        with calling("S3"):
            link = aws("s3").generate_presigned_url(
                "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=LINK_S
            )
        return {"status": record.status, "result_url": link, "result_url_expires": moment(time.time() + LINK_S)}
    if record.result is not None:
        return {"status": record.status, "result": json.loads(record.result)}
    return {}


def _named(services: Services, name: str) -> tuple[str, str]:
    """Return the model and the id of a job. Raises NotFoundError for a model that takes no jobs."""
    model, job = parse_job_name(name)
    return services.workers.get(model, "jobs").model, job


def _of(worker: Worker, name: str) -> str:
    if parse_job_name(name)[0] != worker.model:
        raise UnknownJobError(f"The model {worker.model} has no job {name[:150]}: it is another model's.")
    return name
