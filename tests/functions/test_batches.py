"""POST /models/{name}/batches records a batch and starts it; the other routes show, cancel and resume it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.config import Config

from modelet.batch.generations import Generation, Generations
from modelet.batch.record import BatchRecord
from modelet.batch.schedule import schedule_event
from modelet.batch.table import new_id
from modelet.dev.local.runtime.function import LocalFunction
from modelet.dev.local.runtime.log import MemoryLog
from modelet.dev.local.runtime.once import invoke_once
from modelet.errors import SettingsError, StoreError
from support.aws import Service, running_service
from support.batches_api import FOLDER, Answer, Api, PlatformContext, loaded
from support.events import http_event, rest_event

Event = Callable[..., dict[str, Any]]
PATH = "/models/tiny/batches"
REQUEST = {"inputs": ["s3://inputs/rows-*.csv"], "key": "id"}


def started(api: Api, **members: Any) -> Answer:
    answer = api(http_event("POST", PATH, {**REQUEST, **members}))
    assert answer.status == 202, answer.body
    return answer


def listed(api: Api) -> dict[str, Any]:
    """All batches of the model, by their ids."""
    found: dict[str, Any] = {}
    path = f"{PATH}?limit=100"
    while path:
        page = api(http_event("GET", path)).body
        found |= {each["id"]: each for each in page["batches"]}
        path = page["next"]
    return found


def input_of(api: Api, execution: str) -> Any:
    """The input of an execution, by its name."""
    arn = f"{api.stage.machine.replace(':stateMachine:', ':execution:')}:{execution}"
    return json.loads(api.stage.client("stepfunctions").describe_execution(executionArn=arn)["input"])


def record_of(api: Api, answer: Answer) -> BatchRecord:
    found: BatchRecord = api.services.batches.get("tiny", answer.body["id"])
    return found


def test_a_batch_is_recorded_and_an_execution_starts_with_the_worker_s_version(api: Api, event: Event) -> None:
    answer = api(event("POST", PATH, REQUEST))
    assert answer.status == 202
    batch = answer.body["id"]
    assert answer.headers["location"] == answer.body["status_url"] == f"{PATH}/{batch}"
    assert (answer.body["state"], answer.body["attempt"], answer.body["request"]) == ("PLANNING", 1, REQUEST)
    record = record_of(api, answer)
    assert re.fullmatch(
        rf"arn:aws:lambda:us-east-1:123456789012:function:{api.stage.prefix}-tiny-worker:\d+", record.function
    )
    [execution] = [each for each in api.stage.executions() if batch in each["name"]]
    assert execution["name"] == f"tiny-{batch}-1"
    described = api.stage.client("stepfunctions").describe_execution(executionArn=execution["executionArn"])
    assert json.loads(described["input"]) == {
        "batch": {"model": "tiny", "id": batch, "attempt": 1},
        "function": record.function,
        "concurrency": 20,  # of 24 workers, 4 are for jobs
    }


def test_the_same_idempotency_key_and_request_are_one_batch(api: Api, event: Event) -> None:
    """As EventBridge Scheduler sends a start that it repeats: with the time of the schedule."""
    key = f"2026-11-29T03:00:00Z-{time.monotonic_ns()}"
    first, second = (api(event("POST", PATH, REQUEST, idempotency_key=key)) for _ in range(2))
    assert (first.status, second.status) == (202, 202)
    assert second.body["id"] == first.body["id"]
    other = api(event("POST", PATH, {**REQUEST, "key": "other"}, idempotency_key=key))
    assert (other.status, other.body["type"]) == (422, "urn:modelet:problem:idempotency-key")


def test_a_page_of_another_site_can_name_no_file_of_this_machine(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = api.services.settings
    monkeypatch.setattr(api.services, "settings", settings._replace(takes_files=True))
    cases: dict[str, dict[str, Any]] = {
        "inputs": {"inputs": ["file:///etc/a.csv"]},
        "results": {"results": "file:///tmp/out"},
    }
    for name, document in cases.items():
        body = {**REQUEST, **document}
        refused = api(http_event("POST", PATH, body, origin="https://other.example"))
        assert (refused.status, refused.body["errors"][0]["field"]) == (422, name)
        assert api(http_event("POST", PATH, body)).status == 202


def test_a_file_that_may_not_be_named_is_refused_with_the_remedy(api: Api, event: Event) -> None:
    refused = api(event("POST", PATH, {**REQUEST, "inputs": ["file:///etc/a.csv"]}))
    assert refused.status == 422
    assert refused.body["errors"][0]["message"].endswith("without --host, and not for a web page: give s3://bucket/key")


@pytest.mark.parametrize(
    ("field", "rest"),
    [
        ("inputs", "/tiny/b/rejected/*.jsonl"),
        ("inputs", "/*/*/*/*.jsonl"),
        ("inputs", "/tiny/uploads*/1"),
        ("inputs", "/quick/uploads/1"),
        ("results", ""),
        ("results", "/tiny/out"),
        ("results", "/tiny/uploads/out"),
    ],
)
def test_a_batch_reads_and_writes_nothing_among_the_files_of_batches(api: Api, field: str, rest: str) -> None:
    url = f"s3://{api.stage.bucket}{rest}"
    refused = api(http_event("POST", PATH, {**REQUEST, field: [url] if field == "inputs" else url}))
    assert (refused.status, refused.body["errors"][0]["field"]) == (422, field)
    assert refused.body["errors"][0]["message"].endswith("give a place in another bucket")


def test_a_batch_may_read_what_was_uploaded_for_its_model_and_buckets_with_similar_names(api: Api) -> None:
    bucket = api.stage.bucket
    started(
        api, inputs=[f"s3://{bucket}/tiny/uploads/1", f"s3://{bucket}-2/tiny/a.csv"], results=f"s3://{bucket}-2/out"
    )


def test_a_request_that_its_record_could_not_hold_is_refused(api: Api) -> None:
    inputs = [f"s3://inputs/{'a' * 600}/{number}" for number in range(1000)]
    refused = api(http_event("POST", PATH, {**REQUEST, "inputs": inputs}))
    assert (refused.status, "use wildcards" in refused.body["errors"][0]["message"]) == (422, True)


def test_no_answer_has_the_number_of_the_account(api: Api) -> None:
    answer = started(api)
    assert "123456789012" not in json.dumps(answer.body)
    assert "123456789012" not in json.dumps(api(http_event("GET", answer.body["status_url"])).body)


def test_a_batch_keeps_its_version_while_its_model_is_deployed_anew(api: Api) -> None:
    before = started(api)
    number = api.stage.deploy()
    after = started(api)
    assert record_of(api, after).function.endswith(f":{number}")
    assert not record_of(api, before).function.endswith(f":{number}")
    assert api(http_event("DELETE", before.body["status_url"])).status == 200
    resumed = api(http_event("POST", f"{before.body['status_url']}/resume"))
    assert resumed.body["version"] == before.body["version"]
    for batch, attempt in ((before, 1), (before, 2), (after, 1)):
        given = input_of(api, f"tiny-{batch.body['id']}-{attempt}")
        assert given["function"] == record_of(api, batch).function


def test_the_version_of_a_batch_is_the_model_s_from_the_start_or_null_until_its_plan(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The alias of a worker moves before its stack announces which version of the model it serves."""
    workers = api.services.workers
    live = workers.version(workers.get("tiny", "batch")).arn.rpartition(":")[2]
    for number, version in ((live, "7"), ("0", None)):
        tiny = workers.get("tiny", "batch")._replace(function_version=number, model_version="7")
        monkeypatch.setattr(workers, "_found", {"tiny": tiny})
        answer = started(api)
        assert answer.body["version"] == version
        assert api(http_event("GET", answer.body["status_url"])).body["version"] == version
    batches = api.services.batches
    batches.plan_done(record_of(api, answer), 1, 4, 400, "write", version="8")
    assert api(http_event("GET", answer.body["status_url"])).body["version"] == "8"


