"""The platform function for batches, predictions, jobs and uploads of all models."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.checks.nag import accept_resource
from infra.constructs.batches.ended_rule import EndedRule
from infra.constructs.batches.machine import executions_arn, machine_arn
from infra.constructs.platform.platform_function import PlatformFunction
from infra.constructs.release.release import ALIAS
from infra.discovery import BATCHES, worker_name

if TYPE_CHECKING:
    from pathlib import Path

    from aws_cdk import aws_lambda as lambda_

    from infra.constructs.storage.batch_storage import BatchStorage
    from infra.stage import Stage

WORKERS = "workers"
"""The path, below the stage's parameters, where each model's stack writes what its batches and jobs take."""

TIMEOUT_S = 29
"""A look-up may infer what the table lacks, and API Gateway waits no longer."""

TRIES = 2
OLDEST_EVENT = Duration.hours(1)
"""How often and how long Lambda repeats the start of a batch by a schedule, after one minute and after two more.

More than twice is not possible. Source: docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html.
"""

RECORDS = [
    "dynamodb:BatchGetItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
]
"""What the records of batches, jobs and idempotency keys need; a transaction needs the rights of its parts."""


class BatchesFunction(Construct):
    """The function `batches`: it writes records, starts executions, fills queues, and never runs a model itself.

    alarm: raised if a schedule's start of a batch failed at every attempt.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        root: Path,
        layer: lambda_.LayerVersion,
        storage: BatchStorage,
    ) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        path = stage.parameter(WORKERS)
        self.function = PlatformFunction(
            self,
            "Platform",
            stage=stage,
            root=root,
            folder=BATCHES,
            layer=layer,
            function_name=stage.function_name(BATCHES),
            environment={
                "MODELET_PREFIX": stage.prefix,
                "MODELET_CONTROL_TABLE": storage.control_table,
                "MODELET_BATCHES": f"s3://{storage.bucket}",
                "MODELET_STATE_MACHINE": machine_arn(self, stage),
                "MODELET_WORKERS": f"ssm:{path}",
            },
            memory_mb=1024,
            timeout_s=TIMEOUT_S,
        ).function
        self._role = cast("iam.Role", self.function.role)
        self._may_use_tables_and_files(storage)
        self._may_start_work(path)
        self.function.configure_async_invoke(retry_attempts=TRIES, max_event_age=OLDEST_EVENT)
        self.alarm = self._dropped()
        EndedRule(self, "Ended", stage=stage, function=self.function)

    def _may_use_tables_and_files(self, storage: BatchStorage) -> None:
        stack, names = Stack.of(self), self._stage.function_name
        control = stack.format_arn(service="dynamodb", resource="table", resource_name=storage.control_table)
        predictions = stack.format_arn(service="dynamodb", resource="table", resource_name=names("*"))
        bucket = stack.format_arn(service="s3", region="", account="", resource=storage.bucket)
        self._allow(RECORDS, control)
        # All predictions of a batch are read by scans.
        self._allow(
            ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Scan"],
            predictions,
            "The prediction tables of all models of the stage; imports create new ones, named by their batches.",
        )
        self._allow(
            ["s3:GetObject", "s3:PutObject"],
            f"{bucket}/*",
            "The files of the batches, jobs and uploads of all models of the stage.",
        )
        # Without it, S3 answers 403 instead of 404 for a missing object.
        self._allow(["s3:ListBucket"], bucket)

    def _may_start_work(self, path: str) -> None:
        stack, names = Stack.of(self), self._stage.function_name
        parameters = stack.format_arn(service="ssm", resource="parameter", resource_name=path.removeprefix("/"))
        self._allow(["ssm:GetParametersByPath"], parameters)
        self._allow(["states:StartExecution"], machine_arn(self, self._stage))
        self._allow(
            ["states:DescribeExecution", "states:StopExecution"],
            executions_arn(self, self._stage),
            "The executions of the state machine of batches, one for each attempt.",
        )
        for suffix in ("", f":{ALIAS}"):
            self._allow(
                ["lambda:GetAlias"],
                self._lambda(f"{names(worker_name('*'))}{suffix}"),
                "The workers of all models of the stage.",
            )
        self._allow(
            ["lambda:InvokeFunction"],
            self._lambda(f"{names('*')}:{ALIAS}"),
            "The live aliases of all models of the stage, for predictions that the table lacks.",
        )
        for queue, actions in (
            (queue_name(self._stage, "*"), ["sqs:GetQueueUrl", "sqs:SendMessage"]),
            (failed_queue_name(self._stage, "*"), ["sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"]),
        ):
            self._allow(
                actions,
                stack.format_arn(service="sqs", resource=queue),
                "The queues of the jobs of all models of the stage.",
            )

    def _dropped(self) -> cloudwatch.Alarm:
        """Return the alarm on asynchronous events that Lambda dropped after its last attempt."""
        name = self._stage.function_name(BATCHES)
        return cloudwatch.Alarm(
            self,
            "DroppedAlarm",
            alarm_name=f"{name}-dropped",
            alarm_description=f"{name}: a scheduled batch was not started, or the end of one was not recorded: the "
            "function's log has the reason, and `modelet batch start` starts it.",
            metric=cloudwatch.Metric(
                namespace="AWS/Lambda",
                metric_name="AsyncEventsDropped",
                dimensions_map={"FunctionName": name},
                period=Duration.minutes(1),
                statistic="Sum",
            ),
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    def _lambda(self, name: str) -> str:
        return Stack.of(self).format_arn(
            service="lambda", resource="function", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )

    def _allow(self, actions: list[str], resource: str, reason: str = "") -> None:
        self._role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[resource]))
        if reason:
            accept_resource(self._role, resource, reason)


def queue_name(stage: Stage, model: str) -> str:
    """Return the name of the queue of a model's jobs."""
    return stage.function_name(f"{model}-jobs")


def failed_queue_name(stage: Stage, model: str) -> str:
    """Return the name of the queue of the jobs that failed at every attempt."""
    return stage.function_name(f"{model}-jobs-failed")
