"""Calls of a deployed API and of its models, and who may make them, step by step, for steps.py."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from e2e.deploy.deployment import TOOLS, Deployment, function_name, model_stack
from e2e.deploy.project import WARM
from support.callers import essence
from support.samples import FOLDERS, sample


def a_model_answers_lambda_s_own_invoke(deployment: Deployment) -> None:
    event = json.loads(sample(WARM)["body"])
    client = deployment.account.client("lambda")
    answer = client.invoke(FunctionName=function_name(WARM), Qualifier="live", Payload=json.dumps(event))
    assert "FunctionError" not in answer
    assert json.load(answer["Payload"]) == essence(deployment.api.send(sample(WARM)))["body"]


def the_index_answers_what_no_model_does(deployment: Deployment) -> None:
    assert deployment.served() == {function.name: "1" for function in deployment.project.functions()}
    assert deployment.api.call("GET", "/v2/health/ready").json()["ready"]
    missing = deployment.api.call("GET", "/nowhere")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")


def the_curl_line_that_a_deployment_prints_works_as_it_stands(deployment: Deployment) -> None:
    for folder in FOLDERS:
        line = deployment.output(model_stack(folder.replace("_", "-")), "CallWithCurl")
        said = deployment.run("sh", "-c", f"{line} --silent")
        assert json.loads(said) == essence(deployment.api.send(sample(folder)))["body"]


def modelet_call_signs_as_the_api_wants_it(deployment: Deployment) -> None:
    event = sample(WARM)
    said = deployment.run(TOOLS / "modelet", "call", deployment.api.by_address(event["rawPath"]), event["body"])
    assert json.loads(said) == essence(deployment.api.send(event))["body"]


def a_call_that_nobody_signed_is_refused(deployment: Deployment) -> None:
    unsigned = deployment.api.call("GET", "/v2/health/live", credentials=None)
    assert (unsigned.status_code, unsigned.json()) == (403, {"message": "Forbidden"})
    stranger = {"AccessKeyId": "AKIA0000000000000000", "SecretAccessKey": "unknown"}
    assert deployment.api.call("GET", "/v2/health/live", credentials=stranger).status_code == 403


def a_caller_may_call_what_its_policy_says(deployment: Deployment) -> None:
    allowed = f"arn:aws:execute-api:*:*:{deployment.api.id}/$default/GET/models"
    caller = deployment.account.caller("execute-api:Invoke", allowed)
    assert deployment.api.call("GET", "/models", credentials=caller).status_code == 200
    assert deployment.api.call("GET", f"/models/{WARM}", credentials=caller).status_code == 403


def the_api_may_call_a_live_alias_only_as_long_as_its_policy_says_so(deployment: Deployment) -> None:
    alias = {"FunctionName": function_name(WARM), "Qualifier": "live"}
    client = deployment.account.client("lambda")
    [granted] = json.loads(client.get_policy(**alias)["Policy"])["Statement"]
    client.remove_permission(**alias, StatementId=granted["Sid"])
    assert deployment.api.send(sample(WARM))["statusCode"] == 500
    client.add_permission(
        **alias,
        StatementId=granted["Sid"],
        Action=granted["Action"],
        Principal=granted["Principal"]["Service"],
        SourceArn=granted["Condition"]["ArnLike"]["AWS:SourceArn"],
    )
    assert deployment.api.send(sample(WARM))["statusCode"] == 200


def a_model_s_role_reads_its_own_versions_and_nothing_else(deployment: Deployment) -> None:
    for folder in FOLDERS:
        _check_role(deployment, deployment.project.function(folder).name)


def _check_role(deployment: Deployment, name: str) -> None:
    function = deployment.account.client("lambda").get_function_configuration(FunctionName=function_name(name))
    s3, bucket = deployment.account.client("s3", deployment.account.assume(function["Role"])), deployment.bucket
    own = f"models/{name}/1/model.json"
    other = next(f"models/{each.name}/1/model.json" for each in deployment.project.functions() if each.name != name)
    assert json.load(s3.get_object(Bucket=bucket, Key=own)["Body"])["name"] == name
    refused: dict[str, Any] = {
        "get_object": {"Key": other},
        "put_object": {"Key": own, "Body": b"{}"},
        "delete_object": {"Key": own},
        "list_objects_v2": {},
    }
    for operation, words in refused.items():
        with pytest.raises(ClientError, match="AccessDenied"):
            getattr(s3, operation)(Bucket=bucket, **words)
