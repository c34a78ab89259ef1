"""The project deployed into the account, by the commands that its users run."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from e2e.deploy.account import NUMBER, REGION, Account
from e2e.deploy.calls import Api
from e2e.deploy.ministack import NODE
from e2e.deploy.project import STAGE
from modelet.dev.project.project import Project
from support.repository import ROOT

TOOLS = Path(sys.executable).parent
CDK = ROOT / ".tools" / "node" / "node_modules" / ".bin" / "cdk"
SYNTHESIZED = ".modelet/cdk.out"
STORAGE, API, OLD = f"modelet-{STAGE}-storage", f"modelet-{STAGE}-api", f"modelet-{STAGE}-serving"
SET_UP = (".venv/.ready", ".venv/.ready-infra", ".tools/node/node_modules/.bin/cdk")
"""What the copy shares with the project: `make` must not make it again there."""
KNOWN = tuple(word for path in SET_UP for word in ("--assume-old", path))
"""What tells `make` so."""
LIMIT_S = 280


class CommandFailedError(Exception):
    """A command ended with another code than 0; the message is its whole output, since models are deployed at once."""


@dataclass
class Deployment:
    """A copy of the project, the account it goes to, and how long each step took, in seconds."""

    account: Account
    project: Project
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure a step of the scenario."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = time.perf_counter() - began

    def run(self, *command: str | Path, folder: Path | None = None) -> str:
        """Run a program in the project with the account's environment; gives what it says on both outputs."""
        inherited = {name: value for name, value in self.account.environment.items() if not name.startswith("MAKE")}
        done = subprocess.run(
            command,
            cwd=folder or self.project.root,
            env={**inherited, "PATH": f"{TOOLS}:{NODE}:{inherited['PATH']}"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        if done.returncode:
            raise CommandFailedError(done.stdout)
        return done.stdout

    def bootstrap(self) -> None:
        """Prepare the account for the CDK; no app is needed for that."""
        self.run(CDK, "bootstrap", "--no-notices", f"aws://{NUMBER}/{REGION}", folder=self.account.home)

    def make(self, target: str, *words: str) -> str:
        """Run one of the Makefile's commands for the stage; gives what it says."""
        return self.run("make", *KNOWN, target, f"STAGE={STAGE}", *words)

    def synth(self) -> None:
        """Make the templates and the images' contexts of what is locked and bundled."""
        self.run(CDK, "synth", "--quiet", "--no-notices", "--output", SYNTHESIZED)

    def deploy(self, stack: str, app: str = SYNTHESIZED) -> str:
        """Deploy a stack as it was synthesized last, or another app's; gives what the CDK says."""
        options = ("--no-notices", "--ci", "--require-approval", "never", "--exclusively")
        return self.run(CDK, "deploy", stack, "--app", app, *options)

    def destroy(self, stack: str) -> str:
        """Destroy a stack; gives what the CDK says."""
        return self.run(CDK, "destroy", stack, "--app", SYNTHESIZED, "--no-notices", "--force", "--exclusively")

    def push(self, name: str, version: str) -> None:
        """Copy a published version to the deployed bucket."""
        self.run(TOOLS / "modelet", "push", name, version, "--to", self.output(STORAGE, "StoreUrl"))

    def stack(self, name: str) -> dict[str, Any]:
        """A stack as CloudFormation describes it."""
        found = self.account.client("cloudformation").describe_stacks(StackName=name)
        description: dict[str, Any] = found["Stacks"][0]
        return description

    def output(self, stack: str, key: str) -> str:
        """One output of a stack."""
        outputs = {each["OutputKey"]: each["OutputValue"] for each in self.stack(stack)["Outputs"]}
        return str(outputs[key])

    def template(self, stack: str) -> dict[str, Any]:
        """The template that was synthesized last."""
        document: dict[str, Any] = json.loads((self.project.root / SYNTHESIZED / f"{stack}.template.json").read_text())
        return document

    def stacks(self) -> set[str]:
        """The names of all stacks of the project."""
        found = self.account.client("cloudformation").describe_stacks()["Stacks"]
        names = {each["StackName"] for each in found if each["StackStatus"] != "DELETE_COMPLETE"}
        return {name for name in names if name.startswith(f"modelet-{STAGE}-")}

    def served(self) -> dict[str, str]:
        """The models that the API lists, with their versions."""
        listed = json.loads(self.api.call("GET", "/models").text)["models"]
        return {model["name"]: model["version"] for model in listed}

    def live(self, name: str) -> str:
        """The Lambda version that a model's live alias points to."""
        alias = self.account.client("lambda").get_alias(FunctionName=function_name(name), Name="live")
        return str(alias["FunctionVersion"])

    def worker_version(self, name: str) -> str:
        """The Lambda version of a model's worker that takes new work."""
        alias = self.account.client("lambda").get_alias(FunctionName=f"{function_name(name)}-worker", Name="live")
        return str(alias["FunctionVersion"])

    def worker_variables(self, name: str) -> dict[str, str]:
        """The environment variables of a model's worker."""
        found = self.account.client("lambda").get_function_configuration(FunctionName=f"{function_name(name)}-worker")
        return dict(found["Environment"]["Variables"])

    def prediction_table(self, name: str) -> str:
        """The name of a model's prediction table."""
        found = self.account.client("ssm").get_parameter(Name=f"/modelet/{STAGE}/predictions/{name}")
        return str(found["Parameter"]["Value"])

    def checks(self, name: str, version: str) -> int:
        """How often a Lambda version of a model was asked so far."""
        return self.account.invoker.asked.count((function_name(name), version))

    @property
    def bucket(self) -> str:
        return self.output(STORAGE, "BucketName")

    @property
    def api(self) -> Api:
        return Api(self.account, self.output(API, "ApiUrl"))


def model_stack(model: str) -> str:
    """What a model's stack is called."""
    return f"modelet-{STAGE}-model-{model}"


def function_name(model: str) -> str:
    """What a model's function is called in Lambda."""
    return f"modelet-{STAGE}-{model}"
