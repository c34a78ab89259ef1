"""Calls of batches, predictions and jobs of a deployed model; every one goes through its API."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx

from e2e.deploy.deployment import Deployment
from e2e.deploy.project import BATCHED, REQUEST
from support.samples import sample

PATH = f"/models/{BATCHED}"
ROWS = 100
JSON = {"content-type": "application/json"}
LIMIT_S = 120
"""Seconds that a batch or a job may take; an import waits 15 s between two looks."""
AGAIN_S = 2.5
"""An environment reads the pointer to the active generation again after 2 s."""
EVENT = sample(BATCHED)
INSTANCE = json.loads(EVENT["body"])
"""The first row of the inputs, patient-1, as a request."""


def call(deployment: Deployment, method: str, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
    """Call the API, and give the body of an answer that must have the status."""
    sent = b"" if body is None else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = deployment.api.call(method, path, sent, {**JSON, **named} if sent else named)
    assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json()


def start(deployment: Deployment, **members: Any) -> str:
    """Start a batch; gives its path."""
    started = call(deployment, "POST", f"{PATH}/batches", {**REQUEST, **members}, 202)
    return str(started["status_url"])


def until(found: Callable[[], Any], missing: str) -> Any:
    """Ask again and again until the answer is true; gives the answer."""
    ends = time.monotonic() + LIMIT_S
    while not (answer := found()):
        assert time.monotonic() < ends, missing
        time.sleep(0.2)
    return answer


def ended(deployment: Deployment, path: str) -> dict[str, Any]:
    """Wait until a batch or a job has ended."""
    found: dict[str, Any] = {}

    def has_ended() -> bool:
        found.update(call(deployment, "GET", path))
        return found["state"].upper() in {"DONE", "FAILED", "CANCELLED"}

    until(has_ended, f"{path} has not ended after {LIMIT_S} s")
    return found


def inferred(deployment: Deployment) -> Any:
    """What the model itself answers for the first row."""
    return json.loads(deployment.api.send(EVENT)["body"])


def one_batch(deployment: Deployment, **members: Any) -> dict[str, Any]:
    """Start a batch that must be done; gives its record."""
    found = ended(deployment, start(deployment, **members))
    assert (found["state"], found["rows_done"], found["rows_failed"]) == ("DONE", ROWS, 0), found
    return found


def active(deployment: Deployment) -> str:
    """The active generation, after every environment has seen it."""
    time.sleep(AGAIN_S)
    return str(call(deployment, "GET", f"{PATH}/predictions")["generation"])


def uploaded(deployment: Deployment, rows: int) -> dict[str, str]:
    """Upload the body of a job with the same instance many times; gives the body that names it."""
    form = call(deployment, "POST", f"{PATH}/uploads", status=201)
    body = json.dumps({"instances": [INSTANCE] * rows})
    with httpx.Client(verify=deployment.account.trust, timeout=60) as client:
        sent = client.post(form["url"], data=form["fields"], files={"file": ("body", body)})
    assert sent.is_success, sent.text
    return {"upload": form["upload"]}


def linked(deployment: Deployment, job: dict[str, Any]) -> Any:
    """The result of a job that is done, behind its link."""
    assert job["state"] == "done", job
    with httpx.Client(verify=deployment.account.trust, timeout=60) as client:
        return client.get(job["result_url"]).json()
