"""The platform function `batches` in this process, and what a stage has in AWS for it, in an emulator."""

from __future__ import annotations

import asyncio
import importlib.util
import io
import itertools
import json
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest

from modelet.batch.generations import Generations
from modelet.batch.table import CONTROL, PREDICTIONS, new_id
from support.contexts import Context
from support.tables import create_table

FOLDER = Path(__file__).parents[2] / "functions" / "batches"
MODULES = [path.stem for path in FOLDER.glob("*.py") if path.stem != "app"]
_numbers = itertools.count()


@dataclass
class PlatformContext(Context):
    """What Powertools' Logger needs of Lambda's context besides."""

    function_name: str = "modelet-dev-batches"
    memory_limit_in_mb: int = 512


@dataclass
class Stage:
    """A stage with the models `tiny` (batches and jobs) and `quick` (jobs alone), and `bare` (neither).

    url: of the emulator. prefix: of all names.
    """

    url: str
    prefix: str
    machine: str = ""
    clients: dict[str, Any] = field(default_factory=dict)

    @property
    def control(self) -> str:
        return f"{self.prefix}-control"

    @property
    def bucket(self) -> str:
        return f"{self.prefix}-batches"

    @property
    def predictions(self) -> str:
        return f"{self.prefix}-tiny-predictions"

    def client(self, service: str) -> Any:
        if service not in self.clients:
            self.clients[service] = boto3.client(service)
        return self.clients[service]

    def environment(self) -> dict[str, str]:
        own = {"max_concurrency": 24, "function_version": "1", "model_version": "7"}
        tiny = {"batch": {"tolerated": 0.25, "load": "write"}, "jobs": {"max_concurrency": 4}, "worker": own}
        return {
            "MODELET_PREFIX": self.prefix,
            "MODELET_CONTROL_TABLE": self.control,
            "MODELET_BATCHES": f"s3://{self.bucket}",
            "MODELET_STATE_MACHINE": self.machine,
            "MODELET_WORKERS": json.dumps({"tiny": tiny, "quick": {"jobs": {}}, "bare": {}}),
        }

    def load(
        self, items: dict[str, Any], *, source: str = "batch", until: int | None = None, **attributes: dict[str, str]
    ) -> str:
        """Write a generation with these predictions and make it the active one; return its name.

        until: when it expires, which may be in the past.
        """
        generation = new_id(1_800_000_000 + next(_numbers))
        for key, prediction in items.items():
            item = {"id": {"S": key}, "generation": {"S": generation}, "source": {"S": source}}
            item |= {"prediction": {"S": json.dumps(prediction)}, **attributes}
            self.client("dynamodb").put_item(TableName=self.predictions, Item=item)
        generations = Generations(self.client("dynamodb"), self.control, clock=lambda: 0)
        generations.switch("tiny", generation, self.predictions, len(items), 1_800_000_000.0, until=until)
        return generation

    def executions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client("stepfunctions").list_executions(stateMachineArn=self.machine)[
            "executions"
        ]
        return found

    def messages(self, model: str = "tiny") -> list[Any]:
        """Take all messages from a model's queue."""
        queue = self.client("sqs").get_queue_url(QueueName=f"{self.prefix}-{model}-jobs")["QueueUrl"]
        taken = []
        while found := self.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for each in found:
                self.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=each["ReceiptHandle"])
                taken.append(json.loads(each["Body"]))
        return taken

    def deploy(self) -> str:
        """Deploy the worker of `tiny` anew; return the number of its version."""
        name, functions = f"{self.prefix}-tiny-worker", self.client("lambda")
        functions.update_function_code(FunctionName=name, ZipFile=_zip(f"# {next(_numbers)}"))
        version: str = functions.publish_version(FunctionName=name)["Version"]
        functions.update_alias(FunctionName=name, Name="live", FunctionVersion=version)
        return version


def make_stage(url: str) -> Stage:
    """Make the tables, the bucket, the queues, the workers and the state machine in an emulator."""
    stage = Stage(url, f"stage{next(_numbers)}-dev")
    with urlopen(  # no Docker: nothing here runs a function
        Request(f"{url}/moto-api/config", data=b'{"lambda": {"use_docker": false}}', method="POST")
    ):
        pass
    for name, keys in {stage.control: CONTROL, stage.predictions: PREDICTIONS}.items():
        create_table(stage.client("dynamodb"), name, keys)
    stage.client("s3").create_bucket(Bucket=stage.bucket)
    role = stage.client("iam").create_role(RoleName=f"{stage.prefix}-role", AssumeRolePolicyDocument="{}")["Role"]
    machine = {"StartAt": "End", "States": {"End": {"Type": "Pass", "End": True}}}
    stage.machine = stage.client("stepfunctions").create_state_machine(
        name=f"{stage.prefix}-batches", definition=json.dumps(machine), roleArn=role["Arn"]
    )["stateMachineArn"]
    for model in ("tiny", "quick"):
        stage.client("sqs").create_queue(QueueName=f"{stage.prefix}-{model}-jobs")
        name = f"{stage.prefix}-{model}-worker"
        stage.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=role["Arn"],
            Handler="app.handler",
            Code={"ZipFile": _zip("")},
        )
        stage.client("lambda").publish_version(FunctionName=name)
        stage.client("lambda").create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    return stage


@contextmanager
def loaded(environment: dict[str, str]) -> Iterator[ModuleType]:
    """Import the function's app.py with these variables. Its own modules are forgotten afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.syspath_prepend(str(FOLDER))
        spec = importlib.util.spec_from_file_location("batches_app", FOLDER / "app.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        patch.setitem(sys.modules, spec.name, module)  # FastAPI looks annotations up in the module
        try:
            spec.loader.exec_module(module)
            yield module
        finally:
            for name in MODULES:
                sys.modules.pop(name, None)


@contextmanager
def event_loop() -> Iterator[None]:
    """Give this thread an event loop, as Lambda's has."""
    with asyncio.Runner() as runner:
        asyncio.set_event_loop(runner.get_loop())
        yield
        asyncio.set_event_loop(None)


@dataclass
class Answer:
    """An answer of the function. body: its JSON value; None if it is empty."""

    status: int
    body: Any
    headers: dict[str, str]


@dataclass
class Api:
    """The function beside its stage."""

    module: ModuleType
    stage: Stage

    @property
    def services(self) -> Any:
        return self.module.app.state.services

    def __call__(self, event: dict[str, Any]) -> Answer:
        """Send an event. A problem must be one."""
        given = self.module.handler(event, PlatformContext(aws_request_id="a-request"))
        assert not given["isBase64Encoded"]
        answer = Answer(given["statusCode"], json.loads(given["body"]) if given["body"] else None, given["headers"])
        assert answer.headers["x-request-id"] == "a-request"
        if answer.status >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.body["status"] == answer.status
            assert answer.body["type"].startswith("urn:modelet:problem:")
            assert ("retry-after" in answer.headers) is (
                answer.status in {429, 503} or answer.body["type"].endswith(":in-progress")
            )
        return answer


def _zip(text: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("app.py", text)
    return made.getvalue()
