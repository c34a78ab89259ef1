"""A model's alarms on errors, latency and throttles: they send notifications, and may roll a new version back."""

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
"""The percentage of a version's own requests that may fail."""

LATENCY_SHARE = 0.9
"""The share of a function's timeout that its p99 latency may reach: slower requests are close to the timeout."""


class ModelAlarms(NamedTuple):
    """The alarms of one model.

    release: alarms on a single Lambda version. They can stop its release; a fix can be released while the alarms of the
    previous version are active. throttles: an alarm on the alias. It stops no release, because no version handles a
    throttled request.
    """

    release: list[cloudwatch.Alarm]
    throttles: cloudwatch.Alarm


def model_alarms(
    scope: Construct, *, stage: Stage, model: Deployable, alias: lambda_.Alias, version: lambda_.Version
) -> ModelAlarms:
    """Create a model's alarms. Each needs two bad minutes out of three; a minute without traffic is not bad."""
    number = version.version
    timeout_ms = model.spec.resources.timeout_s * 1000
    latency = _of_version(alias.metric_duration(period=MINUTE, statistic="p99"), number)
    throttles = alias.metric_throttles(period=MINUTE, statistic="Sum")

    def alarm(kind: str, name: str, metric: cloudwatch.IMetric, threshold: float, description: str) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            scope,
            f"{kind}Alarm",
            alarm_name=f"{stage.function_name(model.name)}-{name}",
            alarm_description=f"{model.name}, {stage.name}: {description}.",
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=3,
            datapoints_to_alarm=2,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    # The version number in the name creates a new alarm for each version. A changed alarm would keep its state: if it
    # were active for the old version, it would stop CodeDeploy before the new version has any traffic.
    errors_name, latency_name = f"{number}-errors", f"{number}-latency"
    latency_limit = timeout_ms * LATENCY_SHARE
    slow = f"the version's p99 latency is above {latency_limit:g} ms; the timeout is {timeout_ms} ms"
    return ModelAlarms(
        release=[
            alarm(
                "Errors",
                errors_name,
                error_percent(stage, model, alias, number),
                ERROR_PERCENT,
                f"more than {ERROR_PERCENT}% of the version's requests failed",
            ),
            alarm("Latency", latency_name, latency, latency_limit, slow),
        ],
        throttles=alarm("Throttles", "throttles", throttles, 0, "requests were throttled: no environment was free"),
    )


def error_percent(stage: Stage, model: Deployable, alias: lambda_.Alias, version: str) -> cloudwatch.MathExpression:
    """Return the percentage of failed requests: crashes and timeouts by Lambda's metric, 500 responses by our own."""
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
    """Return an alias's metric, limited to the requests that one version handled.

    Source: docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-view.html, "ExecutedVersion".
    """
    return metric.with_(dimensions_map={**(metric.dimensions or {}), EXECUTED_VERSION: version})
