"""Jobs of a deployed stage, step by step, for steps.py."""

from __future__ import annotations

import json
from typing import Any

import pytest

from e2e.deploy.asking import INSTANCE, PATH, call, ended, inferred, linked, until, uploaded
from e2e.deploy.deployment import Deployment, function_name
from e2e.deploy.project import BATCHED

MANY = 20_000
"""Rows of a job whose body and result are objects in S3."""
VISIBLE_AFTER_S = 3
"""Seconds after which a failed message comes again here; in AWS it is six times the worker's timeout."""


def a_job_has_the_answer_that_the_model_gives(deployment: Deployment) -> None:
    with deployment.step("a job"):
        done = ended(deployment, call(deployment, "POST", f"{PATH}/jobs", INSTANCE, 202)["status_url"])
    assert (done["state"], done["status"], done["attempts"]) == ("done", 200, 1), done
    assert done["result"] == pytest.approx(inferred(deployment))
    failed = ended(deployment, call(deployment, "POST", f"{PATH}/jobs", {"age": "old"}, 202)["status_url"])
    assert (failed["state"], failed["problem"]["status"]) == ("failed", 422)
    call(deployment, "DELETE", done["status_url"], status=409)


def a_large_job_is_uploaded_and_its_result_is_a_link(deployment: Deployment) -> None:
    job = call(deployment, "POST", f"{PATH}/jobs", uploaded(deployment, MANY), 202)
    assert len(linked(deployment, ended(deployment, job["status_url"]))["predictions"]) == MANY


def jobs_that_fail_at_every_attempt_can_be_redriven(deployment: Deployment) -> None:
    """The worker may not write large results for a while. Beside such a job is a message that names none."""
    iam, sqs = deployment.account.client("iam"), deployment.account.client("sqs")
    name, bucket = function_name(BATCHED), deployment.worker_variables(BATCHED)["MODELET_BATCHES"].removeprefix("s3://")
    queue, failed = (sqs.get_queue_url(QueueName=f"{name}-{each}")["QueueUrl"] for each in ("jobs", "jobs-failed"))
    kept = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])["Attributes"]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": str(VISIBLE_AFTER_S)})
    worker = deployment.account.client("lambda").get_function_configuration(FunctionName=f"{name}-worker")
    denied = {"Effect": "Deny", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/{BATCHED}/jobs/*"}
    role = {"RoleName": worker["Role"].rpartition("/")[2], "PolicyName": "no-results"}
    iam.put_role_policy(**role, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [denied]}))
    with deployment.step("a job fails three times"):
        path = call(deployment, "POST", f"{PATH}/jobs", uploaded(deployment, MANY), 202)["status_url"]
        sqs.send_message(QueueUrl=queue, MessageBody="no job")
        job = ended(deployment, path)
        assert (job["state"], job["attempts"], job["problem"]["status"]) == ("failed", 3, 503), job
        until(lambda: _waiting(sqs, failed) == 2, "the messages are not in the dead-letter queue")
    iam.delete_role_policy(**role)
    assert call(deployment, "POST", f"{PATH}/jobs/redrive") == {"model": BATCHED, "redriven": 1, "dropped": 1}
    job = ended(deployment, path)
    assert len(linked(deployment, job)["predictions"]) == MANY
    assert (job["attempts"], _waiting(sqs, failed)) == (1, 0)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes=kept)


def _waiting(sqs: Any, queue: str) -> int:
    """The number of messages in a queue."""
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])
    return int(found["Attributes"]["ApproximateNumberOfMessages"])
