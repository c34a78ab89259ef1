"""Notes on the account's quotas before a deployment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from conftest import SIGNED_IN
from infra.checks.account import concurrency_notes, memory_notes, peak_concurrency
from infra.stage import Stage
from modelet.dev.project.spec import ModelSpec

STAGE = Stage(name="dev")


def spec(**sections: Any) -> ModelSpec:
    return ModelSpec.model_validate(sections)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """Lambda's client, whose answers a test writes down; each must be asked for, in that order."""
    for name, value in SIGNED_IN.items():
        monkeypatch.setenv(name, value)
    with Stubber(boto3.client("lambda")) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def answers(aws: Stubber, total: int, unreserved: int, held: dict[str, int | None]) -> None:
    limit = {"ConcurrentExecutions": total, "UnreservedConcurrentExecutions": unreserved}
    aws.add_response("get_account_settings", {"AccountLimit": limit}, {})
    for name, reserved in held.items():
        asked = {"FunctionName": f"modelet-dev-{name}"}
        if reserved is None:
            aws.add_client_error("get_function_concurrency", "ResourceNotFoundException", expected_params=asked)
        else:
            known = {"ReservedConcurrentExecutions": reserved} if reserved else {}
            aws.add_response("get_function_concurrency", known, asked)


def notes(aws: Stubber, models: dict[str, ModelSpec]) -> list[str]:
    return list(concurrency_notes(aws.client, STAGE, models))


def test_models_above_a_new_account_s_memory_are_named() -> None:
    small, large = spec(resources={"memory_mb": 3008}), spec(resources={"memory_mb": 3009})
    assert list(memory_notes({"a": small})) == []
    [note] = memory_notes({"a": small, "b": large, "c": large})
    assert note.startswith("b, c: resources.memory_mb is above 3,008 MB, the limit of some new accounts")


def test_the_memory_and_the_concurrency_of_workers_count_too(aws: Stubber) -> None:
    large = spec(jobs={}, worker={"memory_mb": 4000, "max_concurrency": 901})
    [note] = memory_notes({"a": large})
    assert note.startswith("a: worker.memory_mb is above 3,008 MB")
    answers(aws, 1000, 1000, {"a": None, "a-worker": None})
    [note] = notes(aws, {"a": large})
    assert "need 901 concurrent executions (a-worker 901), but only 900 can be reserved" in note


def test_without_reserved_concurrency_aws_is_not_called(aws: Stubber) -> None:
    assert notes(aws, {"a": spec()}) == []


def test_a_new_account_with_ten_executions_can_reserve_none(aws: Stubber) -> None:
    answers(aws, 10, 10, {"a": None})
    [note] = notes(aws, {"a": spec(scaling={"max_concurrency": 1})})
    assert "need 1 concurrent executions (a 1), but only 0 can be reserved: the account has 10" in note


@pytest.mark.parametrize(("wanted", "count"), [(900, 0), (901, 1)])
def test_lambda_keeps_a_hundred_executions_unreserved(aws: Stubber, wanted: int, count: int) -> None:
    answers(aws, 1000, 1000, {"a": None})
    assert len(notes(aws, {"a": spec(scaling={"max_concurrency": wanted})})) == count


def test_concurrency_that_the_functions_already_reserve_counts_as_available(aws: Stubber) -> None:
    answers(aws, 1000, 600, {"a": 300, "b": 0})
    models = {"a": spec(scaling={"max_concurrency": 500}), "b": spec(scaling={"provisioned": 301})}
    [note] = notes(aws, models)
    assert "need 801 concurrent executions (a 500, b 301), but only 800 can be reserved" in note


def test_a_denied_call_becomes_a_note(aws: Stubber) -> None:
    aws.add_client_error("get_account_settings", "AccessDeniedException")
    [note] = notes(aws, {"a": spec(scaling={"max_concurrency": 1})})
    assert note.startswith("the account's concurrency limits cannot be read: ")


def test_the_peak_is_max_concurrency_or_the_highest_provisioned_concurrency() -> None:
    schedule = {"cron": "0 8 ? * MON-FRI *", "provisioned": 3, "provisioned_max": 9}
    scaling = {"provisioned": 2, "provisioned_max": 5, "schedules": [schedule]}
    assert peak_concurrency(spec(scaling=scaling)) == 9
    assert peak_concurrency(spec(scaling={**scaling, "max_concurrency": 20})) == 20
    assert peak_concurrency(spec()) == 0
