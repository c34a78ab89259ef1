"""The sample events are what API Gateway sends, field for field."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.parser.models import APIGatewayProxyEventModel, APIGatewayProxyEventV2Model

from modelet.protocols.binary import RAW
from modelet.protocols.form import MULTIPART
from support.samples import EVERY_EVENT, FOLDERS, sample

EVENTS = [path for _, path in EVERY_EVENT]


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def body_of(event: dict[str, Any]) -> bytes:
    body = event["body"]
    return base64.b64decode(body, validate=True) if event["isBase64Encoded"] else body.encode()


@pytest.fixture(params=EVENTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def path(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


def test_an_event_is_valid_for_powertools_model_of_its_payload(path: Path) -> None:
    event = read(path)
    model = APIGatewayProxyEventModel if "httpMethod" in event else APIGatewayProxyEventV2Model
    model.model_validate(event)


def test_an_event_tells_one_story(path: Path) -> None:
    event = read(path)
    name, context = path.parent.name.replace("_", "-"), event["requestContext"]
    if "httpMethod" in event:
        asked, stamp, millis = event["path"], context["requestTime"], context["requestTimeEpoch"]
        assert context["path"] == f"/{context['stage']}{asked}"
        assert {key: [value] for key, value in event["headers"].items()} == event["multiValueHeaders"]
        assert context["httpMethod"] == event["httpMethod"]
    else:
        asked, stamp, millis = event["rawPath"], context["time"], context["timeEpoch"]
        assert context["http"]["path"] == asked
        assert event["routeKey"] == context["routeKey"]
    assert asked == (f"/v2/models/{name}/ready" if path.stem == "ready" else f"/models/{name}/infer")
    assert int(datetime.strptime(stamp, "%d/%b/%Y:%H:%M:%S %z").timestamp()) == millis // 1000
    assert context["accountId"] == "123456789012"
    if path.stem != "ready":
        headers = {key.lower(): value for key, value in event["headers"].items()}
        if path.parent.name == "digits" and event["isBase64Encoded"]:  # files, as API Gateway sends them
            assert headers["content-type"].partition(";")[0] in {*RAW, MULTIPART}
            assert base64.b64decode(event["body"], validate=True)
            return
        assert headers["content-type"] == "application/json"
        assert int(headers.get("content-length", len(body_of(event)))) == len(body_of(event))
        assert isinstance(json.loads(body_of(event)), dict | list)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_batch_has_several_instances_and_a_single_event_is_bare(folder: str) -> None:
    batch = json.loads(body_of(sample(folder, "infer_batch")))
    assert len(batch if isinstance(batch, list) else batch["instances"]) > 1  # a plain predictor has its own bodies
    for bare in ("infer", "infer_rest"):
        assert "instances" not in json.loads(body_of(sample(folder, bare)))
