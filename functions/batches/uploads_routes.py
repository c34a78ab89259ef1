"""Uploads: places in S3 for bodies above the gateway's 6 MB, with a link that takes one object."""

from __future__ import annotations

import re
from typing import Any

from bodies import answer, read_json, refuse
from botocore.exceptions import ClientError
from fastapi import APIRouter, Request, Response
from pages import ID
from problems import calling, code_of
from services import Given, JobsWorker, Services, aws

from modelet.batch.table import new_id
from modelet.protocols import rows, service
from modelet.protocols.media import negotiate
from modelet.protocols.service import JSON

EXPIRES_S = 900
"""Seconds for which the link takes an object; less if the function's own credentials end earlier."""

router = APIRouter()


@router.post("/models/{name}/uploads", status_code=201)
async def create(request: Request, worker: JobsWorker, services: Given) -> Response:
    """Return a form for one upload: POST its `fields` and the file to its `url`; a job then names its `upload`.

    The body may name the content type of the file, `{"content_type": "application/json"}`: one that /infer takes.
    """
    content_type = _content_type(await read_json(request)) if await request.body() else JSON
    upload, settings = new_id(), services.settings
    conditions: list[Any] = [{"Content-Type": content_type}, ["content-length-range", 1, settings.upload_bytes]]
    with calling("S3"):
        form = aws("s3").generate_presigned_post(
            settings.batches,
            key_of(worker.model, upload),
            Fields={"Content-Type": content_type},
            Conditions=conditions,
            ExpiresIn=EXPIRES_S,
        )
    return answer(
        {
            "upload": upload,
            "url": form["url"],
            "fields": form["fields"],
            "content_type": content_type,
            "max_bytes": settings.upload_bytes,
            "expires_s": EXPIRES_S,
        },
        201,
    )


def key_of(model: str, upload: str) -> str:
    """Return the key of an upload in the bucket."""
    return f"{model}/uploads/{upload}"


def uploaded(services: Services, model: str, upload: Any) -> tuple[str, str]:
    """Return the URL and the content type of an upload that a job names.

    Raises ContractError if nothing was uploaded, StoreError.
    """
    if not isinstance(upload, str) or not re.fullmatch(ID, upload):
        raise refuse("upload", f"is not the id of an upload: POST /models/{model}/uploads gives one")
    key = key_of(model, upload)
    with calling("S3"):
        try:
            found = aws("s3").head_object(Bucket=services.settings.batches, Key=key)
        except ClientError as error:
            if code_of(error) not in {"404", "NoSuchKey", "NotFound"}:
                raise
            raise refuse(
                "upload", f"nothing was uploaded as {upload}, or it has expired: upload the body first"
            ) from None
    return f"s3://{services.settings.batches}/{key}", found["ContentType"]


def _content_type(document: Any) -> str:
    """Return the content type that a body names. Raises ContractError, and MediaTypeError if no worker reads it."""
    given = document.get("content_type", JSON) if isinstance(document, dict) else None
    if not isinstance(given, str) or set(document) - {"content_type"}:
        raise refuse("content_type", f'send no body, or {{"content_type": "{JSON}"}}')
    negotiate(service.Request("POST", "", {"content-type": given}), rows.MEDIA)
    return given
