"""release_check over real HTTP: an endpoint that speaks Lambda's Invoke and CodeDeploy's answer, models behind it."""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket
from typing import Any

import pytest

from conftest import SIGNED_IN
from modelet.dev.local.prepare import local_function
from modelet.dev.local.runtime.function import LocalFunction
from modelet.dev.local.runtime.log import MemoryLog
from modelet.dev.local.runtime.once import invoke_once
from modelet.dev.local.runtime.outcome import Outcome
from support.events import rows_event
from support.projects import BAD, GOOD, make_tiny
from support.repository import ROOT

VERSION = "arn:aws:lambda:us-east-1:123456789012:function:modelet-dev-tiny:7"
HOOK = {"DeploymentId": "d-ABCDEF123", "LifecycleEventHookExecutionId": "a-token"}
TOLD = {"CHECK_ALIAS": "live", "CHECK_GATEWAY_S": "30", "CHECK_PROVISIONED": "0"}
FOLDER = "release_check"
WELL: dict[str, Any] = {"statusCode": 200, "headers": {}, "body": '{"label": "high"}'}


@dataclass
class Answer:
    """What Lambda says to one invocation."""

    status: int = 200
    payload: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    after_s: float = 0


def answered(payload: Any, **headers: str) -> Answer:
    return Answer(payload=json.dumps(payload).encode(), headers=headers)


def refused(code: str, status: int) -> Answer:
    return Answer(status, json.dumps({"Message": "no"}).encode(), {"x-amzn-ErrorType": code})


class Request(BaseHTTPRequestHandler):
    """One call of the AWS SDK."""

    server: Aws

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        assert self.headers["Authorization"].startswith("AWS4-HMAC-SHA256 ")
        if self.headers.get("X-Amz-Target") == "CodeDeploy_20141006.PutLifecycleEventHookExecutionStatus":
            self.server.told.append(json.loads(body))
            answer = answered({"lifecycleEventHookExecutionId": HOOK["LifecycleEventHookExecutionId"]})
        else:
            self.server.asked.append(self.path)
            answer = self.server.invoke(body)
        time.sleep(answer.after_s)
        self._send(answer)

    def do_GET(self) -> None:
        assert self.path.endswith("/aliases/live"), "the one question beside invocations"
        self._send(self.server.alias or answered({"FunctionVersion": self.server.live}))

    def _send(self, answer: Answer) -> None:
        try:
            self.send_response(answer.status)
            for name, value in {**answer.headers, "Content-Length": str(len(answer.payload))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.payload)
        except BrokenPipeError:  # the check gave up waiting
            return

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
        """Say nothing."""