def test_a_resume_runs_as_many_chunks_at_one_time_as_model_yaml_allows_now(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = started(api)
    path, name = answer.body["status_url"], f"tiny-{answer.body['id']}"
    api(http_event("DELETE", path))
    workers = api.services.workers
    fewer = workers.get("tiny", "batch")._replace(max_concurrency=6)
    monkeypatch.setattr(workers, "_found", {"tiny": fewer})
    assert api(http_event("POST", f"{path}/resume")).status == 202
    assert [input_of(api, f"{name}-{attempt}")["concurrency"] for attempt in (1, 2)] == [20, 2]


def test_model_yaml_says_what_the_request_leaves_open(api: Api) -> None:
    plain, own = started(api), started(api, tolerated=0.5, load="import")
    assert (plain.body["tolerated"], plain.body["load"]) == (0.25, "write")
    assert (own.body["tolerated"], own.body["load"]) == (0.5, "import")
    assert plain.body["predictions_until"] is None


def test_model_yaml_says_when_predictions_expire(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = api.services.workers.get("tiny", "batch")
    monkeypatch.setattr(api.services.workers, "_found", {"tiny": worker._replace(batch={"expires_days": 3})})
    answer = started(api)
    record = record_of(api, answer)
    assert record.predictions_until == int(record.created) + 3 * 24 * 3600
    assert answer.body["predictions_until"] is not None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"key": "id"}, "inputs"),
        ({**REQUEST, "colour": "red"}, "colour"),
        ({**REQUEST, "inputs": ["https://example.org/rows.csv"]}, "inputs"),
        ({**REQUEST, "inputs": ["file:///var/task/bundle.json"]}, "inputs"),
        ({**REQUEST, "results": "file:///tmp/results"}, "results"),
        ({**REQUEST, "inputs": ["s3://lake"]}, "inputs"),
        ({**REQUEST, "results": "s3://lake/out", "passed": ["prediction"]}, "passed"),
        ([], ""),
    ],
)
def test_a_wrong_request_is_refused_by_its_member_and_nothing_starts(
    api: Api, event: Event, body: Any, field: str
) -> None:
    before = len(api.stage.executions())
    answer = api(event("POST", PATH, body))
    assert answer.status == 422
    assert answer.body["errors"][0]["field"] == field
    assert len(api.stage.executions()) == before


