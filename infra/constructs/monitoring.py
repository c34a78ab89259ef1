"""What can be seen of a stage: one dashboard, and one topic for all alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_cloudwatch as cloudwatch
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

from infra.constructs.alarm_topic import AlarmTopic
from infra.constructs.function_graphs import FIVE_MINUTES, add_index, add_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_lambda as lambda_

    from infra.constructs.inference_api import InferenceApi
    from infra.constructs.model_function import ModelFunction
    from infra.stage import Stage

FAULT_SHARE = 0.01
"""The share of requests that the API may answer with a 5xx."""


class Monitoring(Construct):
    """A stage's dashboard `modelet-STAGE`, and its alarms' topic.

    The alarms are the models' own, which also roll a release back; one on what spills over provisioned concurrency; and
    one on the API's faults, which knows those that no function saw.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        models: Sequence[ModelFunction],
        index: lambda_.IFunction,
        api: InferenceApi,
    ) -> None:
        super().__init__(scope, construct_id)
        self.topic = AlarmTopic(self, "Alarms", stage=stage).topic
        name = stage.prefix
        self.facade = MonitoringFacade(
            self,
            "Facade",
            dashboard_factory=DefaultDashboardFactory(self, "Dashboards", dashboard_name_prefix=name),
            alarm_factory_defaults=AlarmFactoryDefaults(
                alarm_name_prefix=name,
                actions_enabled=True,
                action=SnsAlarmActionStrategy(on_alarm_topic=self.topic),
                evaluation_periods=3,
                datapoints_to_alarm=2,
            ),
        )
        alarms = [alarm for model in models for alarm in model.alarms]
        for alarm in alarms:
            alarm.add_alarm_action(SnsAction(self.topic))
        if alarms:
            self.facade.add_widget(cloudwatch.AlarmStatusWidget(title="Models", alarms=alarms, width=24))
        api.kind.monitor(self.facade)
        self.facade.monitor_custom(
            human_readable_name="Answers by who gave them",
            alarm_friendly_name="API",
            metric_groups=[
                _answers(stage, "4xx", api.kind.metric_4xx, "errors"),
                _answers(stage, "5xx", api.kind.metric_5xx, "faults"),
                _faults(stage, api.kind.metric_5xx),
            ],
        )
        for model in models:
            add_model(self.facade, stage, model)
        add_index(self.facade, stage, index)


def _answers(stage: Stage, kind: str, answers: cloudwatch.Metric, own: str) -> CustomMetricGroup:
    """Answers of one class: those of the functions, by what they say of themselves, and the gateway's own."""
    functions = f"SUM(SEARCH('{{{stage.namespace},service}} MetricName=\"{own}\"', 'Sum', 300))"
    rest = {"answers": answers.with_(statistic="Sum", period=FIVE_MINUTES)}
    return CustomMetricGroup(
        title=f"Who answered {kind}",
        metrics=[
            cloudwatch.MathExpression(expression=functions, using_metrics={}, label="functions", period=FIVE_MINUTES),
            cloudwatch.MathExpression(
                expression=f"answers - {functions}", using_metrics=rest, label="the gateway's own", period=FIVE_MINUTES
            ),
        ],
    )


def _faults(stage: Stage, faults: cloudwatch.Metric) -> CustomMetricGroup:
    """The share of 5xx among all answers, with the API's alarm."""
    alarm = CustomThreshold(
        threshold=FAULT_SHARE,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        treat_missing_data_override=cloudwatch.TreatMissingData.NOT_BREACHING,
        alarm_description_override=f"API, {stage.name}: more than {FAULT_SHARE:.0%} of the answers were 5xx.",
    )
    metric = CustomMetricWithAlarm(
        metric=faults.with_(statistic="Average", period=FIVE_MINUTES),
        alarm_friendly_name="Faults",
        add_alarm={"Warning": alarm},
    )
    return CustomMetricGroup(title="Share of 5xx", metrics=[metric])
