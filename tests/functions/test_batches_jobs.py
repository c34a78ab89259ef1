"""POST /models/{name}/jobs records a request and queues it; other routes show its state and result, and cancel it."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

import boto3
import pytest
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer
from botocore.config import Config

from modelet.errors import StoreError
from modelet.jobs.name import parse_job_name
from modelet.jobs.record import JobRecord
from modelet.protocols import rows
from support.aws import running_service
from support.batches_api import Answer, Api, loaded
from support.events import http_event, rest_event

Event = Callable[..., dict[str, Any]]
PATH = "/models/tiny/jobs"
BODY = {"instances": [{"length": 1.5}]}


def created(api: Api, event: Event = http_event, body: Any = None, **headers: str) -> Answer:
    answer = api(event("POST", PATH, BODY if body is None else body, **headers))
    assert answer.status == 202, answer.body
    return answer


def listed(api: Api) -> dict[str, Any]:
    """All jobs of the model, by their names."""
    found: dict[str, Any] = {}
    path = f"{PATH}?limit=100"
    while path:
        page = api(http_event("GET", path)).body
        found |= {each["id"]: each for each in page["jobs"]}
        path = page["next"]
    return found


def record_of(api: Api, answer: Answer) -> JobRecord:
    found: JobRecord = api.services.jobs.get(*parse_job_name(answer.body["id"]))
    return found


def claimed(api: Api, answer: Answer, seconds: float = 60, attempt: int = 1) -> JobRecord:
    until = time.time() + seconds
    claim = api.services.jobs.claim(*parse_job_name(answer.body["id"]), "a-worker", until, attempt=attempt)
    assert claim.state == "claimed"
    job: JobRecord = claim.job
    return job


def test_a_job_is_recorded_before_its_message_is_sent(api: Api, event: Event) -> None:
    api.stage.messages()
    answer = created(api, event)
    name = answer.body["id"]
    assert answer.headers["location"] == answer.body["status_url"] == f"/jobs/{name}"
    assert (answer.body["state"], answer.body["model"], answer.body["attempts"]) == ("queued", "tiny", 0)
    model, job = parse_job_name(name)
    assert api.stage.messages() == [{"model": model, "id": job}]
    record = record_of(api, answer)
    assert record.body is not None
    assert json.loads(record.body) == BODY
    assert (record.url, record.version) == (None, "7")


def test_a_model_with_jobs_alone_takes_jobs(api: Api, event: Event) -> None:
    answer = api(event("POST", "/models/quick/jobs", BODY))
    assert answer.status == 202
    assert len(api.stage.messages("quick")) == 1


@pytest.mark.parametrize("model", ["bare", "nobody"])
@pytest.mark.parametrize(("method", "rest"), [("POST", "jobs"), ("GET", "jobs"), ("POST", "uploads")])
def test_a_model_without_jobs_is_a_404(api: Api, event: Event, model: str, method: str, rest: str) -> None:
    answer = api(event(method, f"/models/{model}/{rest}", BODY if method == "POST" else None))
    assert (answer.status, "takes jobs" in answer.body["detail"]) == (404, True)


@pytest.mark.parametrize("body", ["", "{", "NaN", b"\xff\xfe"])
def test_a_body_that_is_no_json_is_refused_at_once(api: Api, event: Event, body: Any) -> None:
    assert api(event("POST", PATH, body)).status == 400


def test_a_large_body_goes_to_the_bucket_byte_for_byte(api: Api, event: Event) -> None:
    text = json.dumps({"instances": ["é" * 110_000]}, ensure_ascii=False).encode()
    record = record_of(api, created(api, event, text))
    key = f"tiny/jobs/{record.id}/body"
    assert (record.body, record.url) == (None, f"s3://{api.stage.bucket}/{key}")
    found = api.stage.client("s3").get_object(Bucket=api.stage.bucket, Key=key)
    assert (found["Body"].read(), found["ContentType"]) == (text, record.media_type)


def test_a_body_of_200_kb_is_in_the_record(api: Api) -> None:
    text = b'"' + b"x" * 199_998 + b'"'
    record = record_of(api, created(api, http_event, text))
    assert (record.body, record.url) == (text, None)


def test_if_the_message_is_not_sent_the_job_has_failed_and_the_caller_may_try_again(
    api: Api, event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.services.queues.url("tiny")
    before = listed(api)
    with running_service() as service:
        service.script = lambda *_: (503, {"__type": "ServiceUnavailable"})
        config = Config(retries={"total_max_attempts": 1})
        client = boto3.client("sqs", endpoint_url=service.url, config=config)
        monkeypatch.setattr(api.services.queues, "_client", lambda _: client)
        answer = api(event("POST", PATH, BODY))
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    [job] = [each for name, each in listed(api).items() if name not in before]
    assert (job["state"], job["problem"]["status"]) == ("failed", 503)


def test_a_model_whose_queue_is_not_deployed_is_a_404_and_nothing_is_recorded(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.services.queues, "_prefix", "another")
    monkeypatch.setattr(api.services.queues, "_urls", {})
    before = listed(api)
    assert api(http_event("POST", PATH, BODY)).status == 404
    assert listed(api) == before


def test_jobs_are_listed_page_by_page_without_their_results(api: Api, event: Event) -> None:
    made = [created(api) for _ in range(3)]
    api.services.jobs.finish(claimed(api, made[0]), result=b'{"predictions": [1]}')
    seen: dict[str, Any] = {}
    path = f"{PATH}?limit=2"
    while path:
        answer = api(event("GET", path))
        assert answer.status == 200
        seen |= {each["id"]: each for each in answer.body["jobs"]}
        path = answer.body["next"]
    assert {each.body["id"] for each in made} <= seen.keys()
    assert seen[made[0].body["id"]]["state"] == "done"
    assert "result" not in seen[made[0].body["id"]]


@pytest.mark.parametrize("below_model", [False, True])
def test_a_job_goes_from_queued_over_running_to_done_with_its_result(api: Api, event: Event, below_model: bool) -> None:
    answer = created(api)
    path = f"{PATH}/{answer.body['id']}" if below_model else answer.body["status_url"]
    assert api(event("GET", path)).body["state"] == "queued"
    job = claimed(api, answer)
    running = api(event("GET", path)).body
    assert (running["state"], running["attempts"]) == ("running", 1)
    api.services.jobs.finish(job, result=b'{"predictions": [0.1]}')
    done = api(event("GET", path))
    assert (done.status, done.body["state"], done.body["status"]) == (200, "done", 200)
    assert done.body["result"] == {"predictions": [0.1]}


def test_a_large_result_is_a_link_that_s3_signs_with_version_4(api: Api, event: Event) -> None:
    answer = created(api)
    job = claimed(api, answer)
    api.stage.client("s3").put_object(Bucket=api.stage.bucket, Key="tiny/jobs/x/result.json", Body=b'{"a": 1}')
    api.services.jobs.finish(job, url=f"s3://{api.stage.bucket}/tiny/jobs/x/result.json")
    body = api(event("GET", answer.body["status_url"])).body
    assert "result" not in body
    query = parse_qs(urlsplit(body["result_url"]).query)
    assert (query["X-Amz-Algorithm"], query["X-Amz-Expires"]) == (["AWS4-HMAC-SHA256"], ["900"])
    with urlopen(body["result_url"]) as found:
        assert found.read() == b'{"a": 1}'


def test_a_job_whose_worker_died_waits_for_its_next_attempt(api: Api, event: Event) -> None:
    answer = created(api)
    claimed(api, answer, seconds=-1, attempt=2)
    assert api(event("GET", answer.body["status_url"])).body["state"] == "queued"
    assert listed(api)[answer.body["id"]]["state"] == "queued"
    assert record_of(api, answer).state == "running", "the next worker takes the claim over"


@pytest.mark.parametrize("is_listed", [False, True])
def test_a_job_whose_worker_died_at_the_last_attempt_has_failed(api: Api, event: Event, is_listed: bool) -> None:
    answer = created(api)
    claimed(api, answer, seconds=-1, attempt=3)
    seen = listed(api)[answer.body["id"]] if is_listed else api(event("GET", answer.body["status_url"])).body
    assert (seen["state"], seen["problem"]["type"]) == ("failed", "urn:modelet:problem:lost-job")
    assert "ended without an answer at attempt 3" in seen["problem"]["detail"]
    assert seen["ended"] is not None
    assert record_of(api, answer).state == "failed"


def test_model_yaml_says_how_often_a_job_is_tried(api: Api) -> None:
    workers = {"tiny": {"jobs": {"attempts": 5}}}
    with loaded({**api.stage.environment(), "MODELET_WORKERS": json.dumps(workers)}) as module:
        own = Api(module, api.stage)
        answer = created(own)
        claimed(own, answer, seconds=-1, attempt=4)
        assert own(http_event("GET", answer.body["status_url"])).body["state"] == "queued"


def failed_queue(api: Api, *bodies: str) -> str:
    """An empty dead-letter queue of the model `tiny`, with these messages."""
    sqs, name = api.stage.client("sqs"), f"{api.stage.prefix}-tiny-jobs-failed"
    if found := sqs.list_queues(QueueNamePrefix=name).get("QueueUrls"):
        sqs.delete_queue(QueueUrl=found[0])
    url: str = sqs.create_queue(QueueName=name)["QueueUrl"]
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body)
    return url


def left(api: Api, url: str) -> int:
    """The number of messages of a queue, hidden or not."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = api.stage.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def test_a_redrive_runs_jobs_that_failed_or_whose_worker_died_and_drops_what_is_no_such_job(
    api: Api, event: Event
) -> None:
    lost, failed, done, queued = (created(api) for _ in range(4))
    claimed(api, lost, seconds=-1, attempt=3)
    api.services.jobs.fail(claimed(api, failed, attempt=3), {"status": 503})
    api.services.jobs.finish(claimed(api, done), result=b"1")
    api.stage.messages()
    names = [dict(zip(("model", "id"), parse_job_name(each.body["id"]), strict=True)) for each in (lost, failed, done)]
    waiting = dict(zip(("model", "id"), parse_job_name(queued.body["id"]), strict=True))
    poison = ["no JSON", "{}", "[" * 100_000, json.dumps({"model": "tiny", "id": "unknown"})]
    url = failed_queue(api, *(json.dumps(each) for each in [*names, waiting]), *poison)
    answer = api(event("POST", f"{PATH}/redrive"))
    assert answer.body == {"model": "tiny", "redriven": 3, "dropped": 5}
    sent = api.stage.messages()
    assert sorted(each["id"] for each in sent) == sorted(each["id"] for each in [*names[:2], waiting])
    assert left(api, url) == 0
    for again in (lost, failed, queued):
        assert api(event("GET", again.body["status_url"])).body["state"] == "queued"
        assert claimed(api, again).attempts == 1