@pytest.mark.parametrize("body", ["", "{", '{"tolerated": NaN}', '{"tolerated": 1e999}', "[" * 100_000, b"\xff"])
def test_a_body_that_is_no_json_is_a_400(api: Api, event: Event, body: Any) -> None:
    answer = api(event("POST", PATH, body))
    assert (answer.status, answer.body["type"]) == (400, "urn:modelet:problem:malformed-body")


def test_another_media_type_is_a_415(api: Api, event: Event) -> None:
    answer = api(event("POST", PATH, "inputs=x", content_type="application/x-www-form-urlencoded"))
    assert (answer.status, answer.headers["accept"]) == (415, "application/json")


@pytest.mark.parametrize("model", ["bare", "quick", "nobody"])
@pytest.mark.parametrize(("method", "rest"), [("POST", "batches"), ("GET", "batches"), ("GET", "predictions?key=1")])
def test_a_model_without_batches_is_a_404(api: Api, event: Event, model: str, method: str, rest: str) -> None:
    body = REQUEST if method == "POST" else None
    answer = api(event(method, f"/models/{model}/{rest}", body))
    assert answer.status == 404
    assert f"no model {model} that takes batches" in answer.body["detail"]


def test_a_model_whose_worker_is_not_deployed_is_a_404(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.services.workers, "_prefix", "another")
    answer = api(http_event("POST", PATH, REQUEST))
    assert (answer.status, answer.body["detail"]) == (404, "The model tiny has no worker: deploy it.")


