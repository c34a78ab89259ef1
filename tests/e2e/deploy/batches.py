"""Batches and their predictions in a deployed stage, step by step, for steps.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from e2e.deploy.asking import INSTANCE, PATH, ROWS, active, call, ended, inferred, one_batch, start, until
from e2e.deploy.deployment import Deployment, function_name
from e2e.deploy.project import BATCHED, INPUTS, REQUEST, RESULTS
from modelet.batch.table import active_key, batch_key
from support.repository import ROOT


def a_batch_scores_rows_in_s3_into_the_table_and_into_result_files(deployment: Deployment) -> None:
    bucket, _, key = INPUTS.removeprefix("s3://").partition("/")
    s3 = deployment.account.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.upload_file(ROOT / "events" / BATCHED / "patients.csv", bucket, key.replace("*", "patients.csv"))
    assert not call(deployment, "GET", f"{PATH}/predictions")["active"]
    with deployment.step("a batch of 100 rows"):
        done = one_batch(deployment, passed=["age"], results=f"{RESULTS.removesuffix('/*')}/first")
    assert done["version"] == deployment.served()[BATCHED]
    written = s3.list_objects_v2(Bucket=bucket, Prefix="scores/first/")["Contents"]
    assert [each["Key"].rpartition(".")[2] for each in written] == ["parquet"]
    assert active(deployment) == done["id"]
    read_page_by_page(deployment, done["status_url"])


def its_predictions_are_those_that_the_model_answers(deployment: Deployment) -> None:
    found = call(deployment, "GET", f"{PATH}/predictions?key=patient-1")
    assert (found["source"], found["passed"]) == ("batch", {"age": "59"})
    assert found["prediction"] == pytest.approx(inferred(deployment))
    many = call(deployment, "POST", f"{PATH}/predictions", {"keys": ["patient-100", "nobody"]})
    assert ([each["key"] for each in many["predictions"]], many["missing"]) == (["patient-100"], ["nobody"])
    call(deployment, "GET", f"{PATH}/predictions?key=nobody", status=404)


def all_of_them_are_read_page_by_page(deployment: Deployment) -> None:
    following: str | None = f"{PATH}/batches/{active(deployment)}/predictions?limit=60"
    keys: list[str] = []
    while following:
        page = call(deployment, "GET", following)
        keys += [each["key"] for each in page["predictions"]]
        following = page["next"]
    assert sorted(keys) == sorted(f"patient-{number}" for number in range(1, ROWS + 1))


def rejected_rows_can_be_read(deployment: Deployment) -> None:
    bucket, _, key = INPUTS.removeprefix("s3://").partition("/")
    bad = key.replace("*", "bad.csv")
    s3 = deployment.account.client("s3")
    head, first, *_ = (ROOT / "events" / BATCHED / "patients.csv").read_text().splitlines()
    s3.put_object(Bucket=bucket, Key=bad, Body=f"{head}\n{first}\n{first.replace(',', ',x', 1)}\n".encode())
    try:
        ended_as = ended(deployment, start(deployment, inputs=[f"s3://{bucket}/{bad}"], tolerated=0))
    finally:
        s3.delete_object(Bucket=bucket, Key=bad)
    assert (ended_as["state"], ended_as["rows_failed"]) == ("FAILED", 1)
    assert ended_as["rejected"].startswith("s3://")
    [row] = call(deployment, "GET", f"{ended_as['status_url']}/rejected")["rejected"]
    assert (row["row"], row["key"], row["field"]) == (1, "patient-1", "age")


def what_the_table_lacks_is_inferred_and_kept(deployment: Deployment) -> None:
    asked = {"key": "new/1 +é", "instance": INSTANCE, "keep": True}
    fresh = call(deployment, "POST", f"{PATH}/predictions", asked)
    assert (fresh["source"], fresh["kept"]) == ("online", True)
    assert fresh["prediction"] == pytest.approx(inferred(deployment))
    kept = call(deployment, "GET", f"{PATH}/predictions?key=new%2F1%20%2B%C3%A9")
    assert (kept["prediction"], kept["source"]) == (fresh["prediction"], "online")
    assert not call(deployment, "POST", f"{PATH}/predictions", asked)["kept"]
    unlike = call(deployment, "POST", f"{PATH}/predictions", {**asked, "key": "new-2", "instance": {"age": 1}}, 422)
    assert unlike["errors"]


def a_new_generation_is_active_at_once_and_can_be_rolled_back(deployment: Deployment) -> None:
    first = active(deployment)
    second = one_batch(deployment)["id"]
    assert active(deployment) == second
    call(deployment, "GET", f"{PATH}/predictions?key=new%2F1%20%2B%C3%A9", status=404)
    assert call(deployment, "POST", f"{PATH}/batches/rollback")["generation"] == first
    assert active(deployment) == first
    assert call(deployment, "POST", f"{PATH}/batches/rollback")["generation"] == second
    assert active(deployment) == second


def an_import_loads_a_table_of_its_own(deployment: Deployment) -> None:
    with deployment.step("a batch by import"):
        done = one_batch(deployment, load="import")
    assert active(deployment) == done["id"]
    found = call(deployment, "GET", f"{PATH}/predictions?key=patient-1")
    assert found["prediction"] == pytest.approx(inferred(deployment))
    tables = deployment.account.client("dynamodb").list_tables()["TableNames"]
    assert f"{function_name(BATCHED)}-{done['id']}-1" in tables
    read_page_by_page(deployment, done["status_url"])


def read_page_by_page(deployment: Deployment, batch: str) -> None:
    """Read all predictions of a batch, and its rejected rows, of which there are none. batch: its path."""
    keys: set[str] = set()
    path = f"{batch}/predictions?limit=60"
    while path:
        page = call(deployment, "GET", path)
        keys |= {each["key"] for each in page["predictions"]}
        path = page["next"]
    assert keys == {f"patient-{number}" for number in range(1, ROWS + 1)}
    assert call(deployment, "GET", f"{batch}/rejected")["rejected"] == []


def a_batch_may_not_read_what_model_yaml_does_not_name(deployment: Deployment) -> None:
    failed = ended(deployment, start(deployment, inputs=["s3://others/rows.csv"]))
    assert failed["state"] == "FAILED"
    assert "s3://others/rows.csv" in failed["problem"]["detail"], failed["problem"]


def a_batch_that_has_ended_is_neither_cancelled_nor_resumed(deployment: Deployment) -> None:
    done = one_batch(deployment)["status_url"]
    assert "DONE" in call(deployment, "DELETE", done, status=409)["detail"]
    assert "DONE" in call(deployment, "POST", f"{done}/resume", status=409)["detail"]
    call(deployment, "GET", f"{PATH}/batches/20200101T000000000Z-00000000", status=404)


def a_repeated_idempotency_key_starts_nothing_again(deployment: Deployment) -> None:
    for noun, body in (("batches", REQUEST), ("jobs", INSTANCE)):
        first, second = (call(deployment, "POST", f"{PATH}/{noun}", body, 202, idempotency_key="k-1") for _ in "12")
        assert first["id"] == second["id"]
        other = call(deployment, "POST", f"{PATH}/{noun}", {**body, "key": "other"}, 422, idempotency_key="k-1")
        assert "another request" in other["detail"]
        assert ended(deployment, first["status_url"])["state"].upper() == "DONE"


def a_worker_s_role_touches_only_what_is_its_model_s(deployment: Deployment) -> None:
    account, other = deployment.account, "sentiment"
    worker = account.client("lambda").get_function_configuration(FunctionName=f"{function_name(BATCHED)}-worker")
    variables, session = deployment.worker_variables(BATCHED), account.assume(worker["Role"])
    tables, s3 = account.client("dynamodb", session), account.client("s3", session)
    control, bucket = variables["MODELET_CONTROL_TABLE"], variables["MODELET_BATCHES"].removeprefix("s3://")
    named = {name: {"S": value} for name, value in active_key(BATCHED).items()}
    assert tables.get_item(TableName=control, Key=named)["Item"]
    s3.put_object(Bucket=bucket, Key=f"{BATCHED}/note", Body=b"")
    key = {name: {"S": value} for name, value in active_key(other).items()}
    item = {name: {"S": value} for name, value in batch_key(other, "b").items()}
    prefixed = {"pk": {"S": f"batch#{BATCHED}-2#b"}, "sk": {"S": "batch"}}
    predictions = deployment.prediction_table(other)
    refused: list[Callable[[], Any]] = [
        lambda: tables.get_item(TableName=control, Key=key),
        lambda: tables.put_item(TableName=control, Item=item),
        lambda: tables.get_item(TableName=control, Key=prefixed),
        lambda: tables.batch_get_item(RequestItems={control: {"Keys": [named, key]}}),
        lambda: tables.transact_write_items(
            TransactItems=[{"Delete": {"TableName": control, "Key": each}} for each in (named, key)]
        ),
        lambda: tables.query(
            TableName=control, KeyConditionExpression="pk = :m", ExpressionAttributeValues={":m": key["pk"]}
        ),
        lambda: tables.scan(TableName=control),
        lambda: tables.get_item(TableName=predictions, Key={"id": {"S": "k"}, "generation": {"S": "g"}}),
        lambda: tables.delete_table(TableName=variables["MODELET_PREDICTION_TABLE"]),
        lambda: s3.get_object(Bucket=bucket, Key=f"{other}/b/chunks/1.jsonl"),
        lambda: s3.put_object(Bucket=bucket, Key=f"{other}/b/chunks/1.jsonl", Body=b""),
        lambda: s3.list_objects_v2(Bucket=bucket, Prefix=f"{other}/"),
        lambda: s3.put_object(Bucket=INPUTS.split("/")[2], Key="new/more.csv", Body=b""),
        lambda: s3.get_object(Bucket=deployment.bucket, Key=f"models/{other}/1/model.json"),
        lambda: account.client("sns", session).publish(TopicArn=f"{variables['MODELET_TOPIC']}-2", Message="done"),
    ]
    for attempt in refused:
        with pytest.raises(ClientError, match=r"AccessDenied|AuthorizationError"):  # the latter is SNS's
            attempt()


def a_schedule_starts_batches(deployment: Deployment) -> None:
    scheduler = deployment.account.client("scheduler")
    found = scheduler.get_schedule(Name=f"{function_name(BATCHED)}-batch")
    kept = {name: found[name] for name in ("Name", "FlexibleTimeWindow", "Target", "ScheduleExpressionTimezone")}
    before = call(deployment, "GET", f"{PATH}/batches")["batches"][0]["id"]
    # The emulator counts the minute from the schedule's creation, so it is over; in AWS it begins now.
    scheduler.update_schedule(**kept, ScheduleExpression="rate(1 minute)")

    def newest() -> dict[str, Any] | None:
        batch: dict[str, Any] = call(deployment, "GET", f"{PATH}/batches")["batches"][0]
        return None if batch["id"] == before else batch

    started = until(newest, "the schedule has started no batch")
    scheduler.update_schedule(**kept, ScheduleExpression=found["ScheduleExpression"])
    assert ended(deployment, started["status_url"])["state"] == "DONE"
