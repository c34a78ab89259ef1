"""The queue of a model's jobs, which its worker empties, and the queue of those that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.batches.batches_function import failed_queue_name, queue_name

if TYPE_CHECKING:
    from infra.discovery import Deployable
    from infra.stage import Stage
    from modelet.dev.project.worker_sections import Jobs

VISIBILITY_IN_TIMEOUTS = 6
"""How many timeouts of its worker a job is invisible; so long, Lambda tries again to start a throttled worker.

Source: docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html.
"""
LONGEST_VISIBILITY_S = 12 * 3600
LONGEST_RETENTION_DAYS = 14
"""SQS's limits."""

CONSUME = [
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:ReceiveMessage",
]
"""What a function's role needs so that Lambda empties a queue for it."""


class JobQueue(Construct):
    """The queue of one model's jobs, with a dead-letter queue. alarm: raised if that has messages."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, model: Deployable, jobs: Jobs) -> None:
        super().__init__(scope, construct_id)
        worker = model.worker
        assert worker is not None, "jobs make a worker"  # noqa: S101 - for the type checker
        self._jobs = jobs
        failed = sqs.Queue(
            self,
            "Failed",
            queue_name=failed_queue_name(stage, model.name),
            enforce_ssl=True,
            retention_period=Duration.days(LONGEST_RETENTION_DAYS),
        )
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=queue_name(stage, model.name),
            enforce_ssl=True,
            retention_period=Duration.days(min(jobs.expires_days, LONGEST_RETENTION_DAYS)),
            visibility_timeout=Duration.seconds(min(worker.timeout_s * VISIBILITY_IN_TIMEOUTS, LONGEST_VISIBILITY_S)),
            dead_letter_queue=sqs.DeadLetterQueue(queue=failed, max_receive_count=jobs.attempts),
        )
        self.alarm = cloudwatch.Alarm(
            self,
            "FailedAlarm",
            alarm_name=f"{stage.function_name(model.name)}-jobs-failed",
            alarm_description=f"{model.name}, {stage.name}: jobs failed at every attempt; `modelet jobs redrive "
            f"{model.name}` tries them again.",
            metric=failed.metric_approximate_number_of_messages_visible(
                period=Duration.minutes(1), statistic="Maximum"
            ),
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    def feed(self, alias: lambda_.Alias) -> None:
        """Let Lambda give the jobs to a worker, one at a time: a job that ends its environment takes no other along."""
        lambda_.EventSourceMapping(
            self,
            "Source",
            target=alias,
            event_source_arn=self.queue.queue_arn,
            batch_size=1,
            max_concurrency=self._jobs.max_concurrency,
            report_batch_item_failures=True,
        )