def test_a_redrive_leaves_the_message_of_a_job_that_runs(api: Api) -> None:
    answer = created(api)
    claimed(api, answer)
    model, job = parse_job_name(answer.body["id"])
    url = failed_queue(api, json.dumps({"model": model, "id": job}))
    api.stage.messages()
    assert api(http_event("POST", f"{PATH}/redrive")).body == {"model": "tiny", "redriven": 0, "dropped": 0}
    assert (api.stage.messages(), left(api, url)) == ([], 1)


def text_reader(*_: Any, **__: Any) -> Any:
    """A reader of another media type; the worker has the real one."""


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content_type": "text/csv"}, 415),
        ({"content_type": "application/octet-stream"}, 415),
        ({"content_type": "application/json; charset=latin-1"}, 415),
        ({"content_encoding": "gzip"}, 415),
        ({"accept": "text/csv"}, 406),
        ({"content_type": "application/vnd.api+json", "accept": "application/json;q=0.5, text/csv"}, 202),
    ],
)
def test_jobs_take_and_refuse_the_media_types_of_infer(
    api: Api, event: Event, headers: dict[str, str], status: int
) -> None:
    answer = api(event("POST", PATH, BODY, **headers))
    assert answer.status == status
    if status == 202:
        record = record_of(api, answer)
        assert (record.media_type, record.accept) == (headers["content_type"], headers["accept"])


