"""The SAM command line in its own virtual environment, .tools/sam: it pins boto3, click and pydantic of its own."""

from __future__ import annotations

import json
import platform
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.engine.engine import Engine
from support.ports import free_port
from support.repository import ROOT

HOME = ROOT / ".tools" / "sam"
MACHINE = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
NEVER_CALLS_HOME = {
    "telemetryEnabled": False,
    "installationId": "00000000-0000-0000-0000-000000000000",
    "lastVersionCheck": 99_999_999_999,
}


def emulator() -> Path:
    """AWS's Runtime Interface Emulator, which comes with SAM."""
    [found] = HOME.glob(f"lib/python3.*/site-packages/samcli/local/rapid/aws-lambda-rie-{MACHINE[platform.machine()]}")
    return found


@dataclass(frozen=True)
class Sam:
    """SAM with an engine; home: where it keeps its state. built: what `build` writes, the template that is run."""

    engine: Engine
    home: Path
    variables: dict[str, str]

    @property
    def built(self) -> Path:
        """The template whose images are built."""
        return self.home / "build" / "template.yaml"

    def build(self, template: Path) -> None:
        """Build the images of a template's functions."""
        self.home.mkdir(parents=True)
        (self.home / "metadata.json").write_text(json.dumps(NEVER_CALLS_HOME))
        (self.home / "variables.json").write_text(json.dumps({"Parameters": self.variables}))
        done = self._run("build", "--template", str(template), "--build-dir", str(self.built.parent), timeout=900)
        assert done.returncode == 0, done.stderr

    def line(self, function: str, event: str) -> str:
        """The command with which a person invokes a function, from the project's folder."""
        words = ["local", "invoke", function, "--event", event, *self._local(self.home / "variables.json")]
        return " ".join(word.removeprefix(f"{ROOT}/") for word in self._command(*words))

    def invoke(self, function: str, event: Path, **variables: str) -> Any:
        """What a function answers to an event, or its error: SAM exits with 0 for both.

        variables: instead of those that all functions have.
        """
        given = self.home / "own.json"
        given.write_text(json.dumps({"Parameters": {**self.variables, **variables}}))
        done = self._run("local", "invoke", function, "--event", str(event), *self._local(given), timeout=120)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip(), f"no answer, so the function timed out:\n{done.stderr}"
        return json.loads(done.stdout.strip().splitlines()[-1])

    @contextmanager
    def api(self) -> Iterator[str]:
        """Serve the template's API; gives the URL."""
        port = free_port()
        log = self.home / "api.log"
        command = ["local", "start-api", "--host", "127.0.0.1", "--port", str(port), "--warm-containers", "EAGER"]
        with log.open("wb") as output:
            server = subprocess.Popen(
                [*self._command(*command), *self._local(self.home / "variables.json")],
                cwd=self.home, env=self._environment(), stdout=output, stderr=output,
            )  # fmt: skip
        try:
            deadline = time.monotonic() + 120
            while not listens(port):
                assert server.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(60)

    def _local(self, variables: Path) -> list[str]:
        return ["--template", str(self.built), "--skip-pull-image", "--env-vars", str(variables)]

    def _command(self, *command: str) -> list[str]:
        return [str(HOME / "bin" / "sam"), *command]

    def _run(self, *command: str, timeout: float) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._command(*command),
            cwd=self.home,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def _environment(self) -> dict[str, str]:
        # With keys of its own SAM would ask AWS whose they are.
        inherited = {name: value for name, value in self.engine.variables.items() if not name.startswith("AWS_")}
        return {
            **inherited,
            "AWS_EC2_METADATA_DISABLED": "true",
            "SAM_CLI_TELEMETRY": "0",
            "__SAM_CLI_APP_DIR": str(self.home),
        }


def listens(port: int) -> bool:
    """Whether somebody answers at a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
