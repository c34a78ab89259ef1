"""What a stage may say; all else stops a synth with the file, the key and the remedy."""

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


def test_the_stages_can_be_deployed_and_are_closed_to_all_but_signed_calls() -> None:
    assert list(STAGES) == ["dev", "prod"]
    for name, stage in STAGES.items():
        assert find_stage(name) is stage
        limits.validate(stage)
        assert stage.auth == "iam"


def test_prod_moves_traffic_in_steps() -> None:
    assert STAGES["prod"].canary == "Canary10Percent5Minutes"


def test_projects_in_one_account_keep_their_names_and_metrics_apart() -> None:
    ours, theirs = STAGES["dev"], find_stage("dev", "fraud")
    assert theirs.function_name("sentiment") == "fraud-dev-sentiment"
    assert (ours.prefix, theirs.prefix) == ("modelet-dev", "fraud-dev")
    assert (ours.namespace, theirs.namespace) == ("Modelet/dev", "Modelet/fraud/dev")


@pytest.mark.parametrize("project", ["", "Fraud", "fraud-team", "1st", "a" * 17, "awsome", "ssmall"])
def test_a_project_s_name_that_cannot_be_a_part_of_all_names_is_refused(project: str) -> None:
    with pytest.raises(SynthError, match=r"^cdk\.json: context\.project: '.*' cannot be the first part .*: give lower"):
        limits.validate(Stage(name="dev", project=project))


def test_an_unknown_stage_lists_what_there_is() -> None:
    with pytest.raises(
        SynthError, match=r"^infra/stage\.py: STAGES has no 'prdo': choose dev or prod, or add it there$"
    ):
        find_stage("prdo")


def test_stages_in_one_account_keep_their_names_and_metrics_apart() -> None:
    assert STAGES["dev"].function_name("sentiment") == "modelet-dev-sentiment"
    assert STAGES["dev"].namespace != STAGES["prod"].namespace


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            {"canary": "Canary10Percent6Minutes"},
            "canary: CodeDeploy has no 'Canary10Percent6Minutes': give one of AllAtO",
        ),
        ({"log_retention_days": 8}, "log_retention_days: CloudWatch cannot keep logs for 8: give one of 1, 3, 5, 7"),
        ({"name": "a-b"}, "name: 'a-b' cannot be a part of all names: give lower-case letters and digits"),
        ({"region": "Seoul"}, "region: 'Seoul' is none: give one such as eu-west-1"),
        ({"permissions_boundary": "boundary"}, "permissions_boundary: 'boundary' is none: give the ARN of a managed"),
        ({"alarm_email": "somebody"}, "alarm_email: 'somebody' is none: give an address"),
        ({"tags": {"number": 1}}, "tags: 'number' has 1: give a text"),
        ({"tags": {"aws:x": "1"}}, "tags: 'aws:x' cannot be a tag's key: give letters"),
        ({"vpc": StageVpc(**{**VPC, "id": "vpc-x"})}, "vpc.id: 'vpc-x' is none: give vpc- and 8 or 17"),
        ({"account": "1234"}, "account: '1234' is none: give its 12 digits, as text"),
        ({"vpc": StageVpc(**{**VPC, "security_group_ids": ()})}, "vpc.security_group_ids: is empty: give one or more"),
        (
            {"vpc": StageVpc(**{**VPC, "subnet_ids": ()})},
            "vpc.subnet_ids: do not go with the zones",
        ),
        (
            {"vpc": StageVpc(**{**VPC, "availability_zones": ("a", "b")})},
            "vpc.subnet_ids: do not go with the zones",
        ),
        ({"vpc": StageVpc(**VPC, s3_endpoint=True)}, "vpc.route_table_ids: s3_endpoint needs them"),
    ],
)
def test_what_aws_would_refuse_later_is_refused_now(said: dict[str, Any], message: str) -> None:
    with pytest.raises(SynthError) as refused:
        limits.validate(Stage(**{"name": "odd", **said}))
    stage = said.get("name", "odd")
    assert str(refused.value).startswith(f"infra/stage.py: stage {stage}: {message}")
    assert "\n" not in str(refused.value)


def test_a_network_that_is_whole_is_taken() -> None:
    limits.validate(Stage(name="odd", vpc=StageVpc(**VPC, route_table_ids=("rtb-01234567",), s3_endpoint=True)))
