"""What rolls a new version back, and wakes somebody: errors, latency, throttles of a model's live alias."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_
    from constructs import Construct

    from infra.discovery import Deployable
    from infra.stage import Stage

MINUTE = Duration.minutes(1)
ERROR_PERCENT = 1
"""A canary of 10 % that fails altogether makes ten times as much."""

LATENCY_SHARE = 0.9
"""The share of a function's timeout that its slowest hundredth may take: what takes longer is about to be cut off."""


def release_alarms(
    scope: Construct, *, stage: Stage, model: Deployable, alias: lambda_.Alias
) -> list[cloudwatch.Alarm]:
    """The alarms of one model: each rings when two of three minutes are bad, and is quiet where nobody calls."""
    timeout_ms = model.spec.resources.timeout_s * 1000
    metrics: dict[str, tuple[cloudwatch.IMetric, float, str]] = {
        "errors": (error_percent(stage, model, alias), ERROR_PERCENT, "percent of the requests failed"),
        "latency": (
            alias.metric_duration(period=MINUTE, statistic="p99"),
            timeout_ms * LATENCY_SHARE,
            f"ms took the slowest hundredth, and {timeout_ms} is the timeout",
        ),
        "throttles": (
            alias.metric_throttles(period=MINUTE, statistic="Sum"),
            0,
            "requests found no free environment",
        ),
    }
    return [
        cloudwatch.Alarm(
            scope,
            f"{name.title()}Alarm",
            alarm_name=f"{stage.function_name(model.name)}-{name}",
            alarm_description=f"{model.name}, {stage.name}: more than {threshold:g} {meaning}.",
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=3,
            datapoints_to_alarm=2,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        for name, (metric, threshold, meaning) in metrics.items()
    ]


def error_percent(stage: Stage, model: Deployable, alias: lambda_.Alias) -> cloudwatch.MathExpression:
    """How much of a hundred requests failed: crashes and timeouts as Lambda counts them, answers of 500 as we do."""
    faults = cloudwatch.Metric(
        namespace=stage.namespace,
        metric_name="faults",
        dimensions_map={"service": model.name},
        period=MINUTE,
        statistic="Sum",
    )
    return cloudwatch.MathExpression(
        expression="100 * (FILL(errors, 0) + FILL(faults, 0)) / FILL(requests, 1)",
        using_metrics={
            "errors": alias.metric_errors(period=MINUTE, statistic="Sum"),
            "faults": faults,
            "requests": alias.metric_invocations(period=MINUTE, statistic="Sum"),
        },
        period=MINUTE,
        label="failed requests, %",
    )
