"""How many models a stage takes: generated projects, whose stacks are made and counted without their assets."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_apigatewayv2 as apigatewayv2

from infra.app import assemble
from infra.checks import resources, routes
from infra.discovery import discover
from infra.errors import SynthError
from infra.layer import BUILT, ROOT
from infra.stacks.api_stack import ApiStack
from infra.stage import STAGES, Stage
from modelet.dev.bundle.bundle import write_bundle
from support.layers import project_with_layer
from support.projects import make_tiny

from .conftest import CONTEXT

DEV = STAGES["dev"]
MOST = 100
MOST_REST = 58
"""A REST API has four resources and four methods for each model."""

Generated = Callable[[int], Path]


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Generated:
    """Makes projects of so many tiny models."""
    layer = project_with_layer(tmp_path_factory, worker_id) / BUILT

    def generate(count: int) -> Path:
        root = tmp_path_factory.mktemp("many")
        tiny = make_tiny(root)
        tiny.function.lock_path.write_bytes(tiny.lock.to_json("tiny"))
        write_bundle(tiny.function.at_stage("dev"), tiny.store, tiny.lock)
        first, events = root / "functions" / "tiny", root / "events" / "tiny"
        (first / "requirements.txt").write_text("modelet[onnx]\n")
        events.mkdir(parents=True)
        (events / "infer.json").write_text(json.dumps({"body": '{"a": 1, "b": 2}'}))
        for number in range(1, count):
            copy = root / "functions" / f"model_{number:03}"
            shutil.copytree(first, copy)
            shutil.copytree(events, root / "events" / copy.name)
            bundle = json.loads((copy / "bundle.json").read_bytes())
            (copy / "bundle.json").write_text(json.dumps({**bundle, "name": copy.name.replace("_", "-")}))
        for folder in ("models_index", "release_check"):
            shutil.copytree(ROOT / "functions" / folder, root / "functions" / folder)
        for name in (".dockerignore", "functions/Dockerfile"):
            shutil.copy(ROOT / name, root / name)
        (root / BUILT.parent).mkdir(exist_ok=True)
        (root / BUILT).symlink_to(layer)
        return root

    return generate


def app_in(root: Path) -> App:
    """An app that copies no assets."""
    context = {**CONTEXT, "aws:cdk:disable-asset-staging": True}
    return App(outdir=str(root / "cdk.out"), analytics_reporting=False, context=context)


def routes_in(stack: Stack) -> int:
    return sum(isinstance(each, apigatewayv2.CfnRoute) for each in stack.node.find_all())


@pytest.mark.parametrize(("count", "stage"), [(69, DEV), (MOST, dataclasses.replace(DEV, routes_quota=424))])
def test_many_models_are_synthesized_and_each_stack_stays_small(generated: Generated, count: int, stage: Stage) -> None:
    root = generated(count)
    found = assemble(app_in(root), root, stage)
    assert len(found.models) == count
    one, *others = found.models.values()
    assert routes_in(one) == 4
    assert {routes_in(each) for each in others[:3]} == {4}
    shared = routes_in(found.api)
    assert 4 * count + routes.RESERVED <= stage.routes_quota
    assert shared <= routes.RESERVED
    assert resources.count(one) < 40
    assert resources.count(found.api) < 40
    assert resources.count(found.storage) < 10


@pytest.mark.parametrize(("count", "quota", "needed"), [(70, 300, 304), (MOST, 300, 424), (MOST, 423, 424)])
def test_one_model_too_many_names_the_quota_and_the_value_that_it_needs(count: int, quota: int, needed: int) -> None:
    with pytest.raises(SynthError) as rejected:
        routes.validate(dataclasses.replace(DEV, routes_quota=quota), count)
    message = str(rejected.value)
    assert f"raise API Gateway's quota 'Routes per API' to {needed} in Service Quotas" in message
    assert f"set routes_quota={needed} in infra/stage.py" in message
    routes.validate(dataclasses.replace(DEV, routes_quota=needed), count)


def test_24_routes_are_reserved_for_shared_routes() -> None:
    assert (routes.ROUTE_LIMIT, routes.RESERVED, routes.ROUTES_QUOTA) == (276, 24, 300)


def test_the_app_rejects_more_models_than_the_api_has_routes_for(generated: Generated) -> None:
    root = generated(70)
    with pytest.raises(
        SynthError, match=r"^functions/: 70 models need 280 routes in the stage dev, above the limit of 276: "
    ):
        assemble(app_in(root), root, DEV)


def test_a_quota_below_aws_s_default_is_rejected() -> None:
    with pytest.raises(SynthError, match=r"^infra/stage\.py: stage dev: routes_quota: 299 is below 300, .*: use 300"):
        routes.validate(dataclasses.replace(DEV, routes_quota=299), 1)


def test_too_many_models_for_the_stack_of_a_rest_api_are_rejected(generated: Generated) -> None:
    root, rest = generated(MOST_REST + 1), dataclasses.replace(DEV, api="rest")
    fits = ApiStack(app_in(root), stage=rest, models=discover(root, rest)[:MOST_REST])
    assert resources.RESOURCE_LIMIT - 8 < resources.count(fits) <= resources.RESOURCE_LIMIT
    with pytest.raises(SynthError) as rejected:
        assemble(app_in(root), root, rest)
    message = str(rejected.value)
    assert message.startswith(
        f"functions/: {MOST_REST + 1} models need {resources.count(fits) + 8} resources in the stack "
    )
    assert (
        "modelet-dev-api, above CloudFormation's limit of 500: the stack of a REST API has the methods of all models: "
        in message
    )
    assert message.endswith("set api='http' in infra/stage.py, or move some models to another project")