class Aws(ThreadingHTTPServer):
    """The two services that release_check calls.

    invoke: how Lambda answers. asked: the paths that it was asked by. told: what CodeDeploy was told. live: the version
    that the alias points at; alias: what is said of the alias instead.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.invoke: Callable[[bytes], Answer] = lambda _: answered(WELL)
        self.asked: list[str] = []
        self.told: list[dict[str, str]] = []
        self.live = "6"
        self.alias: Answer | None = None

    def answers(self, *answers: Answer) -> None:
        """Answer so, one after the other."""
        left = iter(answers)
        self.invoke = lambda _: next(left)


@pytest.fixture
def aws() -> Iterator[Aws]:
    with Aws() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@dataclass
class Check:
    """The function, configured as infra/ configures it."""

    function: LocalFunction
    log: MemoryLog = field(default_factory=MemoryLog)

    def __call__(self, event: dict[str, str]) -> Outcome:
        return invoke_once(self.function, json.dumps(event).encode(), log=self.log)

    @property
    def reason(self) -> str:
        """Why it failed, as its log says."""
        lines = [json.loads(line) for line in self.log.lines if line.startswith("{")]
        [said] = [line["reason"] for line in lines if line["message"] == "release check"]
        assert isinstance(said, str)
        return said


MakeCheck = Callable[..., Check]
Modules = Callable[[str], Any]


@pytest.fixture
def make(aws: Aws, tmp_path: Path) -> MakeCheck:
    def make(body: Any = GOOD, timeout_s: float = 30, **variables: str) -> Check:
        folder = tmp_path / "release_check"
        shutil.copytree(ROOT / "functions" / "release_check", folder, ignore=shutil.ignore_patterns("__pycache__"))
        event = folder / "events" / "tiny" / "infer.json"
        event.parent.mkdir(parents=True)
        event.write_text(json.dumps(rows_event(body)))
        environment = {
            **SIGNED_IN,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{aws.server_port}",
            "CHECK_FUNCTION": VERSION,
            "CHECK_EVENT": "events/tiny/infer.json",
            **TOLD,
            **variables,
        }
        return Check(LocalFunction("check", folder, "app.handler", timeout_s=timeout_s, environment=environment))

    return make


def serve(aws: Aws, function: LocalFunction) -> None:
    """Let the local runtime answer invocations, with the header that Lambda adds to errors."""

    def invoke(event: bytes) -> Answer:
        outcome = invoke_once(function, event, log=MemoryLog())
        return Answer(payload=outcome.payload, headers={"X-Amz-Function-Error": "Unhandled"} if outcome.error else {})

    aws.invoke = invoke


def test_a_version_that_answers_its_event_gets_traffic(aws: Aws, make: MakeCheck, tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path / "project")
    serve(aws, local_function(tiny.function, tiny.store))
    outcome = make()(HOOK)
    assert outcome.error is None, outcome.payload
    assert aws.told == [
        {"deploymentId": "d-ABCDEF123", "lifecycleEventHookExecutionId": "a-token", "status": "Succeeded"}
    ]
    assert [path.rpartition("/functions/")[2] for path in aws.asked] == [f"{VERSION.replace(':', '%3A')}/invocations"]


def test_a_version_with_a_corrupt_artifact_gets_none(aws: Aws, make: MakeCheck, tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path / "project")
    function = local_function(tiny.function, tiny.store)
    graph = tmp_path / "project" / ".modelet" / "store" / "tiny" / "1" / "model.onnx"
    data = bytearray(graph.read_bytes())
    data[len(data) // 2] ^= 1
    graph.write_bytes(data)
    serve(aws, function)
    check = make()
    assert check(HOOK).error is None
    assert [told["status"] for told in aws.told] == ["Failed"]
    assert "model.onnx was altered" in check.reason


def test_a_version_whose_lock_is_not_the_configured_one_gets_none(aws: Aws, make: MakeCheck, tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path / "project")
    function = local_function(tiny.function, tiny.store)
    other = {**function.environment, "MODELET_LOCK": f"2@{'0' * 64}"}
    serve(aws, LocalFunction("tiny", function.folder, function.handler, environment=other))
    check = make()
    check(HOOK)
    assert [told["status"] for told in aws.told] == ["Failed"]
    assert "MODELET_LOCK names version 2 (000000000000" in check.reason


def test_a_trigger_is_told_by_a_result_or_by_an_error_of_one_line(aws: Aws, make: MakeCheck, tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path / "project")
    serve(aws, local_function(tiny.function, tiny.store))
    check = make()
    passed = json.loads(check({}).payload)
    assert passed["status"] == "Succeeded"
    assert re.fullmatch(rf"{VERSION} took [0-9.]+ s for its first answer, including its start", passed["reason"])
    check.function.folder.joinpath("events/tiny/infer.json").write_text(json.dumps(rows_event(BAD)))
    outcome = check({})
    assert outcome.error == "CheckError"
    message = json.loads(outcome.payload)["errorMessage"]
    assert message.startswith(f"{VERSION} answered its own event with status 422: ")
    assert "\n" not in message
    assert aws.told == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (answered({"errorMessage": "boom"}, **{"X-Amz-Function-Error": "Unhandled"}), "failed: .*boom"),
        (answered({**WELL, "statusCode": 500}), "answered its own event with status 500"),
        (answered({**WELL, "body": "<html>"}), "did not return an HTTP response"),
        (answered({"label": "high"}), "did not return an HTTP response"),
        (Answer(payload=b"nonsense"), "did not return an HTTP response"),
        (Answer(payload=b""), "did not return an HTTP response"),
        (refused("AccessDeniedException", 403), "cannot be invoked: .*AccessDenied"),
        (refused("ResourceNotFoundException", 404), "cannot be invoked: .*ResourceNotFound"),
    ],
    ids=lambda value: value.replace(" ", "-")[:30] if isinstance(value, str) else "",
)
def test_any_other_answer_fails_the_version(aws: Aws, make: MakeCheck, answer: Answer, reason: str) -> None:
    aws.answers(answer)
    check = make()
    assert check(HOOK).error is None
    assert [told["status"] for told in aws.told] == ["Failed"]
    assert re.search(reason, check.reason)
    assert len(aws.asked) == 1


def test_what_passes_is_waited_for(aws: Aws, make: MakeCheck) -> None:
    aws.answers(refused("CodeArtifactUserPendingException", 409), answered(WELL))
    check = make()
    check(HOOK)
    assert [told["status"] for told in aws.told] == ["Succeeded"]


@pytest.mark.parametrize("kind", ["text/plain; charset=utf-8", "image/png"])
def test_the_answer_of_a_plain_predictor_may_be_of_another_type(aws: Aws, make: MakeCheck, kind: str) -> None:
    aws.answers(answered({**WELL, "headers": {"content-type": kind}, "body": "iQ=="}))
    make()(HOOK)
    assert [told["status"] for told in aws.told] == ["Succeeded"]


def invoke_errors() -> dict[str, int]:
    """The name and status of each error that botocore's model of Lambda has for Invoke."""
    from botocore.session import get_session

    shapes = get_session().get_service_model("lambda").operation_model("Invoke").error_shapes
    return {shape.name: shape.metadata["error"]["httpStatusCode"] for shape in shapes}


