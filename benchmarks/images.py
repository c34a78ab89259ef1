"""The image with Lambda's limits: 512 MB, 0.29 of a processor, and no writable folder except /tmp.

`PYTHONPATH=tests python -m benchmarks.images` prints a table, and JSON with --json. One image contains the benchmark's
model. It is started with the floor's handler, with Modelet reading the baked version, and with Modelet fetching it from
S3. It needs a Docker engine on Linux (that of `make images`). Without one it prints `skipped` with the reason, and
exits with 0.
"""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmarks.environment import ARN, cpu_seconds, memory_mb
from benchmarks.lineup import FLOWER, HERE, PROJECT, QUIET, event, prepare, push
from benchmarks.machine import Row, machine, rows, sentence
from benchmarks.s3 import BUCKET, SIGNED_IN, emulated
from e2e.engine.base import ready_engine
from e2e.engine.engine import Engine, Skipped, running_engine, stop
from modelet.bundle import BUNDLE_FILE, ENTRY_POINT
from modelet.dev.local.runtime.runtime_api import Invocation, Reply, RuntimeApi
from modelet.digest import digest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = HERE.parent
TAG = "modelet/benchmark:online"
MEMORY_MB = 512
CPUS = 0.29
"""The share of a processor for 512 MB: docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html (1,769 MB: 1)."""
LONGEST = 60
"""The longest time in seconds until a container's first response."""
NOTES = (
    f"ms from the container's start to its first answer, {MEMORY_MB} MB and {CPUS} of a processor; resident_mb: of the "
    "process; group_peak_mb: the most that its control group had, with file pages that it was the first to read; "
    "task_mb: packages and code in the image"
)
FLOOR = "floor, in the same image"
LIMITS = (
    "--read-only", "--tmpfs=/tmp:rw,size=512m,mode=1777", "--ipc=none", "--user=993:990", "--cap-drop=ALL",
    "--security-opt=no-new-privileges", f"--memory={MEMORY_MB}m", f"--memory-swap={MEMORY_MB}m", f"--cpus={CPUS}",
    "--network=host",
)  # fmt: skip


@contextmanager
def started_engine() -> Iterator[Engine]:
    """Yield an engine with base images, and stop it afterwards if it was started here. Raises Skipped."""
    ours = running_engine() is None
    try:
        yield ready_engine()
    finally:
        if ours:
            stop()


def build(engine: Engine, project: Path, context: Path) -> float:
    """Build the image of a project's iris with its version baked in, and return the MB of its /var/task."""
    names = ["pyproject.toml", "LICENSE", "requirements", "layers", "functions/Dockerfile", "functions/prune.py"]
    for name in [*names, ".dockerignore"]:
        copied = context / name
        copied.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, copied)
    shutil.copytree(project / "functions/iris", context / "functions/iris")
    shutil.copy(ROOT / "functions/sentiment/requirements.txt", context / "functions/iris")  # the same backend
    arguments = [f"--build-arg={name}={value}" for name, value in {"FUNCTION": "iris", **engine.build_args}.items()]
    file = str(context / "functions/Dockerfile")
    command = ["build", "--quiet", "--file", file, "--target=online", f"--tag={TAG}", *arguments, str(context)]
    engine.run(*command, timeout=900)
    task = engine.run("run", "--rm", "--network=none", "--entrypoint=du", TAG, "-sb", "/var/task").stdout
    return int(task.split()[0]) / 1e6


