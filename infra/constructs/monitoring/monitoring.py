"""The monitoring of a stage: a dashboard for the API and for each model, and one topic for all alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from aws_cdk.aws_cloudwatch_actions import SnsAction
from cdk_monitoring_constructs import (
    AlarmFactoryDefaults,
    CustomMetricGroup,
    CustomMetricWithAlarm,
    CustomThreshold,
    DefaultDashboardFactory,
    MonitoringFacade,
    SnsAlarmActionStrategy,
)
from constructs import Construct

from infra.constructs.monitoring.alarm_topic import AlarmTopic, topic_arn
from infra.constructs.monitoring.function_graphs import FIVE_MINUTES, add_index, add_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_lambda as lambda_

    from infra.constructs.gateway.inference_api import InferenceApi
    from infra.constructs.model.model_function import ModelFunction
    from infra.stage import Stage

FAULT_SHARE = 0.01
"""The share of requests that the API may answer with a 5xx."""


class ApiMonitoring(Construct):
    """A stage's dashboard `modelet-STAGE`, its alarm topic, and an alarm on the API's 5xx responses.

    That alarm includes errors that reach no function. `more_alarms` notify the topic too. The graphs of models search
    for the models' metrics, so that a model can be added or removed without a change here.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        index: lambda_.IFunction,
        api: InferenceApi,
        more_alarms: Sequence[cloudwatch.Alarm] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        self.topic = AlarmTopic(self, "Alarms", stage=stage).topic
        for alarm in more_alarms:
            alarm.add_alarm_action(SnsAction(self.topic))
        facade = _facade(self, stage, self.topic, stage.prefix)
        facade.monitor_custom(
            human_readable_name="Models",
            alarm_friendly_name="Models",
            metric_groups=[
                _by_model(stage, "Requests by model", "total_ms", "SampleCount"),
                _by_model(stage, "Latency by model, p99, ms", "total_ms", "p99"),
                _by_model(stage, "4xx by model", "errors", "Sum"),
                _by_model(stage, "5xx by model", "faults", "Sum"),
            ],
        )
        api.kind.monitor(facade)
        facade.monitor_custom(
            human_readable_name="Responses by source",
            alarm_friendly_name="API",
            metric_groups=[
                _responses(stage, "4xx", api.kind.metric_4xx, "errors"),
                _responses(stage, "5xx", api.kind.metric_5xx, "faults"),
                _fault_share(stage, api.kind.metric_5xx),
            ],
        )
        add_index(facade, stage, index)


class ModelMonitoring(Construct):
    """A model's dashboard `modelet-STAGE-MODEL`, if the stage has such dashboards, and its alarms' notifications.

    The alarms are those that also roll a release back, one on provisioned concurrency spillover, and `more_alarms`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        model: ModelFunction,
        more_alarms: Sequence[cloudwatch.Alarm] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        topic = sns.Topic.from_topic_arn(self, "Topic", topic_arn(self, stage))
        dashboard = stage.function_name(model.name) if stage.model_dashboards else None
        facade = _facade(self, stage, topic, dashboard)
        alarms = [*model.alarms, *more_alarms]
        for alarm in alarms:
            alarm.add_alarm_action(SnsAction(topic))
        facade.add_widget(cloudwatch.AlarmStatusWidget(title="Alarms", alarms=alarms, width=24))
        add_model(facade, stage, model)


def _facade(scope: Construct, stage: Stage, topic: sns.ITopic, dashboard: str | None) -> MonitoringFacade:
    """Return a facade that creates graphs and alarms; if `dashboard` is None, only alarms."""
    return MonitoringFacade(
        scope,
        "Facade",
        dashboard_factory=DefaultDashboardFactory(
            scope,
            "Dashboards",
            dashboard_name_prefix=dashboard or stage.prefix,
            create_dashboard=dashboard is not None,
        ),
        alarm_factory_defaults=AlarmFactoryDefaults(
            alarm_name_prefix=stage.prefix,
            actions_enabled=True,
            action=SnsAlarmActionStrategy(on_alarm_topic=topic),
            evaluation_periods=3,
            datapoints_to_alarm=2,
        ),
    )


def _by_model(stage: Stage, title: str, name: str, statistic: str) -> CustomMetricGroup:
    """Return a graph with one line for each model that writes the metric."""
    search = f"SEARCH('{{{stage.namespace},service}} MetricName=\"{name}\"', '{statistic}', 300)"
    lines = cloudwatch.MathExpression(expression=search, using_metrics={}, label="", period=FIVE_MINUTES)
    return CustomMetricGroup(title=title, metrics=[lines])


def _responses(stage: Stage, kind: str, responses: cloudwatch.Metric, own: str) -> CustomMetricGroup:
    """Return a graph of the responses of one class: the functions', from their own metrics, and the gateway's own."""
    functions = f"SUM(SEARCH('{{{stage.namespace},service}} MetricName=\"{own}\"', 'Sum', 300))"
    metrics = {"responses": responses.with_(statistic="Sum", period=FIVE_MINUTES)}
    return CustomMetricGroup(
        title=f"{kind} by source",
        metrics=[
            cloudwatch.MathExpression(expression=functions, using_metrics={}, label="functions", period=FIVE_MINUTES),
            cloudwatch.MathExpression(
                expression=f"responses - {functions}", using_metrics=metrics, label="API Gateway", period=FIVE_MINUTES
            ),
        ],
    )


def _fault_share(stage: Stage, faults: cloudwatch.Metric) -> CustomMetricGroup:
    """Return a graph of the share of 5xx among all responses, with the API's alarm."""
    alarm = CustomThreshold(
        threshold=FAULT_SHARE,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        treat_missing_data_override=cloudwatch.TreatMissingData.NOT_BREACHING,
        alarm_description_override=f"API, {stage.name}: more than {FAULT_SHARE:.0%} of the responses were 5xx.",
    )
    metric = CustomMetricWithAlarm(
        metric=faults.with_(statistic="Average", period=FIVE_MINUTES),
        alarm_friendly_name="Faults",
        add_alarm={"Warning": alarm},
    )
    return CustomMetricGroup(title="Share of 5xx", metrics=[metric])
