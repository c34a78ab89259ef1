"""Identify the AWS service of an event that no edge supports.

Such an event must fail: the poller of a queue or a stream takes any answer as success and deletes the messages.
`edges.direct` imports this for events with one of its MARKS, and for events that violate the contract.
Formats: "Invoking Lambda with events from other AWS services" in the Lambda developer guide, and the guides it links.
"""

from __future__ import annotations

from typing import Any

RECORDS = {
    "aws:cloudwatch": "Amazon CloudWatch",
    "aws:codecommit": "AWS CodeCommit",
    "aws:docdb": "Amazon DocumentDB",
    "aws:dynamodb": "Amazon DynamoDB Streams",
    "aws:kafka": "Amazon MSK",
    "aws:kinesis": "Amazon Kinesis",
    "aws:mq": "Amazon MQ",
    "aws:rmq": "Amazon MQ",
    "aws:s3": "Amazon S3",
    "aws:ses": "Amazon SES",
    "aws:sns": "Amazon SNS",
    "aws:sqs": "Amazon SQS",
    "SelfManagedKafka": "Apache Kafka",
}
"""Services by the `eventSource` of a record or, for message brokers, of the event."""

SHAPES = (
    ("Amazon CloudWatch Alarms", ("alarmArn", "alarmData")),
    ("Amazon CloudWatch Logs", ("awslogs",)),
    ("Amazon Cognito", ("triggerSource", "userPoolId")),
    ("Amazon Cognito Sync", ("identityPoolId", "datasetRecords")),
    ("Amazon Data Firehose", ("deliveryStreamArn", "invocationId")),
    ("Amazon Managed Service for Apache Flink", ("applicationArn", "invocationId")),
    ("Amazon S3 Batch Operations", ("invocationSchemaVersion", "tasks")),
    ("Amazon S3 Object Lambda", ("getObjectContext", "userRequest")),
    ("AWS CloudFormation", ("ResponseURL", "LogicalResourceId")),
    ("AWS CodeDeploy", ("LifecycleEventHookExecutionId", "DeploymentId")),
    ("AWS CodePipeline", ("CodePipeline.job",)),
    ("AWS Config", ("configRuleArn", "invokingEvent")),
    ("AWS Secrets Manager", ("ClientRequestToken", "SecretId")),
    ("an API Gateway authorizer", ("methodArn", "type")),
)
"""Services by members that all their events have, and that no instance has."""

LIKELY = (
    ("AWS AppSync", ("identity", "info", "request")),
    ("Amazon Bedrock Agents", ("actionGroup", "agent", "messageVersion")),
    ("Amazon Connect", ("Details", "Name")),
    ("Amazon Lex", ("bot", "invocationSource")),
    ("Amazon VPC Lattice", ("is_base64_encoded", "raw_path")),
)
"""Services by members that an instance may have as well."""

CONTEXTS = (
    ("an Application Load Balancer", "elb"),
    ("an API Gateway WebSocket API", "connectionId"),
    ("Amazon VPC Lattice", "serviceNetworkArn"),
    ("a Lambda destination", "functionArn"),
)
"""Services by a member of the event's `requestContext`."""


def certain(event: Any) -> str | None:
    """Return the service that an event certainly comes from, whatever the contract; otherwise None."""
    if isinstance(event, list):  # EventBridge Pipes sends a batch without an envelope
        return _of_record(event)
    if not isinstance(event, dict):
        return None
    context = event.get("requestContext")
    if isinstance(context, dict):
        for name, member in CONTEXTS:
            if member in context:
                return name
    return _of_record(event.get("Records")) or _of_record([event]) or _of_shape(event, SHAPES)


def likely(event: Any) -> str | None:
    """Return the service that a rejected event probably comes from; an instance may have the same members."""
    if not isinstance(event, dict):
        return None
    kind, sender = event.get("detail-type"), event.get("source")
    if isinstance(kind, str) and isinstance(sender, str):
        return f"Amazon EventBridge ({sender[:60]}: {kind[:60]})"
    return _of_shape(event, LIKELY)


def _of_shape(event: dict[str, Any], shapes: tuple[tuple[str, tuple[str, ...]], ...]) -> str | None:
    return next((name for name, members in shapes if all(member in event for member in members)), None)


def _of_record(records: Any) -> str | None:
    first = records[0] if isinstance(records, list) and records else None
    if not isinstance(first, dict):
        return None
    if isinstance(first.get("cf"), dict):
        return "Amazon CloudFront"
    name = first.get("eventSource", first.get("EventSource"))
    if not isinstance(name, str):
        return None
    return RECORDS.get(name) or (name[:60] if name.startswith("aws:") else None)