async def first_answer(engine: Engine, options: list[str], handler: str) -> dict[str, float]:
    """Measure one container until its first response. Raises RuntimeError with its output."""
    signals: asyncio.Queue[Reply | None] = asyncio.Queue()
    # The container has another user, and no other user has access to this machine.
    api = RuntimeApi(lambda: signals.put_nowait(None), signals.put_nowait, signals.put_nowait, admits=None)
    address = await api.start()
    variables = {
        "AWS_LAMBDA_RUNTIME_API": address,
        "AWS_LAMBDA_FUNCTION_NAME": "benchmark",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(MEMORY_MB),
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    given = [f"--env={name}={value}" for name, value in variables.items()]
    command = ["run", "--detach", *LIMITS, *given, *options, TAG, handler]
    container = (await asyncio.to_thread(engine.run, *command)).stdout.strip()
    try:
        async with asyncio.timeout(LONGEST):
            waiting = await signals.get()
            api.send(Invocation("1", event("iris"), int((time.time() + 30) * 1000), ARN, ""))
            reply = waiting or await signals.get()
        answered = time.time()
        if reply is None or reply.error or b"setosa" not in reply.payload:
            raise RuntimeError(f"{handler} answers {reply and reply.payload[:1000]!r}")
        pid, began = engine.run("inspect", "--format", "{{.State.Pid}} {{.State.StartedAt}}", container).stdout.split()
        memory = memory_mb(int(pid))
        return {
            "wall_ms": (answered - datetime.fromisoformat(began).timestamp()) * 1000,
            "cpu_ms": cpu_seconds(int(pid)) * 1000,
            "resident_mb": memory["VmRSS"],
            "group_peak_mb": group_peak_mb(int(pid)),
        }
    except TimeoutError:
        raise RuntimeError(f"{handler} does not answer: {engine.run('logs', container).stderr[-2000:]}") from None
    finally:
        await asyncio.to_thread(engine.run, "rm", "--force", container)
        await api.stop()


def group_peak_mb(pid: int) -> float:
    """Return the peak memory of a process's control group in MB of 2**20 bytes, for control groups v1 and v2."""
    groups = [line.split(":", 2) for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()]
    of_memory = {kinds: path.lstrip("/") for _, kinds, path in groups if kinds in ("memory", "")}
    files = {"memory": ("memory", "memory.max_usage_in_bytes"), "": ("", "memory.peak")}
    kinds = "memory" if "memory" in of_memory else ""
    place, name = files[kinds]
    return int((Path("/sys/fs/cgroup") / place / of_memory[kinds] / name).read_text()) / 2**20


def measured(rounds: int) -> list[Row]:
    """Return one row per way to start the image, the floor first. Raises Skipped."""
    with started_engine() as engine, tempfile.TemporaryDirectory() as folder, emulated(0) as (endpoint, _):
        copied = Path(folder) / "copied"
        shutil.copytree(PROJECT, copied)
        with (copied / "functions/iris/model.yaml").open("a") as file:
            file.write("artifact: baked\n")
        project = prepare(copied, Path(folder) / "project")
        push(project, endpoint)
        task_mb = build(engine, project, Path(folder) / "context")
        version = "/var/task/baked/iris/1"
        floor = {
            "GRAPH": f"{version}/model.onnx",
            "FEATURES": json.dumps(list(FLOWER)),
            "PYTHONPATH": "/floor",
            **QUIET,
        }
        trusted = {"MODELET_BUNDLE_SHA256": digest((project / "functions/iris" / BUNDLE_FILE).read_bytes())}
        bucket = {**SIGNED_IN, **trusted, "AWS_ENDPOINT_URL": endpoint, "MODELET_STORE": f"s3://{BUCKET}/models"}
        ways = {
            FLOOR: ([f"--volume={HERE / 'subjects'}:/floor:ro", *variables(floor)], "floor.handler"),
            "modelet, baked": (variables({**trusted, "MODELET_STORE": "file:///var/task/baked"}), ENTRY_POINT),
            "modelet, S3": (variables(bucket), ENTRY_POINT),
        }
        samples: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
        with click.progressbar(range(rounds), label="rounds", file=sys.stderr) as counted:
            for _ in counted:
                for name in random.sample(list(ways), len(ways)):
                    samples[name].append(asyncio.run(first_answer(engine, *ways[name])) | {"task_mb": task_mb})
    return rows(samples)


def variables(given: dict[str, str]) -> list[str]:
    """Return environment variables as arguments of Docker's client."""
    return [f"--env={name}={value}" for name, value in given.items()]


@click.command()
@click.option("--rounds", type=click.IntRange(1, 50), default=7, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(rounds: int, as_json: bool) -> None:
    """Measure, as in: PYTHONPATH=tests python -m benchmarks.images --rounds 5."""
    where = machine()
    document = {"benchmark": "images", "machine": where, "rounds": rounds, "unit notes": NOTES}
    try:
        found = measured(rounds)
    except Skipped as why:
        skipped = {**document, "rows": [{"subject": "image", "skipped": str(why)}]}
        click.echo(json.dumps(skipped, indent=2) if as_json else f"skipped: {why}")
        return
    if as_json:
        click.echo(json.dumps({**document, "rows": found}, indent=2))
        return
    click.echo(f"{sentence(where)}; medians of {rounds} rounds; {NOTES}\n")
    click.echo("| subject | wall ms | min–max | × floor | CPU ms | × | process MB | × | group MB | /var/task MB |")
    click.echo("|---|---|---|---|---|---|---|---|---|---|")
    for row in found:
        wall = f"{row['wall_ms']:g} | {row['wall_ms_min']:g}–{row['wall_ms_max']:g} | {row['wall_ms_ratio']:g}"
        both = " | ".join(f"{row[key]:g} | {row[f'{key}_ratio']:g}" for key in ("cpu_ms", "resident_mb"))
        click.echo(f"| {row['subject']} | {wall} | {both} | {row['group_peak_mb']:.0f} | {row['task_mb']:.0f} |")


if __name__ == "__main__":
    main()
