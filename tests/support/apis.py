"""Every kind of API that a stage can ask for, before two real models, in one stack: the CDK is slow to start."""

from __future__ import annotations

import dataclasses
import functools
import json
from pathlib import Path
from typing import Any

from aws_cdk import App, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from infra.checks import nag
from infra.constructs.gateway.inference_api import InferenceApi
from infra.constructs.gateway.model_routes import ModelRoutes
from infra.constructs.model.model_function import ModelFunction
from infra.constructs.monitoring.monitoring import ApiMonitoring, ModelMonitoring
from infra.constructs.platform.layer import ModeletLayer
from infra.constructs.platform.models_index import ModelsIndex
from infra.discovery import discover
from infra.stage import Stage
from modelet.dev.project.sections import Scaling
from support.repository import ROOT

ISSUER, AUDIENCE, ORIGIN = "https://issuer.example.com", "models", "https://page.example.com"
POOL = "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_aBcDeF123"
STAGES = [
    Stage(name="iam", alarm_email="somebody@example.com", log_retention_days=7),
    Stage(name="jwt", auth="jwt", jwt_issuer=ISSUER, jwt_audience=(AUDIENCE,), cors_origins=(ORIGIN,)),
    Stage(name="open", auth="none"),
    Stage(name="restiam", api="rest", tracing=True),
    Stage(name="restkey", api="rest", auth="api_key", monthly_quota=1000, throttle_rate=7, throttle_burst=9, waf=True),
    Stage(name="restcognito", api="rest", auth="cognito", cognito_user_pool_arn=POOL),
    Stage(name="restopen", api="rest", auth="none"),
]
WARM, COLD = "sentiment", "diabetes"
"""The models: one provisions two environments and may have five, the other nothing."""

CONTEXT: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
Resources = dict[str, dict[str, Any]]


class Apis:
    """The stack, synthesized and found good by cdk-nag; the APIs are called as their stages are."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "cdk.out.apis"
        app = App(outdir=str(self.folder), analytics_reporting=False, context=CONTEXT)
        stack = Stack(app, "apis")
        first = STAGES[0]
        layer = ModeletLayer(stack, "Layer", root=root).version
        bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "artifacts")
        found = {model.name: model for model in discover(root, first)}
        warm = found[WARM].spec.model_copy(update={"scaling": Scaling(provisioned=2, max_concurrency=5)})
        chosen = [dataclasses.replace(found[WARM], spec=warm), found[COLD]]
        models = [
            ModelFunction(stack, model.name, stage=first, model=model, bucket=bucket, layer=layer) for model in chosen
        ]
        index = ModelsIndex(stack, "index", stage=first, root=root, layer=layer).function
        caller = iam.Role(stack, "caller", assumed_by=iam.AccountRootPrincipal())
        for stage in STAGES:
            names = [model.name for model in models]
            api = InferenceApi(stack, f"{stage.name}0", stage=stage, models=names, index=index)
            api.grant_invoke(caller)
            for model in models:
                ModelRoutes(stack, f"{stage.name}0{model.name}", stage=stage, model=model, api=api.reference)
            if stage.name in {"iam", "restkey"}:
                ApiMonitoring(stack, f"{stage.name}1", stage=stage, index=index, api=api)
                for model in models:
                    ModelMonitoring(stack, f"{stage.name}1{model.name}", stage=stage, model=model)
        nag.check(app)
        self.template = Template.from_stack(stack).to_json()
        app.synth()

    @property
    def resources(self) -> Resources:
        """All of them, by their logical ids."""
        found: Resources = self.template["Resources"]
        return found

    def of(self, kind: str, stage: str = "", part: str = "") -> Resources:
        """The resources of a type, of one stage's API (part 0) or monitoring (part 1), where one is named."""
        return {
            name: resource
            for name, resource in self.resources.items()
            if resource["Type"] == f"AWS::{kind}" and name.startswith(f"{stage}{part}")
        }

    def only(self, kind: str, stage: str, part: str = "0") -> dict[str, Any]:
        """The properties of the one resource of a type."""
        [resource] = self.of(kind, stage, part).values()
        properties: dict[str, Any] = resource["Properties"]
        return properties

    def dashboards(self, stage: str) -> Resources:
        """A stage's dashboards by their names, with their bodies; what only CloudFormation knows is a question mark."""
        found = {}
        for each in self.of("CloudWatch::Dashboard", stage, "1").values():
            body = each["Properties"]["DashboardBody"]["Fn::Join"][1]
            text = "".join(part if isinstance(part, str) else "?" for part in body)
            found[each["Properties"]["DashboardName"]] = json.loads(text)
        return found

    def widgets(self, stage: str) -> list[dict[str, Any]]:
        """The widgets of all of a stage's dashboards, each dashboard's from top to bottom."""
        boards = self.dashboards(stage).values()
        return [each for body in boards for each in sorted(body["widgets"], key=lambda each: (each["y"], each["x"]))]


@functools.cache
def synthesized(project: Path) -> Apis:
    """The stack of a project that can be deployed; made once in a process."""
    return Apis(project)