def test_if_the_execution_does_not_start_the_batch_has_failed_and_the_caller_may_try_again(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = listed(api)
    monkeypatch.setattr(api.services.executions, "_machine", f"{api.stage.machine}-removed")
    answer = api(http_event("POST", PATH, REQUEST))
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert "arn:aws" not in json.dumps(answer.body)
    assert "StateMachineDoesNotExist" in caplog.text
    [batch] = [each for name, each in listed(api).items() if name not in before]
    assert (batch["state"], batch["problem"]["status"]) == ("FAILED", 503)


def test_throttles_of_step_functions_are_a_503(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_service() as service:
        service.script = lambda *_: (400, {"__type": "ThrottlingException", "message": "Rate exceeded"})
        monkeypatch.setattr(api.services.executions, "_client", client_of(service))
        assert api(http_event("POST", PATH, REQUEST)).status == 503
    assert len(service.seen) == 3


def test_an_execution_that_a_lost_answer_had_started_is_no_error(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    exists = {"__type": "com.amazonaws.swf.service.v2.model#ExecutionAlreadyExists", "message": "it exists"}
    with running_service() as service:
        service.script = lambda _, number: None if number == 1 else (400, exists)
        monkeypatch.setattr(api.services.executions, "_client", client_of(service))
        assert api(http_event("POST", PATH, REQUEST)).status == 202


def client_of(service: Service) -> Callable[[str], Any]:
    config = Config(retries={"total_max_attempts": 3, "mode": "standard"})
    return lambda name: boto3.client(name, endpoint_url=service.url, config=config)


def test_batches_are_listed_newest_first_page_by_page(api: Api, event: Event) -> None:
    made = [started(api).body["id"] for _ in range(3)]
    seen: list[str] = []
    path = f"{PATH}?limit=2"
    while path:
        answer = api(event("GET", path))
        assert answer.status == 200
        assert len(answer.body["batches"]) <= 2
        seen += [each["id"] for each in answer.body["batches"]]
        path = answer.body["next"]
    assert len(seen) == len(set(seen))
    assert set(made) <= set(seen)
    assert [each[:16] for each in seen] == sorted((each[:16] for each in seen), reverse=True)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=many", "limit=1.5", "after=%00", "after=a%2Fb"])
def test_a_wrong_page_is_a_problem_that_names_the_parameter(api: Api, event: Event, query: str) -> None:
    answer = api(event("GET", f"{PATH}?{query}"))
    assert answer.status == 422
    assert answer.body["errors"][0]["field"] == query.partition("=")[0]


def test_a_batch_shows_its_progress_and_the_errors_of_its_chunks(api: Api, event: Event) -> None:
    batch = started(api).body["id"]
    batches = api.services.batches
    running = batches.plan_done(batches.get("tiny", batch), 1, 4, 400, "write")
    assert running is not None
    batches.chunk_done(running, 0, 1, rows=99, failed=1, seconds=2.0)
    batches.chunk_done(running, 1, 1, rows=100, failed=0, seconds=2.0)
    batches.chunk_failed(running, 2, 1, {"type": "urn:modelet:problem:input", "status": 400, "detail": "no CSV"})
    answer = api(event("GET", f"{PATH}/{batch}"))
    assert (answer.status, answer.body["state"]) == (200, "RUNNING")
    progress = answer.body["progress"]
    assert {name: progress[name] for name in ("chunks", "done", "failed", "rows", "rows_failed", "rows_planned")} == {
        "chunks": 4,
        "done": 2,
        "failed": 1,
        "rows": 199,
        "rows_failed": 1,
        "rows_planned": 400,
    }
    assert progress["rows_per_s"] > 0
    assert progress["seconds_left"] > 0
    [error] = progress["errors"]
    assert (error["chunk"], error["attempt"], error["problem"]["detail"]) == (2, 1, "no CSV")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", error["at"])


@pytest.mark.parametrize("batch", ["unknown", "20260101T000000Z-00000000", "a%20b", "x" * 500, "rollback"])
def test_an_unknown_batch_is_a_404(api: Api, event: Event, batch: str) -> None:
    for method, rest in (("GET", ""), ("DELETE", ""), ("POST", "/resume")):
        assert api(event(method, f"{PATH}/{batch}{rest}")).status == 404


def test_a_cancelled_batch_is_cancelled_in_its_record_and_in_the_state_machine(api: Api, event: Event) -> None:
    answer = started(api)
    for _ in range(2):  # twice is no error
        cancelled = api(event("DELETE", answer.body["status_url"]))
        assert (cancelled.status, cancelled.body["state"]) == (200, "CANCELLED")
    name = f"tiny-{answer.body['id']}-1"
    found = {each["name"]: each["status"] for each in api.stage.executions() if answer.body["id"] in each["name"]}
    assert found[name] == "ABORTED"
    assert set(found) == {name, f"{name}-end"}, "another execution announces the end"
    assert input_of(api, f"{name}-end") == {**input_of(api, name), "concurrency": 1}


def test_the_names_of_executions_stay_below_step_functions_limit_and_differ(api: Api) -> None:
    with running_service() as service:
        service.script = lambda *_: (200, {"executionArn": "a", "startDate": 1.0})
        executions = type(api.services.executions)(api.stage.machine, client_of(service))
        for attempt in (9, 10):
            executions.start("m" * 64, new_id(), attempt, "arn", 1)
            executions.announce("m" * 64, new_id(), attempt, "arn")
        names = [json.loads(each.body)["name"] for each in service.seen]
    assert len(set(names)) == 4
    assert max(map(len, names)) <= 80
    assert [name.rpartition("-")[2] for name in names] == ["9", "end", "10", "end"]


def test_a_batch_is_cancelled_also_if_its_execution_cannot_be_stopped(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answer = started(api)
    with running_service() as service:
        service.script = lambda *_: (500, {"__type": "InternalError"})
        monkeypatch.setattr(api.services.executions, "_client", client_of(service))
        cancelled = api(http_event("DELETE", answer.body["status_url"]))
    assert (cancelled.status, cancelled.body["state"]) == (200, "CANCELLED")
    assert "a cancelled batch's execution goes on" in caplog.text
    assert "the end of a batch is not announced" in caplog.text


@pytest.mark.parametrize("state", ["PLANNING", "RUNNING", "FINISHING", "LOADING"])
def test_a_batch_whose_execution_died_is_failed_and_can_be_resumed(
    api: Api, event: Event, monkeypatch: pytest.MonkeyPatch, state: Any
) -> None:
    answer = started(api)
    record = record_of(api, answer)
    api.services.batches.set_state(record, ("PLANNING",), state)
    path = answer.body["status_url"]
    monkeypatch.setattr(sys.modules["endings"], "SETTLED_S", -1)
    assert api(event("GET", path)).body["state"] == state  # it runs
    api.services.executions.stop("tiny", record.id, 1)
    monkeypatch.setattr(sys.modules["endings"], "SETTLED_S", 60)
    assert api(event("GET", path)).body["state"] == state  # it changed a moment ago
    monkeypatch.setattr(sys.modules["endings"], "SETTLED_S", -1)
    shown = api(event("GET", path)).body
    assert shown["state"] == "FAILED"
    assert f"while the batch was {state}" in shown["problem"]["detail"]
    assert input_of(api, f"tiny-{record.id}-1-end")["batch"]["attempt"] == 1, "its end is announced"
    assert api(event("POST", f"{path}/resume")).status == 202


def test_a_list_tells_of_a_batch_whose_execution_died_that_it_has_failed(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = started(api)
    api.services.executions.stop("tiny", answer.body["id"], 1)
    monkeypatch.setattr(sys.modules["endings"], "SETTLED_S", -1)
    assert listed(api)[answer.body["id"]]["state"] == "FAILED"


def test_an_execution_that_runs_is_looked_at_again_after_half_a_minute(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, executions, now = started(api), api.services.executions, [1000.0]
    batch, running = answer.body["id"], {"status": "RUNNING"}
    monkeypatch.setattr(executions, "_clock", lambda: now[0])
    with running_service() as service:
        service.script = lambda *_: (200, running)
        monkeypatch.setattr(executions, "_client", client_of(service))
        for now[0], calls in ((1000.0, 1), (1029.0, 1), (1030.0, 2), (1059.0, 2)):
            assert executions.end("tiny", batch, 1) is None
            assert len(service.seen) == calls
        assert executions.end("tiny", batch, 2) is None
        assert len(service.seen) == 3, "another attempt is another execution"
        running["status"] = "ABORTED"
        now[0] = 1090.0
        assert [executions.end("tiny", batch, 1) for _ in range(2)] == ["", ""]
        assert len(service.seen) == 5, "only that it runs is remembered"


def test_no_more_than_some_executions_are_remembered(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    executions = api.services.executions
    monkeypatch.setattr(sys.modules["executions"], "MOST_KEPT", 2)
    monkeypatch.setattr(executions, "_ran", {})
    with running_service() as service:
        service.script = lambda *_: (200, {"status": "RUNNING"})
        monkeypatch.setattr(executions, "_client", client_of(service))
        for attempt in range(1, 6):
            assert executions.end("tiny", "b", attempt) is None
            assert len(executions._ran) <= 2


def test_whoever_looks_at_a_batch_that_ended_unannounced_has_it_announced_once_it_may_be(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a laptop whose server ended at once with the batch."""
    answer = started(api)
    batch = answer.body["id"]
    api.services.batches.set_state(record_of(api, answer), ("PLANNING",), "FAILED", {"detail": "no rows"})

    def is_announced() -> bool:
        assert api(http_event("GET", answer.body["status_url"])).body["announced"] is False
        return f"tiny-{batch}-1-end" in {each["name"] for each in api.stage.executions()}

    endings = sys.modules["endings"]
    api.services.executions.stop("tiny", batch, 1)
    assert not is_announced()  # it ended a moment ago
    monkeypatch.setattr(endings, "SETTLED_S", -1)
    monkeypatch.setattr(endings, "TOLD_WITHIN_S", -1)
    assert not is_announced()  # it ended long ago
    monkeypatch.setattr(endings, "TOLD_WITHIN_S", 60)
    assert is_announced()
    api.services.batches.set_notified(record_of(api, answer))
    assert api(http_event("GET", answer.body["status_url"])).body["announced"] is True


@pytest.mark.parametrize("is_told", ["by its execution", "by whoever looks"])
def test_a_batch_whose_predictions_are_active_is_done_though_its_execution_died(
    api: Api, monkeypatch: pytest.MonkeyPatch, is_told: str
) -> None:
    answer = started(api)
    record, services = record_of(api, answer), api.services
    services.batches.plan_done(record, 1, 1, 1, "write")
    services.batches.chunk_done(record, 0, 1, rows=1, failed=0, seconds=1)
    services.batches.set_state(record, ("RUNNING",), "LOADING")
    pointer = Generation(record.id, api.stage.predictions, 1, 0.0, record.id)
    monkeypatch.setattr(services.generations, "active", lambda _model: pointer)
    api.services.executions.stop("tiny", record.id, 1)
    if is_told == "by its execution":
        tell(api, ended_event(api, record.id, "FAILED"))
    else:
        monkeypatch.setattr(sys.modules["endings"], "SETTLED_S", -1)
        assert api(http_event("GET", answer.body["status_url"])).body["state"] == "DONE"
    assert (record_of(api, answer).state, record_of(api, answer).problem) == ("DONE", None)
    assert input_of(api, f"tiny-{record.id}-1-end")["function"] == record.function


def ended_event(api: Api, batch: str, status: str, attempt: int = 1, **members: str) -> dict[str, Any]:
    """What EventBridge sends."""
    name = f"tiny-{batch}-{attempt}"
    arn = f"{api.stage.machine.replace(':stateMachine:', ':execution:')}:{name}"
    given = {"batch": {"model": "tiny", "id": batch, "attempt": attempt}, "function": "arn", "concurrency": 1}
    detail = {"executionArn": arn, "stateMachineArn": api.stage.machine, "name": name, "status": status, **members}
    return {
        "version": "0",
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "resources": [arn],
        "detail": {**detail, "input": json.dumps(given)},
    }


def tell(api: Api, event: dict[str, Any]) -> None:
    assert api.module.handler(event, PlatformContext()) == {}


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_a_batch_whose_execution_died_is_failed_and_announced_though_nobody_looks(api: Api, status: str) -> None:
    answer = started(api)
    batch = answer.body["id"]
    for _ in range(2):  # an event may come twice
        tell(api, ended_event(api, batch, status))
    record = record_of(api, answer)
    assert (record.state, record.problem is not None) == ("FAILED", True)
    assert input_of(api, f"tiny-{batch}-1-end")["function"] == record.function


GONE = "Lambda.ResourceNotFoundException"


def test_a_batch_whose_worker_s_version_is_gone_says_that_a_new_one_helps(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, seen = started(api), started(api)
    tell(api, ended_event(api, told.body["id"], "FAILED", error=GONE, cause="Function not found: arn:aws:lambda:…"))
    monkeypatch.setattr(sys.modules["endings"], "SETTLED_S", -1)
    with running_service() as service:
        service.script = lambda *_: (200, {"status": "FAILED", "error": GONE})
        monkeypatch.setattr(api.services.executions, "_client", client_of(service))
        api(http_event("GET", seen.body["status_url"]))
    for answer in (told, seen):
        record = record_of(api, answer)
        assert record.state == "FAILED"
        assert record.problem is not None
        assert "its version of the worker does not exist any more: start a new batch" in record.problem["detail"]
        assert "resume" not in record.problem["detail"]
        assert "arn:aws" not in record.problem["detail"]


def test_the_end_of_an_execution_whose_batch_was_announced_or_goes_on_changes_nothing(api: Api) -> None:
    answer = started(api)
    batch, batches = answer.body["id"], api.services.batches
    batches.set_state(record_of(api, answer), ("PLANNING",), "FAILED", {"detail": "no rows"})
    batches.set_notified(record_of(api, answer))
    before = record_of(api, answer)
    tell(api, ended_event(api, batch, "FAILED"))
    assert record_of(api, answer) == before
    resumed = batches.resume("tiny", batch)
    tell(api, ended_event(api, batch, "FAILED"))
    assert record_of(api, answer) == resumed
    assert not [each for each in api.stage.executions() if each["name"] == f"tiny-{batch}-1-end"]
    for given in ("{}", "[]", "no JSON"):
        event = ended_event(api, batch, "FAILED")
        event["detail"]["input"] = given
        tell(api, event)
    tell(api, ended_event(api, "20260101T000000000Z-00000000", "FAILED"))


def test_the_end_of_an_execution_comes_again_if_it_cannot_be_recorded(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = started(api).body["id"]
    monkeypatch.setattr(api.services.executions, "_machine", f"{api.stage.machine}-removed")
    with pytest.raises(StoreError):
        tell(api, ended_event(api, batch, "ABORTED"))


def scheduled(api: Api) -> dict[str, Any]:
    """What EventBridge Scheduler sends: the time is in its place."""
    text = json.dumps(schedule_event("tiny", REQUEST))
    event: dict[str, Any] = json.loads(
        text.replace("<aws.scheduler.scheduled-time>", f"2026-11-29T03:00:00Z-{time.monotonic_ns()}")
    )
    return event


def test_a_scheduled_start_that_fails_is_raised_so_that_lambda_tries_again_and_repeats_are_one_batch(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    event, before = scheduled(api), set(listed(api))
    with monkeypatch.context() as broken:
        broken.setattr(api.services.executions, "_machine", f"{api.stage.machine}-removed")
        with pytest.raises(StoreError, match="the scheduled batch of tiny was answered with 503"):
            api.module.handler(event, PlatformContext())
    answers = [api(event) for _ in range(2)]
    assert [each.status for each in answers] == [202, 202]
    new = {name: each["state"] for name, each in listed(api).items() if name not in before}
    assert sorted(new.values()) == ["FAILED", "PLANNING"]
    assert new[answers[1].body["id"]] == "PLANNING"


def test_a_scheduled_start_that_is_refused_is_logged_with_its_model_and_not_tried_again(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    event = {**scheduled(api), "body": '{"key": "id"}'}
    assert api(event).status == 422
    [line] = [each for each in caplog.records if each.getMessage() == "a scheduled batch was not started"]
    assert line.levelname == "ERROR"
    assert (line.model, line.status) == ("tiny", 422)  # type: ignore[attr-defined]
    assert "inputs" in line.problem  # type: ignore[attr-defined]


def test_a_scheduled_start_whose_first_delivery_is_not_through_is_tried_again(api: Api) -> None:
    answer = {"statusCode": 409, "headers": {"retry-after": "1"}, "body": "{}"}
    with pytest.raises(StoreError, match="answered with 409"):
        sys.modules["scheduled"].check_start("tiny", answer)


def test_a_caller_of_the_api_gets_an_answer_whatever_headers_he_sends(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.services.executions, "_machine", f"{api.stage.machine}-removed")
    answer = api(
        http_event("POST", PATH, REQUEST, user_agent="modelet-schedule", host="scheduler", idempotency_key="k")
    )
    assert answer.status == 503


def test_a_batch_that_is_done_cannot_be_cancelled_or_resumed(api: Api, event: Event) -> None:
    answer = started(api)
    batches = api.services.batches
    running = batches.plan_done(record_of(api, answer), 1, 0, 0, "write")
    assert batches.set_state(running, ("RUNNING",), "DONE").state == "DONE"
    for method, rest in (("DELETE", ""), ("POST", "/resume")):
        refused = api(event(method, f"{answer.body['status_url']}{rest}"))
        assert (refused.status, refused.body["type"]) == (409, "urn:modelet:problem:conflict")


def test_a_resumed_batch_runs_as_its_next_attempt(api: Api, event: Event) -> None:
    answer = started(api)
    path = answer.body["status_url"]
    assert api(event("POST", f"{path}/resume")).status == 409, "it is running"
    api(event("DELETE", path))
    resumed = api(event("POST", f"{path}/resume", {"tolerated": 0.75}))
    assert resumed.status == 202
    assert resumed.headers["location"] == path
    assert (resumed.body["state"], resumed.body["attempt"], resumed.body["tolerated"]) == ("PLANNING", 2, 0.75)
    names = {each["name"] for each in api.stage.executions()}
    assert f"tiny-{answer.body['id']}-2" in names


@pytest.mark.parametrize("body", [{"tolerated": 2}, {"tolerated": True}, {"tolerated": "1"}, {"rows": 3}, [], 0.5])
def test_a_resume_takes_a_share_and_nothing_else(api: Api, event: Event, body: Any) -> None:
    answer = api(event("POST", f"{PATH}/x/resume", body))
    assert answer.status == 422


def test_a_resume_that_does_not_start_leaves_the_batch_failed_so_that_it_can_be_resumed_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = started(api).body["status_url"]
    api(http_event("DELETE", path))
    with monkeypatch.context() as broken:
        broken.setattr(api.services.executions, "_machine", f"{api.stage.machine}-removed")
        assert api(http_event("POST", f"{path}/resume")).status == 503
    assert api(http_event("GET", path)).body["state"] == "FAILED"
    assert api(http_event("POST", f"{path}/resume")).body["attempt"] == 3


def test_a_rollback_returns_to_the_previous_generation_and_back(api: Api, event: Event) -> None:
    first, second = api.stage.load({"a": 1}), api.stage.load({"a": 2})
    answer = api(event("POST", f"{PATH}/rollback"))
    assert answer.status == 200
    assert (answer.body["generation"], answer.body["previous"], answer.body["rows"]) == (first, second, 1)
    found = Generations(api.stage.client("dynamodb"), api.stage.control).active("tiny")
    assert found is not None
    assert found.generation == first
    assert api(event("POST", f"{PATH}/rollback")).body["generation"] == second


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        (PATH, "GET, HEAD, POST"),
        (f"{PATH}/x", "DELETE, GET, HEAD"),
        (f"{PATH}/x/resume", "POST"),
        ("/models/tiny/predictions", "GET, HEAD, POST"),
        ("/models/tiny/predictions/x", "GET, HEAD"),
        ("/models/tiny/jobs", "GET, HEAD, POST"),
        ("/models/tiny/jobs/x", "DELETE, GET, HEAD"),
        ("/jobs/x", "DELETE, GET, HEAD"),
        ("/models/tiny/uploads", "POST"),
    ],
)
def test_another_method_is_told_which_ones_there_are(api: Api, event: Event, path: str, allow: str) -> None:
    answer = api(event("PUT", path, {}))
    assert (answer.status, answer.headers["allow"]) == (405, allow)


@pytest.mark.parametrize("path", ["/", "/models/tiny", "/models/tiny/batch", f"{PATH}/x/y", "/jobs", "/docs"])
def test_an_unknown_path_is_a_problem(api: Api, event: Event, path: str) -> None:
    answer = api(event("GET", path))
    assert answer.status == 404
    assert path in answer.body["detail"]


def test_a_slash_at_the_end_and_head_change_nothing(api: Api, event: Event) -> None:
    path = started(api).body["status_url"]
    plain = api(event("GET", path))
    for other in (api(event("GET", f"{path}/")), api(event("HEAD", path))):
        assert (other.status, other.body["id"]) == (200, plain.body["id"])


def test_a_browser_that_asks_whether_it_may_ask_gets_a_status_of_success(api: Api, event: Event) -> None:
    for path in (PATH, "/nowhere"):
        assert api.module.handler(event("OPTIONS", path), PlatformContext())["statusCode"] == 204


def test_a_bug_is_a_problem_without_its_text_and_the_log_has_it(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(api.services, "workers", None)
    answer = api(http_event("GET", PATH))
    assert (answer.status, answer.body["type"]) == (500, "urn:modelet:problem:internal")
    assert "NoneType" not in json.dumps(answer.body)
    assert "'NoneType' object has no attribute 'get'" in caplog.text


def test_a_stage_and_a_resource_of_a_rest_api_are_not_part_of_the_path(api: Api) -> None:
    path = started(api).body["status_url"]
    staged = http_event("GET", f"/prod{path}")
    staged["requestContext"]["stage"] = "prod"
    mapped = rest_event("GET", path)
    batch = path.rpartition("/")[2]
    mapped |= {"resource": f"{PATH}/{{id}}", "pathParameters": {"id": batch}, "path": f"/mapped{path}"}
    assert api(staged).body["id"] == api(mapped).body["id"] == batch


def test_the_list_of_workers_is_read_from_the_parameters_of_the_models_stacks(api: Api) -> None:
    name = f"/{api.stage.prefix}/workers"
    parameters = api.stage.client("ssm")
    parameters.put_parameter(Name=f"{name}/tiny", Value='{"batch": {"tolerated": 0.5}}', Type="String")
    with loaded({**api.stage.environment(), "MODELET_WORKERS": f"ssm:{name}"}) as module:
        deployed = Api(module, api.stage)
        assert started(deployed).body["tolerated"] == 0.5
        assert deployed(http_event("GET", "/models/tiny/jobs")).status == 404
        parameters.put_parameter(Name=f"{name}/tiny", Value="[", Type="String", Overwrite=True)
        deployed.services.workers._read_at = None
        answer = deployed(http_event("GET", PATH))
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")


def test_on_a_laptop_there_are_files_and_no_alias(api: Api) -> None:
    local = {**api.stage.environment(), "MODELET_ALIAS": "", "MODELET_FILES": "1"}
    with loaded(local) as module:
        laptop = Api(module, api.stage)
        answer = started(laptop, inputs=["file:///data/rows.csv"])
        assert answer.body["version"] is None, "its plan tells it"
        assert record_of(laptop, answer).function.endswith(f":function:{api.stage.prefix}-tiny-worker")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MODELET_PREFIX", ""),
        ("MODELET_BATCHES", "a-bucket"),
        ("MODELET_BATCHES", "s3://bucket/folder"),
        ("MODELET_WORKERS", "["),
        ("MODELET_WORKERS", '{"tiny": 3}'),
        ("MODELET_UPLOAD_BYTES", "-1"),
        ("MODELET_KEPT_S", "a day"),
    ],
)
def test_it_does_not_start_with_wrong_settings(api: Api, variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable), loaded({**api.stage.environment(), variable: value}):
        pass


def test_its_line_is_log_and_metrics_at_once_like_a_model_s(api: Api) -> None:
    function = LocalFunction("batches", FOLDER, "app.handler", environment=api.stage.environment())
    log, given = MemoryLog(), json.dumps(http_event("GET", "/nothing")).encode()
    with ThreadPoolExecutor(1) as aside:  # this thread has the event loop of the fixture
        aside.submit(invoke_once, function, given, log=log).result()
    [line] = [json.loads(text) for text in log.lines if text.startswith("{")]
    assert (line["level"], line["status"], line["service"]) == ("WARNING", 404, "batches")
    assert (line["ColdStart"], line["errors"], line["faults"]) == ([1.0], [1.0], [0.0])
    assert line["total_ms"][0] > 0


def test_it_imports_only_what_the_layer_and_lambda_s_runtime_have(api: Api) -> None:
    missing = "('orjson', 'pyarrow', 'numpy', 'click', 'yaml')"
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({missing})); sys.path.insert(0, {str(FOLDER)!r}); "
        "import app, idempotency"
    )
    environment = {**os.environ, **api.stage.environment()}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
