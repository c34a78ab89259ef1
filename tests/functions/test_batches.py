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

from modelet.batch.generations import Generations
from modelet.batch.record import BatchRecord
from modelet.dev.local.runtime.function import LocalFunction
from modelet.dev.local.runtime.log import MemoryLog
from modelet.dev.local.runtime.once import invoke_once
from modelet.errors import SettingsError
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
    assert record.function == (
        f"arn:aws:lambda:us-east-1:123456789012:function:{api.stage.prefix}-tiny-worker:{record.version}"
    )
    [execution] = [each for each in api.stage.executions() if batch in each["name"]]
    assert execution["name"] == f"tiny-{batch}-1"
    described = api.stage.client("stepfunctions").describe_execution(executionArn=execution["executionArn"])
    assert json.loads(described["input"]) == {
        "batch": {"model": "tiny", "id": batch, "attempt": 1},
        "function": record.function,
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


def test_no_answer_has_the_number_of_the_account(api: Api) -> None:
    answer = started(api)
    assert "123456789012" not in json.dumps(answer.body)
    assert "123456789012" not in json.dumps(api(http_event("GET", answer.body["status_url"])).body)


def test_a_batch_keeps_its_version_while_its_model_is_deployed_anew(api: Api) -> None:
    before = started(api)
    number = api.stage.deploy()
    after = started(api)
    assert after.body["version"] == number != before.body["version"]
    assert api(http_event("DELETE", before.body["status_url"])).status == 200
    resumed = api(http_event("POST", f"{before.body['status_url']}/resume"))
    assert resumed.body["version"] == before.body["version"]
    [execution] = [each for each in api.stage.executions() if each["name"] == f"tiny-{before.body['id']}-2"]
    described = api.stage.client("stepfunctions").describe_execution(executionArn=execution["executionArn"])
    assert json.loads(described["input"])["function"] == record_of(api, before).function


def test_model_yaml_says_what_the_request_leaves_open(api: Api) -> None:
    plain, own = started(api), started(api, tolerated=0.5, load="import")
    assert (plain.body["tolerated"], plain.body["load"]) == (0.25, "write")
    assert (own.body["tolerated"], own.body["load"]) == (0.5, "import")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"key": "id"}, "inputs"),
        ({**REQUEST, "colour": "red"}, "colour"),
        ({**REQUEST, "inputs": ["https://example.org/rows.csv"]}, "inputs"),
        ({**REQUEST, "inputs": ["file:///var/task/bundle.json"]}, "inputs"),
        ({**REQUEST, "results": "file:///tmp/results"}, "results"),
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
    [execution] = [each for each in api.stage.executions() if answer.body["id"] in each["name"]]
    assert execution["status"] == "ABORTED"


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


@pytest.mark.parametrize("state", ["PLANNING", "RUNNING", "FINISHING", "LOADING"])
def test_a_batch_whose_execution_died_is_failed_and_can_be_resumed(
    api: Api, event: Event, monkeypatch: pytest.MonkeyPatch, state: Any
) -> None:
    answer = started(api)
    record = record_of(api, answer)
    api.services.batches.set_state(record, ("PLANNING",), state)
    path = answer.body["status_url"]
    monkeypatch.setattr(sys.modules["batches_routes"], "SETTLED_S", -1)
    assert api(event("GET", path)).body["state"] == state  # it runs
    api.services.executions.stop("tiny", record.id, 1)
    monkeypatch.setattr(sys.modules["batches_routes"], "SETTLED_S", 60)
    assert api(event("GET", path)).body["state"] == state  # it changed a moment ago
    monkeypatch.setattr(sys.modules["batches_routes"], "SETTLED_S", -1)
    shown = api(event("GET", path)).body
    assert shown["state"] == "FAILED"
    assert f"while the batch was {state}" in shown["problem"]["detail"]
    assert api(event("POST", f"{path}/resume")).status == 202


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
        assert answer.body["version"] == "$LATEST"
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
