"""Provisioned concurrency: environments that are initialised before they get traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import TimeZone
from aws_cdk import aws_applicationautoscaling as autoscaling

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_

    from modelet.dev.project.sections import Scaling


def keep_warm(alias: lambda_.Alias, scaling: Scaling) -> None:
    """Scale the alias's provisioned concurrency with the traffic and on schedules, if the spec says so."""
    ranges = [(each.provisioned, each.provisioned_max) for each in scaling.schedules]
    rises = any((most or least) > least for least, most in [(scaling.provisioned, scaling.provisioned_max), *ranges])
    if not rises and not scaling.schedules:
        return
    target = alias.add_auto_scaling(
        min_capacity=scaling.provisioned, max_capacity=scaling.provisioned_max or scaling.provisioned
    )
    if rises:
        target.scale_on_utilization(utilization_target=scaling.target_utilization)
    for number, schedule in enumerate(scaling.schedules):
        target.scale_on_schedule(
            f"Schedule{number}",
            schedule=autoscaling.Schedule.expression(f"cron({schedule.cron})"),
            time_zone=TimeZone.of(schedule.timezone),
            min_capacity=schedule.provisioned,
            max_capacity=schedule.provisioned_max or schedule.provisioned,
        )
