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
def test_so_many_models_are_synthesized_and_each_stack_stays_small(
    generated: Generated, count: int, stage: Stage
) -> None:
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
def test_one_model_more_names_the_quota_and_what_it_has_to_be(count: int, quota: int, needed: int) -> None:
    with pytest.raises(SynthError) as refused:
        routes.validate(dataclasses.replace(DEV, routes_quota=quota), count)
    said = str(refused.value)
    assert f"raise API Gateway's quota 'Routes per API' to {needed} in Service Quotas" in said
    assert f"write routes_quota={needed} into infra/stage.py" in said
    routes.validate(dataclasses.replace(DEV, routes_quota=needed), count)


def test_the_models_own_routes_are_counted_and_24_stay_for_what_they_share() -> None:
    assert (routes.ROUTE_LIMIT, routes.RESERVED, routes.ROUTES_QUOTA) == (276, 24, 300)


def test_the_app_refuses_what_the_api_could_not_route(generated: Generated) -> None:
    root = generated(70)
    with pytest.raises(
        SynthError, match=r"^functions/: 70 models make 280 routes in the stage dev, above an API's 276: "
    ):
        assemble(app_in(root), root, DEV)


def test_a_quota_below_what_every_account_has_is_refused() -> None:
    with pytest.raises(
        SynthError, match=r"^infra/stage\.py: stage dev: routes_quota: 299 is below the 300 .*: give 300"
    ):
        routes.validate(dataclasses.replace(DEV, routes_quota=299), 1)


def test_a_rest_api_with_too_many_models_says_that_its_stack_is_full(generated: Generated) -> None:
    root, rest = generated(MOST_REST + 1), dataclasses.replace(DEV, api="rest")
    fits = ApiStack(app_in(root), stage=rest, models=discover(root, rest)[:MOST_REST])
    assert resources.RESOURCE_LIMIT - 8 < resources.count(fits) <= resources.RESOURCE_LIMIT
    with pytest.raises(SynthError) as refused:
        assemble(app_in(root), root, rest)
    said = str(refused.value)
    assert said.startswith(
        f"functions/: {MOST_REST + 1} models make {resources.count(fits) + 8} resources in the stack "
    )
    assert (
        "modelet-dev-api, and CloudFormation takes 500 in one: a REST API has the methods of all its models: " in said
    )
    assert said.endswith("give api='http' in infra/stage.py, or move some of the models to a project of their own")
