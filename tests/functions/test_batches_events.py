"""The sample events of the function are what API Gateway sends, and it answers them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.parser.models import APIGatewayProxyEventModel, APIGatewayProxyEventV2Model

from support.batches_api import Api
from support.repository import ROOT

FOLDER = ROOT / "events" / "batches"
STATUSES = {
    "job": 202,
    "job_rest": 202,
    "list": 200,
    "prediction": 200,
    "prediction_rest": 200,
    "predictions": 200,
    "ready": 200,
    "start": 202,
    "start_rest": 202,
    "upload": 201,
}


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_each_sample_has_a_status() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == sorted(STATUSES)


@pytest.mark.parametrize("name", sorted(STATUSES))
def test_a_sample_is_what_the_gateway_sends_and_is_answered(api: Api, name: str) -> None:
    event = read(FOLDER / f"{name}.json")
    model = APIGatewayProxyEventModel if "httpMethod" in event else APIGatewayProxyEventV2Model
    model.model_validate(event)
    api.stage.load({"a/b c+é": {"label": "yes"}})
    api.services.lookup._read.clear()
    answer = api(event)
    assert answer.status == STATUSES[name], answer.body
    if name.startswith("prediction"):
        assert "a/b c+é" in json.dumps(answer.body, ensure_ascii=False)
