"""Predictions are looked up by any key, from one generation, and inferred where they are missing."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote, quote_plus, unquote

import boto3
import pytest
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from modelet.batch import dynamodb
from modelet.batch.lookup import Lookup
from modelet.errors import StoreError
from support.aws import running_service
from support.batches_api import Answer, Api, PlatformContext
from support.events import http_event, rest_event
from support.threads import served

Event = Callable[..., dict[str, Any]]
PATH = "/models/tiny/predictions"
KEYS = ["1", "a b", "a+b", "a/b", "a%2Fb", "50%", "Zoë", "鍵 🔑", "x=1&key=2", "#?;", "\n\t", "a" * 2048, "é" * 1024]


@pytest.fixture
def generation(api: Api) -> str:
    """The name of the active generation, with a prediction for each of KEYS."""
    loaded = api.stage.load({key: {"place": place} for place, key in enumerate(KEYS)})
    api.services.lookup._read.clear()
    return loaded


def queried(event: Event, *keys: str, plus: bool = False) -> dict[str, Any]:
    """An event that asks for keys in its query; in payload 1.0, API Gateway has decoded them."""
    made = quote_plus if plus else quote
    sent = event("GET", f"{PATH}?" + "&".join(f"key={made(key, safe='')}" for key in keys))
    if "httpMethod" in sent:
        sent["queryStringParameters"] = {"key": keys[-1]}
        sent["multiValueQueryStringParameters"] = {"key": list(keys)}
    return sent


@pytest.mark.parametrize("plus", [False, True])
@pytest.mark.parametrize("place", range(len(KEYS)))
def test_a_prediction_is_found_by_its_key_whatever_its_characters(
    api: Api, event: Event, generation: str, place: int, plus: bool
) -> None:
    answer = api(queried(event, KEYS[place], plus=plus))
    assert answer.status == 200, answer.body
    assert answer.body == {"key": KEYS[place], "prediction": {"place": place}, "source": "batch"}
    assert answer.headers["x-model-prediction"] == "batch"
    assert answer.headers["x-model-generation"] == generation


@given(key=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300))
def test_any_key_reads_its_own_row_or_none(api: Api, key: str) -> None:
    answer = api(queried(http_event, key))
    if answer.status == 200:
        assert answer.body["key"] == key
    else:
        assert answer.status == 404
    posted = api(http_event("POST", PATH, {"keys": [key]}))
    assert [each["key"] for each in posted.body["predictions"]] + posted.body["missing"] == [key]


def test_a_plus_in_the_raw_query_is_a_space_and_its_escape_a_plus(api: Api, generation: str) -> None:
    assert api(http_event("GET", f"{PATH}?key=a+b")).body["key"] == "a b"
    assert api(http_event("GET", f"{PATH}?key=a%2Bb")).body["key"] == "a+b"
    assert api(http_event("GET", f"{PATH}?key=a%252Fb")).body["key"] == "a%2Fb"


@pytest.mark.parametrize("query", ["key=%FF", "key=%C3", "key=a%ED%A0%80"])
def test_a_query_that_is_not_utf_8_reads_no_other_row(api: Api, generation: str, query: str) -> None:
    answer = api(http_event("GET", f"{PATH}?{query}"))
    assert (answer.status, "UTF-8" in answer.body["detail"]) == (400, True)


@pytest.mark.parametrize(("query", "status"), [("key=", 422), ("key=a&limit=3", 400), ("ключ=1", 400)])
def test_a_query_without_a_key_s_text_or_with_another_parameter_is_a_problem(
    api: Api, event: Event, query: str, status: int
) -> None:
    sent = event("GET", f"{PATH}?{query}")
    if query == "key=" and "httpMethod" in sent:
        sent["multiValueQueryStringParameters"] = {"key": [""]}
    assert api(sent).status == status


def test_a_key_that_is_missing_is_a_404(api: Api, event: Event, generation: str) -> None:
    answer = api(queried(event, "nobody"))
    assert answer.status == 404
    assert generation in answer.body["detail"]


def test_a_key_above_the_limit_is_refused_by_name(api: Api, event: Event, generation: str) -> None:
    answer = api(queried(event, "é" * 1025))
    assert (answer.status, answer.body["errors"][0]["rule"]) == (422, "key")


def test_several_keys_have_one_answer_in_their_order(api: Api, event: Event, generation: str) -> None:
    for answer in (
        api(queried(event, "a/b", "nobody", "1", "a/b")),
        api(event("POST", PATH, {"keys": ["a/b", "nobody", "1", "a/b"]})),
    ):
        assert answer.status == 200
        assert [each["key"] for each in answer.body["predictions"]] == ["a/b", "1"]
        assert (answer.body["missing"], answer.body["generation"]) == (["nobody"], generation)
        assert answer.headers["x-model-prediction"] == "batch"


@pytest.mark.parametrize(
    "body",
    [
        {"keys": []},
        {"keys": ["x"] * 101},
        {"keys": [1]},
        {"keys": [""]},
        {"keys": [["a"]]},
        {"keys": "a"},
        {"keys": ["a"], "instance": 1},
        {"key": "a"},
        {"key": 1, "instance": {}},
        {"key": "a", "instance": {}, "keep": "yes"},
        {"key": "\ud800", "instance": {}},
        {},
        [],
        "a",
    ],
)
def test_a_wrong_body_is_refused(api: Api, event: Event, body: Any) -> None:
    answer = api(event("POST", PATH, json.dumps(body)))
    assert answer.status == 422
    assert answer.body["errors"]


def test_a_hundred_keys_are_one_look_up(api: Api, event: Event) -> None:
    api.stage.load({f"row {number}": number for number in range(100)})
    api.services.lookup._read.clear()
    answer = api(event("POST", PATH, {"keys": [f"row {number}" for number in range(100)]}))
    assert [each["prediction"] for each in answer.body["predictions"]] == list(range(100))


def test_an_answer_above_lambda_s_limit_is_a_413(api: Api) -> None:
    api.stage.load({f"row {number}": "x" * 390_000 for number in range(17)})
    api.services.lookup._read.clear()
    answer = api(http_event("POST", PATH, {"keys": [f"row {number}" for number in range(17)]}))
    assert (answer.status, "fewer keys" in answer.body["detail"]) == (413, True)


@pytest.mark.parametrize("key", ["1", "A-1_b.c"])
def test_a_plain_key_may_be_in_the_path(api: Api, event: Event, key: str) -> None:
    api.stage.load({key: {"yes": 0.25}})
    api.services.lookup._read.clear()
    assert api(event("GET", f"{PATH}/{key}")).body["prediction"] == {"yes": 0.25}


@pytest.mark.parametrize("key", ["a%2Fb", "a b", "a/b", "50%", "Zoë", "a+b", "a:b"])
def test_any_other_key_in_the_path_is_a_400_that_names_the_query(
    api: Api, event: Event, generation: str, key: str
) -> None:
    answer = api(event("GET", f"{PATH}/{key}"))
    assert answer.status == 400
    assert f"GET {PATH}?key=" in answer.body["detail"]


def test_the_copied_columns_are_in_the_answer(api: Api) -> None:
    api.stage.load({"1": 0.5}, passed={"S": '{"name": "Zoë"}'})
    api.services.lookup._read.clear()
    assert api(queried(http_event, "1")).body["passed"] == {"name": "Zoë"}


def test_an_expired_prediction_is_missing(api: Api) -> None:
    api.stage.load({"1": 0.5}, expires_at={"N": str(int(time.time()) - 1)})
    api.services.lookup._read.clear()
    assert api(queried(http_event, "1")).status == 404


def test_the_readiness_says_what_is_active_and_whether_a_batch_is_loading(api: Api, event: Event) -> None:
    for each in api.services.batches.list("tiny", limit=100).records:
        api(http_event("DELETE", f"/models/tiny/batches/{each.id}"))
    generation = api.stage.load({"1": 0.5, "2": 0.5})
    api.services.lookup._read.clear()
    answer = api(event("GET", PATH))
    assert answer.status == 200
    expected = {"model": "tiny", "exists": True, "active": True, "loading": False, "generation": generation, "rows": 2}
    assert {name: answer.body[name] for name in expected} == expected
    assert answer.body["since"] == "2027-01-15T08:00:00.000Z"
    request = {"inputs": ["s3://inputs/rows.csv"], "key": "id"}
    api(http_event("POST", "/models/tiny/batches", {**request, "table": False, "results": "s3://results/x"}))
    assert api(event("GET", PATH)).body["loading"] is False, "that batch writes no table"
    batch = api(http_event("POST", "/models/tiny/batches", request)).body["id"]
    answer = api(event("GET", PATH))
    assert (answer.body["loading"], answer.body["batches"]) == (True, [batch])


def test_a_batch_whose_execution_died_is_not_loading(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    request = {"inputs": ["s3://inputs/rows.csv"], "key": "id"}
    batch = api(http_event("POST", "/models/tiny/batches", request)).body["id"]
    assert batch in api(http_event("GET", PATH)).body["batches"]
    api.services.executions.stop("tiny", batch, 1)
    monkeypatch.setattr(sys.modules["endings"], "SETTLED_S", -1)
    assert batch not in api(http_event("GET", PATH)).body["batches"]


def test_the_readiness_of_a_generation_that_expired_says_since_and_until_when_it_was_active(
    api: Api, event: Event
) -> None:
    until = int(time.time()) - 10
    generation = api.stage.load({"1": 0.5}, until=until)
    api.services.lookup._read.clear()
    body = api(event("GET", PATH)).body
    assert (body["active"], body["expired"], body["generation"]) == (False, True, generation)
    assert body["since"] == "2027-01-15T08:00:00.000Z"
    assert body["until"] == datetime.fromtimestamp(until, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
    missing = api(queried(event, "1"))
    assert (missing.status, "no generation active" in missing.body["detail"]) == (404, True)
    assert "x-model-generation" not in missing.headers
    api.stage.load({"1": 0.5})
    api.services.lookup._read.clear()
    body = api(event("GET", PATH)).body
    assert (body["active"], body["expired"], body["until"], body["previous"]) == (True, False, None, generation)
    refused = api(event("POST", "/models/tiny/batches/rollback"))
    assert (refused.status, "expired at" in refused.body["detail"]) == (409, True)


def test_before_the_first_batch_nothing_is_active(api: Api, event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    workers = {"fresh": api.services.workers.get("tiny", "batch")._replace(model="fresh")}
    monkeypatch.setattr(api.services.workers, "_found", workers)
    answer = api(event("GET", "/models/fresh/predictions"))
    assert (answer.status, answer.body["exists"], answer.body["active"]) == (200, True, False)
    assert (answer.body["generation"], answer.body["expired"], answer.body["until"]) == (None, False, None)
    missing = api(event("GET", "/models/fresh/predictions/1"))
    assert (missing.status, "no generation active" in missing.body["detail"]) == (404, True)


def test_throttles_of_dynamodb_are_a_503(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamodb, "LONGEST_PAUSE_S", 0.01)
    throttled = {"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException", "message": "slow"}
    with running_service() as service:
        service.script = lambda *_: (400, throttled)
        config = Config(retries={"total_max_attempts": 1})
        client = boto3.client("dynamodb", endpoint_url=service.url, config=config)
        monkeypatch.setattr(api.services, "lookup", Lookup(client, api.stage.control))
        answer = api(queried(http_event, "1"))
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")


class Functions(ThreadingHTTPServer):
    """Lambda's Invoke: each call gets the next answer, the last one for good; a call without a qualifier is a 404.

    answers: status, the kind of function error or an AWS error, and the payload. seen: function, qualifier, payload.
    """

    daemon_threads = True

    def __init__(self, *answers: tuple[int, str, Any]) -> None:
        super().__init__(("127.0.0.1", 0), Invocation)
        self.answers = list(answers)
        self.seen: list[tuple[str, str, Any]] = []


class Invocation(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Functions

    def do_POST(self) -> None:
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((unquote(path.split("/")[3]), query.removeprefix("Qualifier="), json.loads(body)))
        answers = self.server.answers
        status, error, payload = answers.pop(0) if len(answers) > 1 else answers[0]
        text = json.dumps(payload).encode()
        self.send_response(status)
        if error:
            self.send_header("X-Amz-Function-Error" if status == 200 else "x-amzn-ErrorType", error)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
        """Say nothing."""


@contextmanager
def functions(api: Api, patch: pytest.MonkeyPatch, *answers: tuple[int, str, Any]) -> Iterator[Functions]:
    """Lambda with these answers takes the emulator's place, whose functions are not run."""
    with served(Functions(*answers)) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        client = boto3.client("lambda", endpoint_url=url, config=Config(retries={"total_max_attempts": 1}))
        patch.setattr(api.services.online, "_client", lambda _: client)
        yield server


