"""What rolls a new version back, and wakes somebody: errors, latency, throttles of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from modelet.observability import EXECUTED_VERSION

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_
    from constructs import Construct

    from infra.discovery import Deployable
    from infra.stage import Stage

MINUTE = Duration.minutes(1)
ERROR_PERCENT = 1
"""The share of a version's own requests that may fail."""

LATENCY_SHARE = 0.9
"""The share of a function's timeout that its slowest hundredth may take: what takes longer is about to be cut off."""


class ModelAlarms(NamedTuple):
    """The alarms of one model.

    release: on one Lambda version alone. They can stop its release, and a fix can be released while they ring for the
    version before it. throttles: on the alias. No version answered a throttled request: it stops no release.
    """

    release: list[cloudwatch.Alarm]
    throttles: cloudwatch.Alarm


def model_alarms(
    scope: Construct, *, stage: Stage, model: Deployable, alias: lambda_.Alias, version: lambda_.Version
) -> ModelAlarms:
    """The alarms of a model: each rings when two of three minutes are bad, and stays silent without traffic."""
    number = version.version
    timeout_ms = model.spec.resources.timeout_s * 1000
    latency = _of_version(alias.metric_duration(period=MINUTE, statistic="p99"), number)
    throttles = alias.metric_throttles(period=MINUTE, statistic="Sum")

    def alarm(kind: str, name: str, metric: cloudwatch.IMetric, threshold: float, meaning: str) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            scope,
            f"{kind}Alarm",
            alarm_name=f"{stage.function_name(model.name)}-{name}",
            alarm_description=f"{model.name}, {stage.name}: more than {threshold:g} {meaning}.",
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=3,
            datapoints_to_alarm=2,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    # The number in the name makes a new alarm for each version. An alarm that is changed keeps its state, so that one
    # that rings for the old version would stop CodeDeploy before the new one has any traffic.
    errors_name, latency_name = f"{number}-errors", f"{number}-latency"
    slow = f"ms took the slowest hundredth of the version's requests, and {timeout_ms} is the timeout"
    return ModelAlarms(
        release=[
            alarm(
                "Errors",
                errors_name,
                error_percent(stage, model, alias, number),
                ERROR_PERCENT,
                "percent of the version's requests failed",
            ),
            alarm("Latency", latency_name, latency, timeout_ms * LATENCY_SHARE, slow),
        ],
        throttles=alarm("Throttles", "throttles", throttles, 0, "requests found no free environment"),
    )


def error_percent(stage: Stage, model: Deployable, alias: lambda_.Alias, version: str) -> cloudwatch.MathExpression:
    """How much of a hundred requests failed: crashes and timeouts as Lambda counts them, answers of 500 as we do."""
    faults = cloudwatch.Metric(
        namespace=stage.namespace,
        metric_name="faults",
        dimensions_map={"service": model.name, EXECUTED_VERSION: version},
        period=MINUTE,
        statistic="Sum",
    )
    return cloudwatch.MathExpression(
        expression="100 * (FILL(errors, 0) + FILL(faults, 0)) / FILL(requests, 1)",
        using_metrics={
            "errors": _of_version(alias.metric_errors(period=MINUTE, statistic="Sum"), version),
            "faults": faults,
            "requests": _of_version(alias.metric_invocations(period=MINUTE, statistic="Sum"), version),
        },
        period=MINUTE,
        label="failed requests, %",
    )


def _of_version(metric: cloudwatch.Metric, version: str) -> cloudwatch.Metric:
    """A metric of an alias, of the requests alone that one version answered.

    Source: docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-view.html, "ExecutedVersion".
    """
    return metric.with_(dimensions_map={**(metric.dimensions or {}), EXECUTED_VERSION: version})
