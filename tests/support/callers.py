"""The rungs of a ladder: the same event answered in process, by the official runtime client, and over HTTP."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from modelet.dev.project.author import author_modules
from modelet.dev.project.project import Function, Project
from modelet.handler import ModelHandler
from modelet.settings import Settings
from support.contexts import Context

OURS = {"content-type", "x-model-version", "x-request-id", "allow", "retry-after", "accept", "accept-encoding"}
"""The headers of an answer that a model sends; the others are the server's."""


@contextmanager
def in_process(function: Function, settings: Settings) -> Iterator[ModelHandler]:
    """A function's own handler, loaded in this process as its environment would load it."""
    with author_modules(function.folder) as load:
        handler: ModelHandler = load("app").handler if function.has_app else ModelHandler()
        handler.load(settings)
        yield handler


def answered(project: Project, folder: str, event: Any, tmp: Path) -> dict[str, Any]:
    """The essence of the answer that a model's own handler gives in this process. tmp: its writable folder."""
    function = project.function(folder)
    with in_process(function, Settings(function.folder, project.store_url(None), tmp)) as handler:
        return essence(handler(event, Context()))


def essence(response: dict[str, Any]) -> dict[str, Any]:
    """What must be equal on every rung: all of a response but its request id."""
    headers = {name.lower(): value for name, value in response["headers"].items()}
    headers.pop("x-request-id")
    return {"status": response["statusCode"], "headers": headers, "body": json.loads(response["body"])}


def over_http(url: str, event: dict[str, Any]) -> dict[str, Any]:
    """Send what the event says was sent; of the answer, the headers that are ours."""
    method, path, query, headers, body = sent(event)
    answer = httpx.request(method, f"{url}{path}", params=query, content=body, headers=headers, timeout=30)
    return received(answer)


def sent(event: dict[str, Any]) -> tuple[str, str, dict[str, str], dict[str, str], bytes]:
    """What an event of either payload version says was sent: method, path, query, headers and body."""
    rest = "httpMethod" in event
    method = event["httpMethod"] if rest else event["requestContext"]["http"]["method"]
    path = event["path"] if rest else event["rawPath"]
    body = (event.get("body") or "").encode()
    if event.get("isBase64Encoded"):
        body = base64.b64decode(body)
    headers = {name: value for name, value in event["headers"].items() if name.lower() in {"content-type", "accept"}}
    return method, path, event.get("queryStringParameters") or {}, headers, body


def received(answer: httpx.Response) -> dict[str, Any]:
    """An answer as its handler gave it, with the headers that are ours."""
    ours = {name: value for name, value in answer.headers.items() if name in OURS}
    return {"statusCode": answer.status_code, "headers": ours, "body": answer.text}