def test_a_new_media_type_of_infer_is_one_of_jobs_and_uploads_too(
    api: Api, event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(rows.MEDIA.readers, "text/csv", text_reader)
    monkeypatch.setitem(rows.MEDIA.writers, "application/octet-stream", text_reader)
    headers = {"content_type": "text/csv", "accept": "application/octet-stream"}
    answer = created(api, event, b'{"upload": "x"}', **headers)
    record = record_of(api, answer)
    assert (record.body, record.media_type, record.accept) == (b'{"upload": "x"}', *headers.values())
    form = api(event("POST", "/models/tiny/uploads", {"content_type": "text/csv"})).body
    assert (form["content_type"], form["fields"]["Content-Type"]) == ("text/csv", "text/csv")
    assert post(form, b"length\n1.5\n") in {200, 204}
    uploaded = record_of(api, created(api, event, {"upload": form["upload"]}, accept="application/octet-stream"))
    assert (uploaded.media_type, uploaded.accept) == ("text/csv", "application/octet-stream")


@pytest.mark.parametrize(
    ("body", "status"),
    [({"content_type": "text/csv"}, 415), ({"content_type": 3}, 422), ({"type": "x"}, 422), ([], 422), ("{", 400)],
)
def test_an_upload_of_a_type_that_infer_does_not_take_is_refused(
    api: Api, event: Event, body: Any, status: int
) -> None:
    assert api(event("POST", "/models/tiny/uploads", body)).status == status


def test_a_body_whose_bytes_a_gateway_replaced_is_refused(api: Api, event: Event) -> None:
    mangled = event("POST", PATH, "{}") | {"body": '{"instances": ["\ufffd"]}', "isBase64Encoded": False}
    answer = api(mangled)
    assert (answer.status, "U+FFFD" in answer.body["detail"]) == (400, True)
    assert record_of(api, created(api, event, {"instances": ["\\ufffd"]})).body is not None


@pytest.mark.parametrize(("value", "partial"), [("true", True), ("false", False)])
def test_partial_means_what_it_means_to_infer(api: Api, event: Event, value: str, partial: bool) -> None:
    answer = api(event("POST", f"{PATH}?partial={value}", BODY))
    assert answer.status == 202
    assert record_of(api, answer).partial is partial
    assert api(event("POST", f"{PATH}?partial=1", BODY)).status == 400


@pytest.mark.parametrize("kind", ["application/octet-stream", "text/csv; charset=utf-8"])
def test_a_result_that_is_no_json_is_in_base64_with_its_media_type(api: Api, event: Event, kind: str) -> None:
    answer = created(api)
    api.services.jobs.finish(claimed(api, answer), result=b"\xff\x00,1", media_type=kind)
    body = api(event("GET", answer.body["status_url"])).body
    assert (body["result_type"], base64.b64decode(body["result_base64"])) == (kind, b"\xff\x00,1")
    assert "result" not in body


def test_the_link_to_a_large_result_answers_with_its_media_type(api: Api, event: Event) -> None:
    answer = created(api)
    key = f"tiny/jobs/{time.monotonic_ns()}/result"
    api.stage.client("s3").put_object(Bucket=api.stage.bucket, Key=key, Body=b"\xff")
    url = f"s3://{api.stage.bucket}/{key}"
    api.services.jobs.finish(claimed(api, answer), url=url, media_type="application/octet-stream")
    body = api(event("GET", answer.body["status_url"])).body
    assert body["result_type"] == "application/octet-stream"
    with urlopen(body["result_url"]) as found:
        assert (found.headers["Content-Type"], found.read()) == ("application/octet-stream", b"\xff")


def test_a_failed_job_has_its_problem(api: Api, event: Event) -> None:
    answer = created(api)
    problem = {"type": "urn:modelet:problem:contract", "status": 422, "detail": "field length"}
    api.services.jobs.fail(claimed(api, answer), problem)
    body = api(event("GET", answer.body["status_url"])).body
    assert (body["state"], body["problem"]) == ("failed", problem)


def test_a_queued_job_is_cancelled_and_never_claimed(api: Api, event: Event) -> None:
    answer = created(api)
    for _ in range(2):
        cancelled = api(event("DELETE", answer.body["status_url"]))
        assert (cancelled.status, cancelled.body["state"]) == (200, "cancelled")
    claim = api.services.jobs.claim(*parse_job_name(answer.body["id"]), "a-worker", time.time() + 60)
    assert claim.state == "ended"


def test_the_result_of_a_running_job_that_is_cancelled_is_dropped(api: Api, event: Event) -> None:
    answer = created(api)
    job = claimed(api, answer)
    assert api(event("DELETE", f"{PATH}/{answer.body['id']}")).body["state"] == "cancelled"
    assert api.services.jobs.finish(job, result=b"1") is False
    assert "result" not in api(event("GET", answer.body["status_url"])).body


def test_a_job_that_is_done_cannot_be_cancelled(api: Api, event: Event) -> None:
    answer = created(api)
    api.services.jobs.finish(claimed(api, answer), result=b"1")
    assert api(event("DELETE", answer.body["status_url"])).status == 409


@pytest.mark.parametrize(
    "path",
    ["/jobs/unknown", "/jobs/tiny.20260101T000000Z-00000000", "/jobs/nobody.x", "/jobs/bare.x", f"{PATH}/quick.x"],
)
def test_an_unknown_job_is_a_404(api: Api, event: Event, path: str) -> None:
    for method in ("GET", "DELETE"):
        assert api(event(method, path)).status == 404


def test_the_same_key_and_body_are_one_job(api: Api, event: Event) -> None:
    api.stage.messages()
    key = f"order-{time.monotonic_ns()}"
    first, second = (created(api, event, idempotency_key=key) for _ in range(2))
    assert second.body == first.body
    assert second.headers["location"] == first.headers["location"]
    assert len(api.stage.messages()) == 1


def test_the_same_key_with_another_body_is_a_422_and_no_job(api: Api, event: Event) -> None:
    key = f"order-{time.monotonic_ns()}"
    created(api, event, idempotency_key=key)
    api.stage.messages()
    answer = api(event("POST", PATH, {"instances": []}, idempotency_key=key))
    assert (answer.status, answer.body["type"]) == (422, "urn:modelet:problem:idempotency-key")
    for path, headers in ((f"{PATH}?partial=true", {}), (PATH, {"accept": "application/json"})):
        other = api(event("POST", path, BODY, idempotency_key=key, **headers))
        assert (other.status, other.body["type"]) == (422, "urn:modelet:problem:idempotency-key")
    assert api.stage.messages() == []


def test_another_model_s_same_key_is_another_job(api: Api, event: Event) -> None:
    key = f"order-{time.monotonic_ns()}"
    first = created(api, event, idempotency_key=key)
    second = api(event("POST", "/models/quick/jobs", BODY, idempotency_key=key))
    assert second.status == 202
    assert second.body["id"] != first.body["id"]


def test_a_key_whose_job_was_not_sent_is_free_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    key = f"order-{time.monotonic_ns()}"

    def refuse(*_: Any) -> None:
        raise StoreError("SQS did not answer")

    with monkeypatch.context() as broken:
        broken.setattr(api.services.queues, "send", refuse)
        assert api(http_event("POST", PATH, BODY, idempotency_key=key)).status == 503
    created(api, http_event, idempotency_key=key)


def test_two_requests_with_one_key_at_the_same_time_are_one_job(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    key = f"order-{time.monotonic_ns()}"
    statuses: list[int] = []
    send = api.services.queues.send

    def send_later(url: str, message: dict[str, str]) -> None:
        with ThreadPoolExecutor(1) as aside:  # while the first is not through yet, there is a second
            aside.submit(repeat).result()
        send(url, message)

    def repeat() -> None:
        with asyncio.Runner() as runner:
            asyncio.set_event_loop(runner.get_loop())
            answer = api(http_event("POST", PATH, BODY, idempotency_key=key))
            statuses.append(answer.status)
            asyncio.set_event_loop(None)

    api.stage.messages()
    monkeypatch.setattr(api.services.queues, "send", send_later)
    created(api, http_event, idempotency_key=key)
    assert statuses == [409]
    assert len(api.stage.messages()) == 1


def test_a_job_is_returned_also_if_its_key_cannot_be_kept(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("a reset")

    monkeypatch.setattr(DynamoDBPersistenceLayer, "_update_record", refuse)
    created(api, http_event, idempotency_key=f"order-{time.monotonic_ns()}")
    assert "could not be kept" in caplog.text


@pytest.mark.parametrize("key", ["", "x" * 256, "a key", "schlüssel"])
def test_a_key_that_is_no_visible_ascii_is_refused(api: Api, event: Event, key: str) -> None:
    assert api(event("POST", PATH, BODY, idempotency_key=key)).status == 400


def test_an_upload_is_a_form_that_takes_one_object_of_the_right_type_and_size(api: Api, event: Event) -> None:
    answer = api(event("POST", "/models/tiny/uploads"))
    assert answer.status == 201
    form = answer.body
    assert form["fields"]["key"] == f"tiny/uploads/{form['upload']}"
    assert (form["content_type"], form["fields"]["Content-Type"]) == ("application/json", "application/json")
    assert form["max_bytes"] == 512 * 1024 * 1024
    assert form["fields"]["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
    policy = json.loads(base64.b64decode(form["fields"]["policy"]))
    assert ["content-length-range", 1, form["max_bytes"]] in policy["conditions"]
    assert {"Content-Type": "application/json"} in policy["conditions"]


def test_a_job_may_name_an_upload_which_then_is_its_body(api: Api, event: Event) -> None:
    form = api(event("POST", "/models/tiny/uploads")).body
    assert api(event("POST", PATH, {"upload": form["upload"]})).status == 422, "nothing is uploaded yet"
    assert post(form, b'{"instances": []}') in {200, 204}
    record = record_of(api, created(api, event, {"upload": form["upload"]}))
    assert (record.body, record.url) == (None, f"s3://{api.stage.bucket}/tiny/uploads/{form['upload']}")
    answer = api(event("POST", "/models/quick/jobs", {"upload": form["upload"]}))
    assert answer.status == 422, "the upload is another model's"


def post(form: dict[str, Any], content: bytes) -> int:
    """Send a form with a file, as a browser does."""
    mark = "a-boundary"
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in form["fields"].items()
    ]
    file = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="body.json"\r\n\r\n'
    body = "".join([*parts, file]).encode() + content + f"\r\n--{mark}--\r\n".encode()
    request = Request(form["url"], body, {"Content-Type": f"multipart/form-data; boundary={mark}"}, method="POST")
    try:
        with urlopen(request) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


@pytest.mark.parametrize("upload", ["../../other", "", 3, None, ["x"], "a b", "x" * 101])
def test_an_upload_that_is_no_id_is_refused_by_name(api: Api, event: Event, upload: Any) -> None:
    answer = api(event("POST", PATH, {"upload": upload}))
    assert answer.status == 422
    assert answer.body["errors"][0]["field"] == "upload"


def test_an_instance_with_a_member_upload_among_others_is_a_body(api: Api) -> None:
    body = {"upload": "x", "length": 1.5}
    record = record_of(api, created(api, http_event, body))
    assert record.body is not None
    assert json.loads(record.body) == body


def test_a_rest_api_sends_the_same(api: Api) -> None:
    sent = rest_event("GET", created(api).body["status_url"])
    name = sent["path"].rpartition("/")[2]
    sent |= {"resource": "/jobs/{id}", "pathParameters": {"id": name}}
    assert api(sent).body["id"] == name
