"""Valid settings of a stage; an invalid one stops the synth with the file, the key and the remedy."""

from __future__ import annotations

from typing import Any

import pytest

from infra.checks import limits
from infra.errors import SynthError
from infra.stage import STAGES, Stage, StageVpc, find_stage

VPC: dict[str, Any] = {
    "id": "vpc-0123456789abcdef0",
    "subnet_ids": ("subnet-0123456789abcdef0",),
    "availability_zones": ("eu-west-1a",),
    "security_group_ids": ("sg-0123456789abcdef0",),
}


def test_the_stages_are_valid_and_accept_only_signed_calls() -> None:
    assert list(STAGES) == ["dev", "prod"]
    for name, stage in STAGES.items():
        assert find_stage(name) is stage
        limits.validate(stage)
        assert stage.auth == "iam"


def test_prod_shifts_traffic_with_a_canary() -> None:
    assert STAGES["prod"].canary == "Canary10Percent5Minutes"


def test_projects_in_one_account_have_different_names_and_metrics() -> None:
    ours, theirs = STAGES["dev"], find_stage("dev", "fraud")
    assert theirs.function_name("sentiment") == "fraud-dev-sentiment"
    assert (ours.prefix, theirs.prefix) == ("modelet-dev", "fraud-dev")
    assert (ours.namespace, theirs.namespace) == ("Modelet/dev", "Modelet/fraud/dev")


@pytest.mark.parametrize("project", ["", "Fraud", "fraud-team", "1st", "a" * 17, "awsome", "ssmall"])
def test_an_invalid_project_name_is_rejected(project: str) -> None:
    with pytest.raises(
        SynthError, match=r"^cdk\.json: context\.project: '.*' cannot be the first part .*: use at most 16"
    ):
        limits.validate(Stage(name="dev", project=project))


def test_an_unknown_stage_lists_the_known_ones() -> None:
    with pytest.raises(
        SynthError, match=r"^infra/stage\.py: there is no stage 'prdo': use dev or prod, or add it there$"
    ):
        find_stage("prdo")


def test_stages_in_one_account_have_different_names_and_metrics() -> None:
    assert STAGES["dev"].function_name("sentiment") == "modelet-dev-sentiment"
    assert STAGES["dev"].namespace != STAGES["prod"].namespace


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"canary": "Canary10Percent6Minutes"},
            "canary: CodeDeploy has no 'Canary10Percent6Minutes': use one of AllAtO",
        ),
        (
            {"log_retention_days": 8},
            "log_retention_days: CloudWatch cannot keep logs for 8 days: use one of 1, 3, 5, 7",
        ),
        ({"name": "a-b"}, "name: 'a-b' cannot be a part of all names: use a-z and 0-9, at most 16, a letter first"),
        ({"region": "Seoul"}, "region: 'Seoul' is not a region: use a name such as eu-west-1"),
        (
            {"permissions_boundary": "boundary"},
            "permissions_boundary: 'boundary' is not the ARN of a managed policy: use arn",
        ),
        ({"alarm_email": "somebody"}, "alarm_email: 'somebody' is not an email address: use an address"),
        ({"tags": {"number": 1}}, "tags: 'number' has the value 1: use a string"),
        ({"tags": {"aws:x": "1"}}, "tags: 'aws:x' cannot be a tag's key: use letters"),
        ({"vpc": StageVpc(**{**VPC, "id": "vpc-x"})}, "vpc.id: 'vpc-x' is not a valid ID: use vpc- and 8 or 17"),
        ({"account": "1234"}, "account: '1234' is not an account ID: use its 12 digits, as a string"),
        ({"vpc": StageVpc(**{**VPC, "security_group_ids": ()})}, "vpc.security_group_ids: is empty: list one or more"),
        (
            {"vpc": StageVpc(**{**VPC, "subnet_ids": ()})},
            "vpc.subnet_ids: does not match availability_zones",
        ),
        (
            {"vpc": StageVpc(**{**VPC, "availability_zones": ("a", "b")})},
            "vpc.subnet_ids: does not match availability_zones",
        ),
        ({"vpc": StageVpc(**VPC, s3_endpoint=True)}, "vpc.route_table_ids: s3_endpoint requires it"),
    ],
)
def test_an_invalid_setting_is_rejected_with_its_key_and_the_remedy(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SynthError) as rejected:
        limits.validate(Stage(**{"name": "odd", **settings}))
    stage = settings.get("name", "odd")
    assert str(rejected.value).startswith(f"infra/stage.py: stage {stage}: {message}")
    assert "\n" not in str(rejected.value)


def test_a_complete_network_is_accepted() -> None:
    limits.validate(Stage(name="odd", vpc=StageVpc(**VPC, route_table_ids=("rtb-01234567",), s3_endpoint=True)))
