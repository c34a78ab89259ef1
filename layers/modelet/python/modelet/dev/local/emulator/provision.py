"""What a stage has in AWS for batches and jobs, made in the emulator: tables, a bucket, queues, workers, a workflow."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelet import batch
from modelet.batch.table import CONTROL, EXPIRES, PREDICTIONS
from modelet.dev.local.emulator import names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from modelet.batch.table import TableKeys
    from modelet.dev.local.emulator.worker import Worker

MACHINE = Path(batch.__file__).with_name("machine.asl.json")
"""The definition of the workflow, which the stacks deploy too."""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": ["lambda.amazonaws.com", "states.amazonaws.com"]},
        }
    ],
}
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
VISIBILITY_IN_TIMEOUTS = 6
"""How many timeouts of its worker a job is invisible.

Source: docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html.
"""


def provision(variables: Mapping[str, str], workers: Iterable[Worker], machine: Path = MACHINE) -> None:
    """Create what is missing and update what there is; tables, files and messages stay.

    variables: those by which boto3 reaches the emulator. machine: the workflow's definition in Amazon States Language.
    """
    connect = _connector(variables)
    role = _role(connect("iam"))
    tables = connect("dynamodb")
    _table(tables, names.CONTROL_TABLE, CONTROL)
    connect("s3").create_bucket(Bucket=names.BATCHES)
    for worker in workers:
        for name in (names.worker_name(worker.model), names.function_name(worker.model)):
            _function(connect("lambda"), name, worker, role)
        if worker.batch:
            _table(tables, names.prediction_table(worker.model), PREDICTIONS)
        if worker.jobs:
            _queues(connect("sqs"), connect("lambda"), worker)
    _state_machine(connect("stepfunctions"), machine.read_text(), role)


def _connector(variables: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a function that makes a client of a service; the user's own settings and profiles are none of its."""
    import boto3
    from botocore.config import Config
    from botocore.session import get_session

    session = get_session()
    session.set_config_variable("config_file", "/dev/null")
    session.set_config_variable("credentials_file", "/dev/null")
    session.set_config_variable("profile", None)
    made = boto3.Session(
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        region_name=variables["AWS_REGION"],
        botocore_session=session,
    )
    config = Config(retries={"total_max_attempts": 3}, proxies={})
    return lambda service: made.client(service, endpoint_url=variables["AWS_ENDPOINT_URL"], config=config)


def _role(client: Any) -> str:
    """Make the role of the workers and the workflow, which may do everything in the emulator; return its ARN."""
    with contextlib.suppress(client.exceptions.EntityAlreadyExistsException):
        client.create_role(RoleName=names.ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))
    client.put_role_policy(RoleName=names.ROLE, PolicyName=names.ROLE, PolicyDocument=json.dumps(EVERYTHING))
    arn: str = client.get_role(RoleName=names.ROLE)["Role"]["Arn"]
    return arn


def _table(client: Any, name: str, keys: TableKeys) -> None:
    if name in client.list_tables()["TableNames"]:
        return
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[
            {"AttributeName": keys.partition, "KeyType": "HASH"},
            {"AttributeName": keys.sort, "KeyType": "RANGE"},
        ],
    )
    client.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": EXPIRES})


def _function(client: Any, name: str, worker: Worker, role: str) -> None:
    """Make a function that can be invoked; the runtime knows its code, its environment and its limits."""
    limits = {"MemorySize": worker.function.memory_mb, "Timeout": int(worker.function.timeout_s)}
    try:
        client.create_function(
            FunctionName=name, PackageType="Image", Code={"ImageUri": f"{name}:latest"}, Role=role, **limits
        )
    except client.exceptions.ResourceConflictException:
        client.update_function_configuration(FunctionName=name, Role=role, **limits)


def _queues(client: Any, functions: Any, worker: Worker) -> None:
    failed = _queue(client, names.failed_queue_name(worker.model), {"MessageRetentionPeriod": str(14 * 86_400)})
    redrive = {"deadLetterTargetArn": _queue_arn(client, failed), "maxReceiveCount": worker.attempts}
    url = _queue(
        client,
        names.queue_name(worker.model),
        {
            "VisibilityTimeout": str(int(worker.function.timeout_s) * VISIBILITY_IN_TIMEOUTS),
            "RedrivePolicy": json.dumps(redrive),
        },
    )
    name, source = names.worker_name(worker.model), _queue_arn(client, url)
    settings = {
        "FunctionName": name,
        "BatchSize": 1,
        "ScalingConfig": {"MaximumConcurrency": max(2, worker.jobs_at_once)},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }
    known = functions.list_event_source_mappings(FunctionName=name, EventSourceArn=source)["EventSourceMappings"]
    if known:
        functions.update_event_source_mapping(UUID=known[0]["UUID"], **settings)
    else:
        functions.create_event_source_mapping(EventSourceArn=source, **settings)


def _queue(client: Any, name: str, attributes: dict[str, str]) -> str:
    """Make a queue, or give an existing one these attributes; return its URL."""
    try:
        url: str = client.get_queue_url(QueueName=name)["QueueUrl"]
    except client.exceptions.QueueDoesNotExist:
        url = client.create_queue(QueueName=name)["QueueUrl"]
    client.set_queue_attributes(QueueUrl=url, Attributes=attributes)
    return url


def _queue_arn(client: Any, url: str) -> str:
    arn: str = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return arn


def _state_machine(client: Any, definition: str, role: str) -> None:
    known = [each["stateMachineArn"] for each in client.list_state_machines()["stateMachines"]]
    if names.STATE_MACHINE in known:
        client.update_state_machine(stateMachineArn=names.STATE_MACHINE, definition=definition, roleArn=role)
    else:
        client.create_state_machine(name=names.BATCHES, definition=definition, roleArn=role)
