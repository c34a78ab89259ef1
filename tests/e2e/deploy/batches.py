"""Batches, predictions and jobs of a deployed model, step by step, for scenario.py: every call goes through its API."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from e2e.deploy.deployment import Deployment, function_name
from e2e.deploy.project import BATCHED, INPUTS, REQUEST, RESULTS
from modelet.batch.table import active_key, batch_key
from support.repository import ROOT

PATH = f"/models/{BATCHED}"
ROWS = 100
JSON = {"content-type": "application/json"}
LIMIT_S = 120
"""Seconds that a batch or a job may take; an import waits 15 s between two looks."""
AGAIN_S = 2.5
"""An environment reads the pointer to the active generation again after 2 s."""
EVENT = json.loads((ROOT / "events" / BATCHED / "infer.json").read_text())
INSTANCE = json.loads(EVENT["body"])
"""The first row of the inputs, patient-1, as a request."""


def call(deployment: Deployment, method: str, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
    """Call the API, and give the body of an answer that must have the status."""
    sent = b"" if body is None else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = deployment.api.call(method, path, sent, {**JSON, **named} if sent else named)
    assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json()


def start(deployment: Deployment, **members: Any) -> str:
    """Start a batch; gives its path."""
    started = call(deployment, "POST", f"{PATH}/batches", {**REQUEST, **members}, 202)
    return str(started["status_url"])


def ended(deployment: Deployment, path: str) -> dict[str, Any]:
    """Wait until a batch or a job has ended."""
    until = time.monotonic() + LIMIT_S
    while time.monotonic() < until:
        found: dict[str, Any] = call(deployment, "GET", path)
        if found["state"].upper() in {"DONE", "FAILED", "CANCELLED"}:
            return found
        time.sleep(0.5)
    pytest.fail(f"{path} has not ended after {LIMIT_S} s: {found}")


def inferred(deployment: Deployment) -> Any:
    """What the model itself answers for the first row."""
    return json.loads(deployment.api.send(EVENT)["body"])


def one_batch(deployment: Deployment, **members: Any) -> dict[str, Any]:
    """Start a batch that must be done; gives its record."""
    found = ended(deployment, start(deployment, **members))
    assert (found["state"], found["rows_done"], found["rows_failed"]) == ("DONE", ROWS, 0), found
    return found


def active(deployment: Deployment) -> str:
    """The active generation, after every environment has seen it."""
    time.sleep(AGAIN_S)
    return str(call(deployment, "GET", f"{PATH}/predictions")["generation"])


def a_batch_scores_rows_in_s3_into_the_table_and_into_result_files(deployment: Deployment) -> None:
    bucket, _, key = INPUTS.removeprefix("s3://").partition("/")
    s3 = deployment.account.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.upload_file(ROOT / "events" / BATCHED / "patients.csv", bucket, key.replace("*", "patients.csv"))
    assert not call(deployment, "GET", f"{PATH}/predictions")["active"]
    with deployment.step("a batch of 100 rows"):
        done = one_batch(deployment, passed=["age"], results=f"{RESULTS.removesuffix('/*')}/first")
    assert done["version"] == deployment.worker_version(BATCHED)
    written = s3.list_objects_v2(Bucket=bucket, Prefix="scores/first/")["Contents"]
    assert [each["Key"].rpartition(".")[2] for each in written] == ["parquet"]
    assert active(deployment) == done["id"]


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


def a_batch_may_not_read_what_model_yaml_does_not_name(deployment: Deployment) -> None:
    failed = ended(deployment, start(deployment, inputs=["s3://others/rows.csv"]))
    assert failed["state"] == "FAILED"
    assert "s3://others/rows.csv" in failed["problem"]["detail"], failed["problem"]


def a_batch_that_has_ended_is_neither_cancelled_nor_resumed(deployment: Deployment) -> None:
    done = one_batch(deployment)["status_url"]
    assert "DONE" in call(deployment, "DELETE", done, status=409)["detail"]
    assert "DONE" in call(deployment, "POST", f"{done}/resume", status=409)["detail"]
    call(deployment, "GET", f"{PATH}/batches/20200101T000000000Z-00000000", status=404)


def a_cancelled_batch_can_be_resumed(deployment: Deployment) -> None:
    path = start(deployment)
    assert call(deployment, "DELETE", path)["state"] == "CANCELLED"
    assert ended(deployment, path)["state"] == "CANCELLED"
    assert call(deployment, "POST", f"{path}/resume", status=202)["attempt"] == 2
    assert ended(deployment, path)["state"] == "DONE"


def a_repeated_idempotency_key_starts_nothing_again(deployment: Deployment) -> None:
    for noun, body in (("batches", REQUEST), ("jobs", INSTANCE)):
        first, second = (call(deployment, "POST", f"{PATH}/{noun}", body, 202, idempotency_key="k-1") for _ in "12")
        assert first["id"] == second["id"]
        other = call(deployment, "POST", f"{PATH}/{noun}", {**body, "key": "other"}, 422, idempotency_key="k-1")
        assert "another body" in other["detail"]
        assert ended(deployment, first["status_url"])["state"].upper() == "DONE"


def a_job_has_the_answer_that_the_model_gives(deployment: Deployment) -> None:
    with deployment.step("a job"):
        done = ended(deployment, call(deployment, "POST", f"{PATH}/jobs", INSTANCE, 202)["status_url"])
    assert (done["state"], done["status"], done["attempts"]) == ("done", 200, 1), done
    assert done["result"] == pytest.approx(inferred(deployment))
    failed = ended(deployment, call(deployment, "POST", f"{PATH}/jobs", {"age": "old"}, 202)["status_url"])
    assert (failed["state"], failed["problem"]["status"]) == ("failed", 422)
    call(deployment, "DELETE", done["status_url"], status=409)


def a_large_job_is_uploaded_and_its_result_is_a_link(deployment: Deployment) -> None:
    form = call(deployment, "POST", f"{PATH}/uploads", status=201)
    body = json.dumps({"instances": [INSTANCE] * 20_000})
    with httpx.Client(verify=deployment.account.trust, timeout=60) as client:
        sent = client.post(form["url"], data=form["fields"], files={"file": ("body", body)})
        assert sent.is_success, sent.text
        job = call(deployment, "POST", f"{PATH}/jobs", {"upload": form["upload"]}, 202)
        done = ended(deployment, job["status_url"])
        assert done["state"] == "done", done
        result = client.get(done["result_url"])
    assert len(result.json()["predictions"]) == 20_000


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
    ]
    for attempt in refused:
        with pytest.raises(ClientError, match="AccessDenied"):
            attempt()


def a_schedule_starts_batches(deployment: Deployment) -> None:
    scheduler = deployment.account.client("scheduler")
    found = scheduler.get_schedule(Name=f"{function_name(BATCHED)}-batch")
    kept = {name: found[name] for name in ("Name", "FlexibleTimeWindow", "Target", "ScheduleExpressionTimezone")}
    before = call(deployment, "GET", f"{PATH}/batches")["batches"][0]["id"]
    scheduler.update_schedule(**kept, ScheduleExpression="cron(* * * * ? *)")
    until = time.monotonic() + LIMIT_S
    while (newest := call(deployment, "GET", f"{PATH}/batches")["batches"][0])["id"] == before:
        assert time.monotonic() < until, "the schedule has started no batch"
        time.sleep(0.5)
    scheduler.update_schedule(**kept, ScheduleExpression=found["ScheduleExpression"])
    assert ended(deployment, newest["status_url"])["state"] == "DONE"


STEPS = (
    a_batch_scores_rows_in_s3_into_the_table_and_into_result_files,
    its_predictions_are_those_that_the_model_answers,
    all_of_them_are_read_page_by_page,
    rejected_rows_can_be_read,
    what_the_table_lacks_is_inferred_and_kept,
    a_new_generation_is_active_at_once_and_can_be_rolled_back,
    an_import_loads_a_table_of_its_own,
    a_batch_may_not_read_what_model_yaml_does_not_name,
    a_batch_that_has_ended_is_neither_cancelled_nor_resumed,
    a_cancelled_batch_can_be_resumed,
    a_job_has_the_answer_that_the_model_gives,
    a_large_job_is_uploaded_and_its_result_is_a_link,
    a_repeated_idempotency_key_starts_nothing_again,
    a_worker_s_role_touches_only_what_is_its_model_s,
    a_schedule_starts_batches,
)
"""In this order: each goes on where the one before it ended."""
