"""Routes of batches, predictions, jobs and uploads: each kind of API has them, counts them and guards them alike."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template

from infra.checks import routes
from infra.constructs.gateway.inference_api import InferenceApi
from infra.stage import Stage
from modelet.dev.project.routes import BATCH_ROUTES
from support.apis import AUDIENCE, CONTEXT, ISSUER, ORIGIN, POOL

PAGE = Stage(name="page", auth="jwt", jwt_issuer=ISSUER, jwt_audience=(AUDIENCE,), cors_origins=(ORIGIN,))
HTTP = [Stage(name="iam"), PAGE, Stage(name="open", auth="none")]
REST = [
    Stage(name="restiam", api="rest"),
    Stage(name="restkey", api="rest", auth="api_key"),
    Stage(name="restcognito", api="rest", auth="cognito", cognito_user_pool_arn=POOL),
]
MODELS, WORKERS = ["plain", "fraud", "churn"], ["fraud", "churn"]
OF_A_MODEL = (
    "batches",
    "batches/{id}",
    "batches/{id}/{part}",
    "predictions",
    "predictions/{key}",
    "jobs",
    "jobs/{id}",
    "uploads",
)

Kind = dict[str, dict[str, Any]]


def name(stage: Stage) -> str:
    return stage.name


class Api:
    """An API before models, two of which have workers."""

    def __init__(self, stage: Stage) -> None:
        stack = Stack(App(analytics_reporting=False, context=CONTEXT), "api")

        def function(name: str) -> lambda_.Function:
            return lambda_.Function(
                stack,
                name,
                runtime=lambda_.Runtime.PYTHON_3_13,
                handler="index.handler",
                code=lambda_.Code.from_inline("def handler(event, context): pass"),
            )

        InferenceApi(
            stack,
            "Api",
            stage=stage,
            models=MODELS,
            index=function("Index"),
            batches=function("Batches"),
            workers=WORKERS,
        )
        self.resources: Kind = Template.from_stack(stack).to_json()["Resources"]

    def of(self, kind: str) -> Kind:
        """The properties of the resources of a kind, by their ids."""
        return {key: each["Properties"] for key, each in self.resources.items() if each["Type"] == f"AWS::{kind}"}

    def path(self, resource: str) -> str:
        """The path of a resource of a REST API."""
        properties = self.of("ApiGateway::Resource")[resource]
        parent = properties["ParentId"].get("Ref")
        return f"{self.path(parent) if parent else ''}/{properties['PathPart']}"

    def methods(self) -> dict[str, dict[str, Any]]:
        """The methods of a REST API by the paths of their resources."""
        return {
            self.path(each["ResourceId"]["Ref"]) if "Ref" in each["ResourceId"] else "/": each
            for each in self.of("ApiGateway::Method").values()
        }


@pytest.fixture(scope="module", params=REST, ids=name)
def rest(request: pytest.FixtureRequest) -> tuple[Stage, Api]:
    return request.param, Api(request.param)


@pytest.fixture(scope="module", params=HTTP, ids=name)
def http(request: pytest.FixtureRequest) -> tuple[Stage, Api]:
    return request.param, Api(request.param)


def test_the_paths_of_a_model_are_all_of_the_shared_ones() -> None:
    assert [f"/models/{{name}}/{path}" for path in OF_A_MODEL] + ["/jobs/{id}"] == list(BATCH_ROUTES)


def test_a_rest_api_has_them_for_each_model_with_a_worker_and_for_no_other(rest: tuple[Stage, Api]) -> None:
    _, api = rest
    methods = api.methods()
    answered = {path for path, each in methods.items() if "Batches" in json.dumps(each["Integration"])}
    assert answered == {"/jobs/{id}", *(f"/models/{model}/{path}" for model in WORKERS for path in OF_A_MODEL)}
    assert {methods[path]["HttpMethod"] for path in answered} == {"ANY"}


def test_a_rest_api_guards_them_as_it_guards_a_model(rest: tuple[Stage, Api]) -> None:
    _, api = rest
    guards = {
        path: {key: each.get(key) for key in ("AuthorizationType", "AuthorizerId", "ApiKeyRequired")}
        for path, each in api.methods().items()
    }
    assert all(guard == guards["/models/fraud"] for guard in guards.values())


def test_a_rest_api_s_resources_are_those_that_are_counted(rest: tuple[Stage, Api]) -> None:
    stage, api = rest
    counted = len(MODELS) * routes.routes_of_a_model(stage) + len(WORKERS) * routes.routes_of_a_worker(stage)
    made = len(api.of("ApiGateway::Resource")) + 1  # the root is made with the API
    assert made == counted + routes.shared_routes(stage, len(WORKERS))
    said = routes.summary(stage, len(MODELS), len(WORKERS))
    assert said.startswith(f"routes: {counted} of models, {made - counted} shared, 300 allowed; batches and jobs: ")
    assert said.partition("jobs: ")[2].split(", ") == [*(f"/models/NAME/{path}" for path in OF_A_MODEL), "/jobs/{id}"]


def test_an_http_api_has_them_once_for_all_models(http: tuple[Stage, Api]) -> None:
    stage, api = http
    found = {each["RouteKey"]: each for each in api.of("ApiGatewayV2::Route").values()}
    preflight = {f"OPTIONS {path}" for path in BATCH_ROUTES} if stage.cors_origins else set()
    assert {key for key in found if key.split(" ")[-1] in BATCH_ROUTES} == {
        *(f"ANY {path}" for path in BATCH_ROUTES),
        *preflight,
    }
    assert len(found) == routes.shared_routes(stage, len(WORKERS))
    guards = {
        (each["AuthorizationType"], json.dumps(each.get("AuthorizerId")))
        for key, each in found.items()
        if not key.startswith("OPTIONS ")
    }
    assert len(guards) == 1, "the same as the index's, and the models' own have the stage's too"
    assert {found[key]["AuthorizationType"] for key in preflight} <= {"NONE"}


@pytest.mark.parametrize("stage", [PAGE], ids=name)
def test_a_page_may_send_and_read_what_batches_and_jobs_need(stage: Stage) -> None:
    [api] = Api(stage).of("ApiGatewayV2::Api").values()
    cors = api["CorsConfiguration"]
    assert cors["AllowMethods"] == ["GET", "POST", "DELETE"]
    assert "idempotency-key" in cors["AllowHeaders"]
    assert {"location", "retry-after", "x-model-generation", "x-model-prediction"} <= set(cors["ExposeHeaders"])
    assert cors["AllowOrigins"] == [ORIGIN]