def asked(api: Api, event: Event, key: str, **members: Any) -> Answer:
    return api(event("POST", PATH, {"key": key, "instance": {"length": 1.5}, **members}))


GOOD = (200, "", {"predictions": [{"label": "yes"}], "model": "tiny", "version": "3"})


def test_a_missing_prediction_is_inferred_through_the_live_alias(
    api: Api, event: Event, generation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with functions(api, monkeypatch, GOOD) as server:
        answer = asked(api, event, "new")
    assert answer.status == 200
    assert answer.body == {"key": "new", "prediction": {"label": "yes"}, "source": "online", "kept": False}
    assert answer.headers["x-model-prediction"] == "online"
    assert answer.headers["x-model-generation"] == generation
    assert server.seen == [(f"{api.stage.prefix}-tiny", "live", {"instances": [{"length": 1.5}]})]
    assert api(queried(event, "new")).status == 404


def test_a_prediction_in_the_table_is_returned_without_inferring(
    api: Api, event: Event, generation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with functions(api, monkeypatch, GOOD) as server:
        answer = asked(api, event, "a/b", keep=True)
    assert (answer.body["prediction"], answer.headers["x-model-prediction"]) == ({"place": 3}, "batch")
    assert server.seen == []


def test_an_inferred_prediction_may_be_kept_as_online_and_expires(
    api: Api, event: Event, generation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with functions(api, monkeypatch, GOOD) as server:
        assert asked(api, event, "keep me", keep=True).body["kept"] is True
        again = asked(api, event, "keep me", keep=True)
    assert len(server.seen) == 1
    assert (again.body["kept"], again.headers["x-model-prediction"]) == (False, "online")
    found = api(queried(event, "keep me"))
    assert (found.body["source"], found.headers["x-model-prediction"]) == ("online", "online")
    stored = api.stage.client("dynamodb").get_item(
        TableName=api.stage.predictions, Key={"id": {"S": "keep me"}, "generation": {"S": generation}}
    )["Item"]
    assert abs(int(stored["expires_at"]["N"]) - time.time() - 7 * 24 * 3600) < 60
    both = api(event("POST", PATH, {"keys": ["1", "keep me"]}))
    assert both.headers["x-model-prediction"] == "batch, online"


def test_a_prediction_too_large_to_keep_is_still_returned(
    api: Api, generation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with functions(api, monkeypatch, (200, "", {"predictions": ["x" * 500_000]})):
        answer = asked(api, http_event, "large", keep=True)
    assert (answer.status, answer.body["kept"]) == (200, False)


class Unwritable(Lookup):
    """A look-up whose table takes nothing."""

    def keep(self, model: str, *_: Any) -> bool:
        raise StoreError(f"the table of {model} did not answer")


def test_a_prediction_is_returned_also_if_it_cannot_be_kept(
    api: Api, generation: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(api.services, "lookup", Unwritable(api.stage.client("dynamodb"), api.stage.control))
    with functions(api, monkeypatch, GOOD):
        answer = asked(api, http_event, "new", keep=True)
    assert (answer.status, answer.body["kept"]) == (200, False)
    assert "an online prediction could not be kept" in caplog.text


def test_the_model_s_own_problem_is_passed_on(
    api: Api, event: Event, generation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = {"type": "urn:modelet:problem:contract", "title": "Validation failed", "status": 422, "detail": "length"}
    with functions(api, monkeypatch, (200, "", problem)):
        answer = asked(api, event, "new", keep=True)
    assert (answer.status, answer.body) == (422, problem)


@pytest.mark.parametrize(
    "failure",
    [
        (200, "Unhandled", {"errorType": "ThrottledError", "errorMessage": "a secret"}),
        (200, "Unhandled", {"errorType": "Sandbox.Timedout", "errorMessage": "a secret"}),
        (429, "TooManyRequestsException", {"Message": "a secret"}),
        (500, "ServiceException", {"Message": "a secret"}),
        (403, "AccessDeniedException", {"Message": "a secret"}),
    ],
)
def test_throttles_and_failures_of_the_function_are_a_503_without_their_text(
    api: Api, event: Event, generation: str, monkeypatch: pytest.MonkeyPatch, failure: tuple[int, str, Any]
) -> None:
    with functions(api, monkeypatch, failure):
        answer = asked(api, event, "new")
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert "a secret" not in json.dumps(answer.body)


@pytest.mark.parametrize("value", [{"label": "yes"}, ["yes"], 5, {"predictions": []}, {"predictions": "yes"}])
def test_a_plain_predictor_has_no_online_predictions(
    api: Api, event: Event, generation: str, monkeypatch: pytest.MonkeyPatch, value: Any
) -> None:
    with functions(api, monkeypatch, (200, "", value)):
        answer = asked(api, event, "new")
    assert (answer.status, answer.body["detail"]) == (
        400,
        "tiny is a plain predictor, which has no predictions for instances: use POST /models/tiny/infer.",
    )


def test_a_function_that_lambda_still_prepares_is_asked_again(
    api: Api, generation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pending = (409, "ResourceConflictException", {"Message": "the function is Pending"})
    with functions(api, monkeypatch, pending, pending, GOOD) as server:
        assert asked(api, http_event, "new").status == 200
    assert len(server.seen) == 3


def test_a_function_that_stays_pending_is_a_503_in_time(
    api: Api, generation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.services.online, "_seconds", 0.5)
    began = time.monotonic()
    with functions(api, monkeypatch, (502, "ENINotReadyException", {"Message": "not yet"})) as server:
        assert asked(api, http_event, "new").status == 503
    assert len(server.seen) > 1
    assert time.monotonic() - began < 5


def test_a_model_without_an_online_function_is_a_404(
    api: Api, event: Event, generation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with functions(api, monkeypatch, (404, "ResourceNotFoundException", {"Message": "Function not found"})):
        assert asked(api, event, "new").status == 404


@pytest.mark.parametrize("instance", [{"Records": []}, {"instances": [1, 2]}, {"modelet": "plan"}, [1], None, "text"])
def test_no_instance_is_taken_for_another_event(
    api: Api, generation: str, monkeypatch: pytest.MonkeyPatch, instance: Any
) -> None:
    with functions(api, monkeypatch, GOOD) as server:
        asked(api, http_event, "new", instance=instance)
    assert server.seen[0][2] == {"instances": [instance]}


def test_a_number_keeps_all_of_its_digits(api: Api) -> None:
    api.stage.load({"1": [0.1, 1e-300, 12345678901234567890, 0.30000000000000004]})
    api.services.lookup._read.clear()
    answer = api.module.handler(queried(rest_event, "1"), PlatformContext())
    assert "[0.1, 1e-300, 12345678901234567890, 0.30000000000000004]" in answer["body"]
