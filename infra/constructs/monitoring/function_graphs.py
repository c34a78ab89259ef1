"""The dashboard graphs of a function: time per stage, errors, concurrency."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from cdk_monitoring_constructs import AxisPosition, CustomMetricGroup, CustomMetricWithAlarm, CustomThreshold

from infra.discovery import INDEX
from modelet.observability import STAGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_lambda as lambda_
    from cdk_monitoring_constructs import MonitoringFacade

    from infra.constructs.model.model_function import ModelFunction
    from infra.stage import Stage

FIVE_MINUTES = Duration.minutes(5)


def add_model(facade: MonitoringFacade, stage: Stage, model: ModelFunction) -> None:
    """Add a model to the dashboard."""
    graphs = FunctionGraphs(stage, model.name, model.alias)
    facade.monitor_custom(
        human_readable_name=f"Model {model.name}",
        alarm_friendly_name=model.name,
        metric_groups=[
            graphs.times("Latency by stage, p50, ms", ("total", *STAGES), ("p50",)),
            graphs.times("Latency by stage, p99, ms", ("total", *STAGES), ("p99",)),
            graphs.times("Init time of cold starts, ms", ("init",), ("p50", "p99")),
            graphs.errors(),
            graphs.counts("Requests", {"requests": ("total_ms", "SampleCount"), "instances": ("instances", "Sum")}),
            concurrency(stage, model),
        ],
    )


def add_index(facade: MonitoringFacade, stage: Stage, index: lambda_.IFunction) -> None:
    """Add models_index to the dashboard."""
    graphs = FunctionGraphs(stage, INDEX, index)
    facade.monitor_custom(
        human_readable_name="models_index",
        alarm_friendly_name=INDEX,
        metric_groups=[
            graphs.times("Latency, ms", ("total",), ("p50", "p99")),
            graphs.errors(),
            graphs.counts("Requests", {"requests": ("total_ms", "SampleCount")}),
        ],
    )


class FunctionGraphs:
    """The graphs of one function, from its own metrics and Lambda's.

    service: the name under which it writes its metrics (modelet.observability). function: the function, or its live
    alias.
    """

    def __init__(self, stage: Stage, service: str, function: lambda_.IFunction) -> None:
        self._namespace = stage.namespace
        self._service = service
        self._function = function

    def times(self, title: str, names: Sequence[str], percentiles: Sequence[str]) -> CustomMetricGroup:
        """Return a graph of durations in milliseconds."""
        pairs = [(name, percentile) for name in names for percentile in percentiles]
        metrics = [self._own(f"{name}_ms", percentile, f"{name} {percentile}") for name, percentile in pairs]
        return CustomMetricGroup(title=title, metrics=metrics)

    def counts(self, title: str, metrics: dict[str, tuple[str, str]]) -> CustomMetricGroup:
        """Return a graph of counts by label, with the cold starts."""
        metrics = {**metrics, "cold starts": ("ColdStart", "Sum")}
        return CustomMetricGroup(
            title=title, metrics=[self._own(name, statistic, label) for label, (name, statistic) in metrics.items()]
        )

    def errors(self) -> CustomMetricGroup:
        """Return a graph of errors by class: client (4xx), server (5xx), process (crash, timeout, memory), throttle."""
        return CustomMetricGroup(
            title="Errors by class",
            metrics=[
                self._own("errors", "Sum", "4xx"),
                self._own("faults", "Sum", "5xx"),
                self._function.metric_errors(statistic="Sum", period=FIVE_MINUTES, label="crashed or timed out"),
                self._function.metric_throttles(statistic="Sum", period=FIVE_MINUTES, label="throttled"),
            ],
        )

    def _own(self, name: str, statistic: str, label: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=self._namespace,
            metric_name=name,
            dimensions_map={"service": self._service},
            statistic=statistic,
            period=FIVE_MINUTES,
            label=label,
        )


def concurrency(stage: Stage, model: ModelFunction) -> CustomMetricGroup:
    """Return a graph of busy environments, with the provisioned and the maximum concurrency."""
    scaling = model.model.spec.scaling
    limits = {"provisioned": scaling.provisioned, "maximum": scaling.max_concurrency}
    busy = model.function.metric("ConcurrentExecutions", statistic="Maximum", period=FIVE_MINUTES, label="busy")
    return CustomMetricGroup(
        title="Concurrency",
        metrics=[busy, *(provisioned(stage, model) if scaling.provisioned else ())],
        horizontal_annotations=[
            cloudwatch.HorizontalAnnotation(value=value, label=label) for label, value in limits.items() if value
        ],
    )


def provisioned(stage: Stage, model: ModelFunction) -> list[cloudwatch.Metric | CustomMetricWithAlarm]:
    """Return metrics of busy provisioned environments and of requests that spilled over, with an alarm."""
    busy = model.alias.metric(
        "ProvisionedConcurrentExecutions", statistic="Maximum", period=FIVE_MINUTES, label="provisioned, busy"
    )
    alarm = CustomThreshold(
        threshold=0,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        treat_missing_data_override=cloudwatch.TreatMissingData.NOT_BREACHING,
        alarm_description_override=f"{model.name}, {stage.name}: all provisioned environments were busy; "
        f"raise scaling.provisioned in {model.model.yaml}.",
    )
    spillover = CustomMetricWithAlarm(
        metric=model.alias.metric("ProvisionedConcurrencySpilloverInvocations", statistic="Sum", period=FIVE_MINUTES),
        alarm_friendly_name="Spillover",
        position=AxisPosition.RIGHT,
        add_alarm={"Warning": alarm},
    )
    return [busy, spillover]
