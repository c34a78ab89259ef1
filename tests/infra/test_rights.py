"""The permissions of the stacks: every wildcard has a reason, and a model reads only its own versions."""

from __future__ import annotations

import pytest

from infra.checks.statements import Statement, star_reason, statements, table
from support.apis import Apis

from .conftest import SECRET, Synthesized


@pytest.fixture(params=["dev", "full"])
def template(request: pytest.FixtureRequest) -> Synthesized:
    found: Synthesized = request.getfixturevalue(request.param)
    return found


def test_the_templates_have_statements(template: Synthesized) -> None:
    assert len(template.statements()) > 15


def test_no_action_has_a_wildcard(template: Synthesized) -> None:
    wide = [each for each in template.statements() for action in each.actions if "*" in action]
    assert wide == []


def test_every_wildcard_in_a_resource_has_a_reason(template: Synthesized) -> None:
    for each in template.statements():
        for resource in each.resources:
            assert "*" not in resource or star_reason(each, resource), f"{each.path}: {each.actions} on {resource}"


def test_star_reason_returns_none_without_a_reason() -> None:
    bare = Statement("P", "R", "model/Role", "Allow", ("s3:GetObject",), ("arn:aws:s3:::bucket/*",), "", {})
    assert star_reason(bare, bare.resources[0]) is None


def test_every_wildcard_of_a_rest_api_has_a_reason(apis: Apis) -> None:
    for each in statements(apis.template):
        assert not [action for action in each.actions if "*" in action]
        for resource in each.resources:
            assert "*" not in resource or star_reason(each, resource), f"{each.path}: {each.actions} on {resource}"


def test_a_function_s_own_code_cannot_change_network_interfaces(full: Synthesized) -> None:
    for function in ("sentiment", "sentiment-worker"):
        found = [
            each
            for each in full.statements()
            if "ec2:CreateNetworkInterface" in each.actions and each.path.startswith(f"{function}/")
        ]
        allowed, denied = sorted(found, key=lambda each: each.effect)
        assert (allowed.effect, denied.effect) == ("Allow", "Deny")
        assert denied.path == allowed.path
        assert "lambda:SourceFunctionArn" in denied.conditions
        assert f'function:modelet-full-{function}"' in denied.conditions


@pytest.mark.parametrize("model", ["sentiment", "breast-cancer", "churn", "diabetes", "toolbox"])
def test_a_model_may_only_read_its_own_versions_and_write_its_own_log(dev: Synthesized, model: str) -> None:
    found = [each for each in dev.statements() if each.path.startswith(f"{model}/Execution")]
    assert {action for each in found for action in each.actions} == {
        "s3:GetObject",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    }
    [reads] = [each for each in found if "s3:GetObject" in each.actions]
    assert [resource.rpartition(":::")[2].partition("/")[2] for resource in reads.resources] == [f"models/{model}/*"]


def test_a_baked_model_has_no_access_to_s3(full: Synthesized) -> None:
    found = [each for each in full.statements() if "Execution" in each.path and "-worker/" not in each.path]
    readers = {each.path.partition("/")[0] for each in found if any("s3:" in action for action in each.actions)}
    assert readers == {"sentiment", "churn", "diabetes", "ner", "toolbox"}
    own = [each for each in found if each.path.startswith("breast-cancer/")]
    assert {action for each in own for action in each.actions} == {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }


def test_a_secret_is_readable_only_by_the_model_that_names_it(full: Synthesized) -> None:
    readers = [each for each in full.statements() if "secretsmanager:GetSecretValue" in each.actions]
    assert [(each.path.partition("/")[0], each.resources) for each in readers] == [
        ("sentiment", (SECRET,)),
        ("sentiment-worker", (SECRET,)),
    ]


def test_a_check_may_invoke_only_its_own_model_and_report_to_its_own_deployment(dev: Synthesized) -> None:
    checks = [each for each in dev.statements() if each.path.startswith("sentiment/Release/Check")]
    invoked = [each.resources for each in checks if "lambda:InvokeFunction" in each.actions]
    assert invoked
    for resources in invoked:
        assert all("modelet-dev-sentiment" in resource or "sentimentFunction" in resource for resource in resources)
    [reported] = [each for each in checks if "codedeploy:PutLifecycleEventHookExecutionStatus" in each.actions]
    assert "*" not in "".join(reported.resources)


def test_every_role_has_the_permissions_boundary(full: Synthesized) -> None:
    roles = full.resources("AWS::IAM::Role")
    assert roles
    assert all("boundary" in str(role["Properties"]["PermissionsBoundary"]) for role in roles)


def test_the_table_shows_each_statement_with_its_reason(dev: Synthesized) -> None:
    found = dev.statements()
    lines = table(found).splitlines()
    assert len(lines) == len(found) + 2
    assert any("s3:GetObject" in line and "older ones too" in line for line in lines)
