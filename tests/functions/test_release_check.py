"""release_check over real HTTP: an endpoint that speaks Lambda's Invoke and CodeDeploy's answer, models behind it."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from conftest import SIGNED_IN
from modelet.dev.local.function import LocalFunction
from modelet.dev.local.log import MemoryLog
from modelet.dev.local.once import invoke_once
from modelet.dev.local.outcome import Outcome
from modelet.dev.prepare import local_function
from rungs import ROOT
from tiny import BAD, GOOD, make_tiny, rows_event

VERSION = "arn:aws:lambda:us-east-1:123456789012:function:modelet-dev-tiny:7"
HOOK = {"DeploymentId": "d-ABCDEF123", "LifecycleEventHookExecutionId": "a-token"}
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

    invoke: how Lambda answers. asked: the paths that it was asked by. told: what CodeDeploy was told.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.invoke: Callable[[bytes], Answer] = lambda _: answered(WELL)
        self.asked: list[str] = []
        self.told: list[dict[str, str]] = []

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
    assert "model.onnx: was altered" in check.reason


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
    assert json.loads(check({}).payload) == {"status": "Succeeded", "reason": ""}
    check.function.folder.joinpath("events/tiny/infer.json").write_text(json.dumps(rows_event(BAD)))
    outcome = check({})
    assert outcome.error == "CheckError"
    message = json.loads(outcome.payload)["errorMessage"]
    assert message.startswith(f"{VERSION} answers its own event with 422: ")
    assert "\n" not in message
    assert aws.told == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (answered({"errorMessage": "boom"}, **{"X-Amz-Function-Error": "Unhandled"}), "fails: .*boom"),
        (answered({**WELL, "statusCode": 500}), "answers its own event with 500"),
        (answered({**WELL, "body": "<html>"}), "does not answer as an HTTP API"),
        (answered({"label": "high"}), "does not answer as an HTTP API"),
        (Answer(payload=b"nonsense"), "does not answer as an HTTP API"),
        (Answer(payload=b""), "does not answer as an HTTP API"),
        (refused("AccessDeniedException", 403), "cannot be invoked: .*AccessDenied"),
        (refused("ResourceNotFoundException", 404), "cannot be invoked: .*ResourceNotFound"),
    ],
    ids=lambda value: value.replace(" ", "-")[:30] if isinstance(value, str) else "",
)
def test_any_other_answer_fails_the_version(aws: Aws, make: MakeCheck, answer: Answer, reason: str) -> None:
    import re

    aws.answers(answer)
    check = make()
    assert check(HOOK).error is None
    assert [told["status"] for told in aws.told] == ["Failed"]
    assert re.search(reason, check.reason)
    assert len(aws.asked) == 1


def test_what_passes_is_waited_for(aws: Aws, make: MakeCheck) -> None:
    aws.answers(refused("TooManyRequestsException", 429), refused("ResourceConflictException", 409), answered(WELL))
    check = make()
    check(HOOK)
    assert [told["status"] for told in aws.told] == ["Succeeded"]


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