def test_every_error_that_lambda_documents_is_sorted_and_no_other(modules: Modules) -> None:
    errors = modules("invoke_errors")
    assert invoke_errors().keys() == errors.TRANSIENT | errors.FINAL
    assert not errors.TRANSIENT & errors.FINAL
    assert not [name for name in errors.TRANSIENT if name.endswith("FailedException")]


def test_an_undocumented_error_is_judged_by_its_status(modules: Modules) -> None:
    is_transient = modules("invoke_errors").is_transient
    assert is_transient("InternalFailure", 500)
    assert is_transient("ServiceUnavailable", 503)
    assert is_transient("ThrottlingException", 400)
    assert not is_transient("ValidationException", 400)
    assert not is_transient("SomethingFailedException", 409)
    assert not is_transient("AccessDeniedException", 403)


class FakeClock:
    """A clock that only `sleep` moves, without waiting."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float, /) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def here(aws: Aws, make: MakeCheck, modules: Modules, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The check's module in this process, configured as the function is."""
    function = make().function
    for name, value in {**function.environment, "LAMBDA_TASK_ROOT": str(function.folder)}.items():
        monkeypatch.setenv(name, value)
    return modules("app")


@pytest.mark.parametrize("code", sorted(invoke_errors()))
def test_each_refusal_that_passes_is_waited_for_and_no_other(aws: Aws, here: Any, modules: Modules, code: str) -> None:
    clock, refusal = FakeClock(), refused(code, invoke_errors()[code])
    aws.answers(refusal, refusal, answered(WELL))
    if code in modules("invoke_errors").TRANSIENT:
        assert here.check(here.RETRY_WINDOW_S, clock).reason.startswith(f"{VERSION} took 0.0 s")
        assert clock.pauses == [1.0, 2.0]
    else:
        with pytest.raises(here.CheckError, match=f"cannot be invoked: .*{code}"):
            here.check(here.RETRY_WINDOW_S, clock)
        assert (clock.pauses, len(aws.asked)) == ([], 1)


def test_a_version_that_is_being_prepared_is_waited_for_almost_fourteen_minutes(aws: Aws, here: Any) -> None:
    clock = FakeClock()
    aws.invoke = lambda _: answered(WELL) if clock.now > 1000 + 13.5 * 60 else refused("ENINotReadyException", 502)
    assert here.check(here.RETRY_WINDOW_S, clock).reason.startswith(VERSION)
    assert max(clock.pauses) == 15


def test_after_fourteen_minutes_the_last_refusal_is_the_reason(aws: Aws, here: Any) -> None:
    clock = FakeClock()
    aws.invoke = lambda _: refused("ENINotReadyException", 502)
    with pytest.raises(here.CheckError, match=r"cannot be invoked, tried for 8\d\d s: .*ENINotReadyException"):
        here.check(here.RETRY_WINDOW_S, clock)
    assert 13.5 * 60 < clock.now - 1000 <= 14 * 60


