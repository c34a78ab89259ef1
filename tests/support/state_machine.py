"""The state machine of batches in an emulator, whose steps a worker in this process does."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3

from modelet.dev.local.emulator.emulator import Emulator
from modelet.dev.local.emulator.provision import EVERYTHING, MACHINE, TRUST
from modelet.edges import chunk as edge
from modelet.edges.base import Call
from support.batches import Stage
from support.threads import served

WAIT_SCALE = "0.01"
"""The share of a second that a second of the state machine's waits takes."""
LIMIT_S = 60
Hook = Callable[[dict[str, Any]], None]


class WorkerError(Exception):
    """An error by which Lambda says how a worker ended. kind: its type."""

    def __init__(self, kind: str, message: str = "") -> None:
        super().__init__(message)
        self.kind = kind


class QuickEmulator(Emulator):
    """The emulator of a laptop, whose state machines do not wait as long."""

    def _settings(self) -> dict[str, str]:
        return {**super()._settings(), "SFN_WAIT_SCALE": WAIT_SCALE}


class Steps(ThreadingHTTPServer):
    """Answers the emulator's invocations. stage: whose worker does them. before: called with each event; may raise."""

    daemon_threads = True
    stage: Stage
    before: Hook

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Step)
        self.url = f"http://127.0.0.1:{self.server_port}/"

    def do(self, event: dict[str, Any]) -> Any:
        """Do a step as a worker's handler does."""
        self.before(event)
        outcome = edge.answer(event, self.stage.service, Call("request", None))
        if outcome.error is not None and outcome.error.retryable:
            raise WorkerError(type(outcome.error).__name__, outcome.error.detail)
        return outcome.response


class _Step(BaseHTTPRequestHandler):
    server: Steps

    def do_POST(self) -> None:
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            answer = {"payload": self.server.do(question["event"]), "error": None, "throttled": False}
        except WorkerError as error:
            payload = {"errorType": error.kind, "errorMessage": str(error)}
            answer = {"payload": payload, "error": error.kind, "throttled": False}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
        """Say nothing."""


@contextmanager
def emulated_steps(root: Path) -> Iterator[tuple[Emulator, Steps]]:
    """Run an emulator, and the server that does the steps of its state machines, for the length of a block."""
    emulator = QuickEmulator(root)
    with served(Steps()) as steps:
        try:
            asyncio.run(emulator.start(steps.url, lambda _line: None))
            yield emulator, steps
        finally:
            asyncio.run(emulator.stop())


class Machine:
    """One model's stage with the state machine, the worker's function and its alias. prefix: of all names."""

    def __init__(self, prefix: str, stage: Stage) -> None:
        self.prefix = prefix
        self.stage = stage
        self.functions, self.states = boto3.client("lambda"), boto3.client("stepfunctions")
        roles, name = boto3.client("iam"), f"{prefix}-role"
        role = roles.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        roles.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=json.dumps(EVERYTHING))
        self.worker = f"{prefix}-tiny-worker"
        self.functions.create_function(
            FunctionName=self.worker, PackageType="Image", Code={"ImageUri": "worker:1"}, Role=role
        )
        self.functions.publish_version(FunctionName=self.worker)
        self.functions.create_alias(FunctionName=self.worker, Name="live", FunctionVersion="1")
        self.arn: str = self.states.create_state_machine(
            name=f"{prefix}-batches", definition=MACHINE.read_text(), roleArn=role
        )["stateMachineArn"]

    def environment(self, bucket: str) -> dict[str, str]:
        """The variables of the platform function."""
        own = {"max_concurrency": 4, "function_version": "1", "model_version": self.stage.service.version}
        return {
            "MODELET_PREFIX": self.prefix,
            "MODELET_CONTROL_TABLE": self.stage.settings.control_table,
            "MODELET_BATCHES": f"s3://{bucket}",
            "MODELET_STATE_MACHINE": self.arn,
            "MODELET_WORKERS": json.dumps({"tiny": {"batch": {}, "worker": own}}),
        }

    def deploy(self) -> str:
        """Deploy the worker anew; return the ARN of its version."""
        self.functions.update_function_code(FunctionName=self.worker, ImageUri="worker:2")
        published = self.functions.publish_version(FunctionName=self.worker)
        self.functions.update_alias(FunctionName=self.worker, Name="live", FunctionVersion=published["Version"])
        return str(published["FunctionArn"])

    def execution(self, name: str) -> dict[str, Any]:
        """An execution, when it has ended."""
        arn = f"{self.arn.replace(':stateMachine:', ':execution:')}:{name}"
        found: dict[str, Any] = {}

        def has_ended() -> bool:
            found.update(self.states.describe_execution(executionArn=arn))
            return bool(found["status"] != "RUNNING")

        wait_until(has_ended)
        return found

    def inputs_of_chunks(self, name: str) -> list[Any]:
        """The inputs of the children of an execution's map."""
        [run] = self.states.list_map_runs(executionArn=self.execution(name)["executionArn"])["mapRuns"]
        children = self.states.list_executions(mapRunArn=run["mapRunArn"])["executions"]
        return [
            json.loads(self.states.describe_execution(executionArn=each["executionArn"])["input"]) for each in children
        ]


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    until = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.05)
