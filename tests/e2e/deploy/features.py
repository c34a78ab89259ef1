"""Features by key in a deployed stage: a model reads the predictions of another one, and nothing else, for steps.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from e2e.deploy.asking import PATH, active, call
from e2e.deploy.deployment import Deployment, function_name, model_stack
from e2e.deploy.project import BATCHED, READER, read_features
from modelet.batch.table import active_key
from support.samples import sample


def a_model_reads_the_predictions_of_another_by_key(deployment: Deployment) -> None:
    read_features(deployment.project)
    with deployment.step("synth and deploy a model that reads features"):
        deployment.synth()
        deployment.deploy(model_stack(READER))
    row = {name: value for name, value in json.loads(sample(READER)["body"]).items() if name != "charge"}
    found = call(deployment, "GET", f"{PATH}/predictions?key=patient-7")["prediction"]
    answer = call(deployment, "POST", f"/models/{READER}/infer", {**row, "patient": "patient-7", "order": 5})
    assert (answer["order"], set(answer)) == (5, {"order", "label", "probability", "probabilities"})
    call(deployment, "POST", f"/models/{READER}/infer", {**row, "charge": found, "order": 5}, 422)
    problem = call(deployment, "POST", f"/models/{READER}/infer", {**row, "patient": "nobody", "order": 5}, 422)
    assert problem["errors"][0]["rule"] == "features_missing"


def its_role_reads_that_pointer_and_those_predictions_only(deployment: Deployment) -> None:
    account, name = deployment.account, function_name(READER)
    function = account.client("lambda").get_function_configuration(FunctionName=name)
    tables = account.client("dynamodb", account.assume(function["Role"]))
    control = function["Environment"]["Variables"]["MODELET_FEATURES_TABLE"]
    pointer = {key: {"S": value} for key, value in active_key(BATCHED).items()}
    table = tables.get_item(TableName=control, Key=pointer)["Item"]["table"]["S"]
    row = {"id": {"S": "patient-7"}, "generation": {"S": active(deployment)}}
    assert tables.get_item(TableName=table, Key=row)["Item"]
    assert tables.batch_get_item(RequestItems={table: {"Keys": [row]}})["Responses"][table]
    other = {key: {"S": value} for key, value in active_key("sentiment").items()}
    refused: list[Callable[[], Any]] = [
        lambda: tables.get_item(TableName=control, Key=other),
        lambda: tables.batch_get_item(RequestItems={control: {"Keys": [pointer]}}),
        lambda: tables.put_item(TableName=control, Item=pointer),
        lambda: tables.scan(TableName=table),
        lambda: tables.put_item(TableName=table, Item=row),
        lambda: tables.get_item(TableName=deployment.prediction_table("sentiment"), Key=row),
    ]
    for attempt in refused:
        with pytest.raises(ClientError, match="AccessDenied"):
            attempt()