def test_a_connection_that_breaks_is_tried_again(aws: Aws, here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens there at first: the port is taken once the check waits."""
    clock = FakeClock()
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://127.0.0.1:{port}")
    sleep = clock.sleep

    def come_up(seconds: float, /) -> None:
        monkeypatch.delenv("AWS_ENDPOINT_URL_LAMBDA", raising=False)
        sleep(seconds)

    clock.sleep = come_up  # type: ignore[method-assign] # the service is up after the first pause
    assert here.check(here.RETRY_WINDOW_S, clock).reason.startswith(VERSION)
    assert clock.pauses == [1.0]


def test_a_version_that_has_the_traffic_passes_at_once(aws: Aws, make: MakeCheck) -> None:
    """CloudFormation asks for it as it rolls back: a failure there would leave the stack as it is."""
    aws.live = VERSION.rpartition(":")[2]
    aws.invoke = lambda _: refused("ResourceNotFoundException", 404)
    assert json.loads(make()({}).payload) == {
        "status": "Succeeded",
        "reason": f"{VERSION} already gets traffic: live points to it",
    }
    assert aws.asked == []


@pytest.mark.parametrize("live", ["6", "70"])
def test_another_version_is_asked_wherever_the_alias_points(aws: Aws, make: MakeCheck, live: str) -> None:
    aws.live = live
    aws.answers(answered({**WELL, "statusCode": 500}))
    assert make()({}).error == "CheckError"
    assert len(aws.asked) == 1


@pytest.mark.parametrize(
    ("code", "status", "warns"), [("ResourceNotFoundException", 404, False), ("AccessDeniedException", 403, True)]
)
def test_without_an_alias_the_version_is_asked_and_an_alias_that_cannot_be_read_is_said(
    aws: Aws, make: MakeCheck, code: str, status: int, warns: bool
) -> None:
    aws.alias = refused(code, status)
    check = make()
    assert json.loads(check({}).payload)["status"] == "Succeeded"
    assert len(aws.asked) == 1
    assert any("the alias cannot be read" in line for line in check.log.lines) is warns


@pytest.mark.parametrize(
    ("took_s", "provisioned", "verdict"),
    [
        (20.9, "0", "passes"),
        (21.1, "0", "warns"),
        (29.9, "0", "warns"),
        (30.1, "0", "fails"),
        (30.1, "1", "warns"),
        (20.9, "1", "passes"),
    ],
)
def test_a_cold_first_answer_is_held_against_the_time_that_the_gateway_waits(
    aws: Aws, here: Any, monkeypatch: pytest.MonkeyPatch, took_s: float, provisioned: str, verdict: str
) -> None:
    clock = FakeClock()
    monkeypatch.setenv("CHECK_PROVISIONED", provisioned)

    def slow(_: bytes) -> Answer:
        clock.now += took_s
        return answered(WELL)

    aws.invoke = slow
    if verdict == "fails":
        with pytest.raises(here.CheckError, match=r"took 30.1 s .* waits 30 s: .*scaling\.provisioned"):
            here.check(here.RETRY_WINDOW_S, clock)
    else:
        passed = here.check(here.RETRY_WINDOW_S, clock)
        assert f"took {took_s} s for its first answer" in passed.reason
        assert (passed.warns, "API Gateway waits 30 s" in passed.reason) == ((verdict == "warns"),) * 2


def test_only_the_call_that_is_answered_is_timed(aws: Aws, here: Any) -> None:
    clock = FakeClock()
    aws.answers(*[refused("ENINotReadyException", 502)] * 8, answered(WELL))
    assert not here.check(here.RETRY_WINDOW_S, clock).warns
    assert clock.now > 1060


@pytest.mark.parametrize("slow", [True, False], ids=["no answer", "asked for patience for ever"])
def test_codedeploy_has_its_answer_before_the_check_s_own_timeout(aws: Aws, make: MakeCheck, slow: bool) -> None:
    aws.invoke = lambda _: Answer(after_s=20) if slow else refused("TooManyRequestsException", 429)
    check = make(timeout_s=8)
    began = time.monotonic()
    assert check(HOOK).error is None
    assert time.monotonic() - began < 8
    assert [told["status"] for told in aws.told] == ["Failed"]


@pytest.mark.parametrize(
    "wrong",
    [{"CHECK_FUNCTION": ""}, {"CHECK_EVENT": "events/none/infer.json"}, {"AWS_ENDPOINT_URL_LAMBDA": "nonsense"}],
)
def test_a_check_that_cannot_check_says_failed(aws: Aws, make: MakeCheck, wrong: dict[str, str]) -> None:
    check = make(**wrong)
    assert check(HOOK).error is None
    assert [told["status"] for told in aws.told] == ["Failed"]
    assert check.reason.startswith("the check itself failed: ")
