"""A model's image as strictly as Lambda runs it: what SAM leaves out is set here."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import httpx

from e2e.engine.engine import Engine
from e2e.sam.cli import emulator
from modelet.dev.project.sections import Resources
from modelet.dev.project.worker_sections import Worker

FULL_CPU_MB = 1769
"""Memory for one whole processor: docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html."""
INVOCATIONS = "/2015-03-31/functions/function/invocations"


@dataclass(frozen=True)
class StrictContainer:
    """A running container, asked through AWS's Runtime Interface Emulator, one event at a time."""

    engine: Engine
    id: str
    url: str

    @classmethod
    def start(
        cls, engine: Engine, tag: str, handler: str, resources: Resources | Worker, variables: dict[str, str]
    ) -> StrictContainer:
        """Run an image: nothing can be written but /tmp, no user has rights, no /dev/shm, the given memory and CPU."""
        memory = resources.memory_mb
        given = {**variables, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory)}
        container = engine.run(
            "run", "--detach", "--rm", "--read-only", f"--tmpfs=/tmp:rw,size={resources.tmp_mb}m,mode=1777",
            "--ipc=none", "--user=993:990", "--cap-drop=ALL", "--security-opt=no-new-privileges",
            f"--memory={memory}m", f"--memory-swap={memory}m", f"--cpus={memory / FULL_CPU_MB:.2f}",
            "--publish=127.0.0.1::8080", f"--volume={emulator()}:/rie:ro",
            *(f"--env={name}={value}" for name, value in given.items()),
            "--entrypoint=/rie", tag, "--log-level", "error", "python3", "-m", "awslambdaric", handler,
        ).stdout.strip()  # fmt: skip
        address = engine.run("port", container, "8080").stdout.split()[0]
        started = cls(engine, container, f"http://{address}")
        started.wait()
        return started

    def wait(self) -> None:
        """Wait until the emulator listens."""
        deadline = time.monotonic() + 30
        while True:
            try:
                httpx.get(self.url, timeout=5)
            except httpx.TransportError:
                assert time.monotonic() < deadline, self.log()
                time.sleep(0.1)
            else:
                return

    def invoke(self, event: bytes) -> Any:
        """What the function answers, or its error."""
        return httpx.post(f"{self.url}{INVOCATIONS}", content=event, timeout=60).json()

    def log(self) -> str:
        """What the function printed."""
        done = self.engine.run("logs", self.id)
        return done.stdout + done.stderr

    def stop(self) -> None:
        """End it."""
        self.engine.run("stop", "--time=1", self.id)
