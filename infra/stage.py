"""The stages: where the project is deployed, and how its API is reached there. This file is the only place to edit."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from infra.errors import SynthError

if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECT = "modelet"
"""The project's name if cdk.json gives none."""

# AWS's names without CodeDeployDefault.Lambda:
# https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html
Canary = Literal[
    "AllAtOnce",
    "Canary10Percent5Minutes",
    "Canary10Percent10Minutes",
    "Canary10Percent15Minutes",
    "Canary10Percent30Minutes",
    "Linear10PercentEvery1Minute",
    "Linear10PercentEvery2Minutes",
    "Linear10PercentEvery3Minutes",
    "Linear10PercentEvery10Minutes",
]


@dataclass(frozen=True, kw_only=True)
class StageVpc:
    """An existing network that functions with `vpc: true` run in.

    subnet_ids: private subnets, one for each of `availability_zones`. s3_endpoint: whether to create the S3 gateway
    endpoint in `route_table_ids`, if the network has none yet; without access to S3 no function starts.
    """

    id: str
    subnet_ids: tuple[str, ...]
    availability_zones: tuple[str, ...]
    security_group_ids: tuple[str, ...]
    route_table_ids: tuple[str, ...] = ()
    s3_endpoint: bool = False


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One deployment of the whole project.

    project: the first part of all names, from cdk.json; it separates the projects of one account. account, region: the
    target; None means those of whoever deploys. permissions_boundary: the ARN of a managed policy that bounds every
    role. tags: on every resource. api, auth: the kind of API Gateway, and who may call it; `none` is open to the world.
    throttle_rate, throttle_burst: the requests per second, and at once, that the API allows. monthly_quota: the
    requests per month of each API key; None is unlimited. routes_quota: the account's quota of routes, or of a REST
    API's resources, per API. tracing: X-Ray. canary: the steps in which CodeDeploy shifts traffic to a new version.
    alarm_email: the address that gets the alarms. model_dashboards: whether each model has a dashboard, besides the
    API's.
    """

    name: str
    project: str = PROJECT
    account: str | None = None
    region: str | None = None
    permissions_boundary: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    api: Literal["http", "rest"] = "http"
    auth: Literal["iam", "jwt", "none", "api_key", "cognito"] = "iam"
    jwt_issuer: str | None = None
    jwt_audience: tuple[str, ...] = ()
    cognito_user_pool_arn: str | None = None
    cors_origins: tuple[str, ...] = ()
    routes_quota: int = 300
    waf: bool = False
    throttle_rate: int = 100
    throttle_burst: int = 200
    monthly_quota: int | None = None
    tracing: bool = False
    log_retention_days: int = 30
    vpc: StageVpc | None = None
    canary: Canary = "AllAtOnce"
    alarm_email: str | None = None
    model_dashboards: bool = True

    @property
    def namespace(self) -> str:
        """The CloudWatch namespace of the functions' own metrics; each stage in an account has its own."""
        return f"Modelet/{self.name}" if self.project == PROJECT else f"Modelet/{self.project}/{self.name}"

    @property
    def prefix(self) -> str:
        """The start of all names of the stage."""
        return f"{self.project}-{self.name}"

    @property
    def stack_tags(self) -> dict[str, str]:
        """The tags of every stack and every resource; the first two identify the project and the stage."""
        return {"modelet:project": self.project, "modelet:stage": self.name, **self.tags}

    def stack_name(self, *parts: str) -> str:
        """Return the name of a stack of this stage."""
        return "-".join((self.prefix, *parts))

    def model_stack_name(self, model: str) -> str:
        """Return the name of a model's stack; a model may be called `api` or `storage`."""
        return self.stack_name("model", model)

    def parameter(self, *parts: str) -> str:
        """Return the name of an SSM parameter of this stage."""
        return "/".join(("", self.project, self.name, *parts))

    def function_name(self, name: str) -> str:
        """Return the name of a Lambda function of this stage."""
        return f"{self.prefix}-{name}"


STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage(name="dev", log_retention_days=7),
        Stage(name="prod", canary="Canary10Percent5Minutes", log_retention_days=90, throttle_rate=500, tracing=True),
    )
}
"""Every stage, by name. `cdk -c stage=prod` selects one; the API of each accepts only signed calls."""


def find_stage(name: str, project: str = PROJECT) -> Stage:
    """Return the stage with this name, in a project. Raises SynthError that lists the known stages."""
    if name not in STAGES:
        raise SynthError(f"infra/stage.py: there is no stage {name!r}: use {' or '.join(STAGES)}, or add it there")
    return STAGES[name] if project == PROJECT else replace(STAGES[name], project=project)
