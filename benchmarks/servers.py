"""`modelet up` and other model servers over HTTP, with one worker each and the same scikit-learn model.

`python -m benchmarks.servers` prints a table, and JSON with --json. Every round starts each server once, in another
order, so that other load on the machine affects all of them. Ratios are of medians in one run. Each server runs in its
own environment, which `make bench` creates.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from benchmarks.machine import Row, machine, rows, sentence
from benchmarks.server import QUIET, Running, Server
from modelet.dev.local.runtime.variables import LAYER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import FrameType

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parent / ".tools" / "bench"
FLOWER = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
CLIENTS = (1, 8)
WARM_S = 1.0
"""Seconds of warm-up load before each measured load, to exclude first requests and starts of environments."""
EXPECTED = "setosa"
NOTES = (
    "One worker each, on one machine with the client; all telemetry is off, and so are the others' access logs. "
    "Modelet is two processes, a gateway and an environment, where one request is under way; of eight each may have an "
    "environment of its own, as in Lambda, though quick ones share two for each processor. It writes Lambda's "
    "lines and its metrics for each request to a file, checks rows by the contract and answers with the probability "
    "besides the label; the others answer with the label. start_s: until the first prediction, of a version that is "
    "published. p50, p99 (ms) and rps: of answers with a 200, at 1 and at 8 connections that ask again as soon as they "
    "are answered, after a second of the same. not_200: all others, and requests without an answer. cpu: of all the "
    "server's processes, for a request. memory: PSS of all processes after that load. installed: the environment's "
    "packages; Modelet's is the laptop's, with all that trains, converts and publishes (what an image has is measured "
    "by `images`)."
)


def subjects(root: Path) -> list[Server]:
    """Return the servers. root: a project with published versions from `arrange`, with room for more files."""
    peers, flower = HERE / "peers", list(FLOWER.values())
    model = root / ".modelet/store/iris-joblib/1/model.joblib"
    served = {"MODEL": str(model)}
    named = json.dumps({"instances": [FLOWER]})

    def modelet(name: str, function: str) -> Server:
        words = ("modelet", "up", function, "--port", "{port}")
        path, label = f"/models/{function}/infer", ("predictions", 0, "label")
        return Server(name, words, path, named, label, home("modelet"), root, code=(LAYER / "modelet",))

    return [
        modelet("Modelet", "iris"),
        modelet("Modelet, scikit-learn", "iris-joblib"),
        Server(
            "FastAPI + uvicorn",
            ("uvicorn", "app:app", "--host", "127.0.0.1", "--port", "{port}", "--no-access-log"),
            "/predict",
            named,
            ("predictions", 0),
            home("fastapi"),
            peers / "fastapi",
            served,
        ),
        Server(
            "LitServe",
            ("python", "server.py", "{port}"),
            "/predict",
            json.dumps({"input": [flower]}),
            ("output", 0),
            home("litserve"),
            peers / "litserve",
            served,
        ),
        Server(
            "BentoML",
            ("bentoml", "serve", "service:Iris", "--host", "127.0.0.1", "--port", "{port}"),
            "/classify",
            json.dumps({"flowers": [flower]}),
            (0,),
            home("bentoml"),
            peers / "bentoml",
            {**served, "BENTOML_HOME": str(root / "bentoml")},
        ),
        Server(
            "MLServer",
            ("mlserver", "start", "."),
            "/v2/models/iris/infer",
            json.dumps({"inputs": [{"name": "flowers", "shape": [1, 4], "datatype": "FP64", "data": flower}]}),
            ("outputs", 0, "data", 0),
            home("mlserver"),
            root / "mlserver",
            {
                "MLSERVER_HOST": "127.0.0.1",
                "MLSERVER_HTTP_PORT": "{port}",
                "MLSERVER_GRPC_PORT": "{port+1}",
                "MLSERVER_METRICS_PORT": "{port+2}",
                "MLSERVER_DEBUG": "false",  # these are its access logs
            },
        ),
        Server(
            "mlflow models serve",
            (
                *("mlflow", "models", "serve", "--host", "127.0.0.1", "--port", "{port}", "--workers", "1"),
                *("--env-manager", "local", "--model-uri", str(root / "mlflow")),
            ),
            "/invocations",
            json.dumps({"inputs": [flower]}),
            ("predictions", 0),
            home("mlflow"),
            root,
            {"UVICORN_ACCESS_LOG": "false", "MLFLOW_TRACKING_URI": (root / "mlruns").as_uri()},
        ),
    ]


def home(name: str) -> Path:
    """Return the environment of a server, which may not exist yet."""
    return ENVIRONMENTS / name


def arrange(root: Path, homes: Iterable[Path]) -> None:
    """Publish the models in a new project, and convert the scikit-learn model for servers with their own format.

    homes: the environments of the servers. Raises ClickException if one of them does not exist.
    """
    needed = {home("modelet"), *homes}
    for each in sorted(needed):
        if not (each / ".ready").exists():
            raise click.ClickException(f"{each} does not exist: `make bench` creates it from requirements/bench")
    for function in ("iris", "iris_joblib"):
        shutil.copytree(HERE / "project/functions" / function, root / "functions" / function)
    subprocess.run([home("modelet") / "bin/modelet", "pin", "--publish"], cwd=root, check=True, capture_output=True)
    model = root / ".modelet/store/iris-joblib/1/model.joblib"
    shutil.copytree(HERE / "peers/mlserver", root / "mlserver")
    shutil.copy2(model, root / "mlserver")
    (root / "bentoml").mkdir()
    if home("mlflow") in needed:
        command = [home("mlflow") / "bin/python", HERE / "peers/mlflow/save.py", model, root / "mlflow"]
        quiet = {"PATH": os.defpath, "HOME": str(root), **QUIET}
        subprocess.run(command, cwd=root, env=quiet, check=True, capture_output=True)


def measure(server: Server, seconds: float) -> dict[str, float]:
    """Return the figures of one start. Raises ValueError for a wrong first response, RuntimeError without one."""
    with Running(server) as running:
        start, answer = running.first()
        if (label := server.predicted(answer)) != EXPECTED:
            raise ValueError(f"{server.name} predicts {label!r}, but {EXPECTED!r} is correct")
        found = {"start_s": start, "not_200": 0.0}
        for clients in CLIENTS:
            running.load(clients, min(WARM_S, seconds))
            before = running.cpu_seconds()
            load = running.load(clients, seconds)
            cpu = running.cpu_seconds() - before
            found[f"p50_{clients}_ms"] = load.percentile(0.5)
            found[f"p99_{clients}_ms"] = load.percentile(0.99)
            found[f"rps_{clients}"] = len(load.latencies) / load.seconds
            found[f"cpu_{clients}_us"] = cpu / load.statuses.total() * 1e6
            found[f"memory_{clients}_mb"] = running.memory_mb()
            found["not_200"] += load.lost + load.statuses.total() - load.statuses[200]
        return found | {"installed_mb": server.installed_mb, "packages": server.packages}


PAIRS = (("p50", "_ms"), ("p99", "_ms"), ("rps", ""), ("cpu", "_us"), ("memory", "_mb"))


def table(found: Sequence[Row]) -> str:
    """Return the rows in Markdown: each figure's median, and its ratio to the first row's."""
    lines = [
        "| server | start s | p50 ms, 1 / 8 | p99 ms | req/s | × | CPU µs | memory MB | packages, MB | not 200 |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in found:
        pairs = [f"{row[f'{name}_1{unit}']:g} / {row[f'{name}_8{unit}']:g}" for name, unit in PAIRS]
        ratios = f"{row['rps_1_ratio']} / {row['rps_8_ratio']}"
        span = f"{row['start_s']} ({row['start_s_min']}–{row['start_s_max']})"
        disk = f"{row['packages']:g}, {row['installed_mb']:.0f}"
        cells = [row["subject"], span, *pairs[:3], ratios, *pairs[3:], disk, f"{row['not_200']:g}"]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def ended(_number: int, _frame: FrameType | None) -> NoReturn:
    """Exit as after Ctrl-C, so that everything is cleaned up."""
    sys.exit(143)


@click.command()
@click.option("--rounds", type=click.IntRange(1, 50), default=3, show_default=True)
@click.option(
    "--seconds", type=click.FloatRange(0.1, 60), default=5, show_default=True, help="The duration of each load."
)
@click.option("--only", multiple=True, metavar="NAME", help="Only servers with this text in their name. Repeatable.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(rounds: int, seconds: float, only: tuple[str, ...], as_json: bool) -> None:
    """Measure, as in: python -m benchmarks.servers --seconds 2 --only modelet --only fastapi."""
    signal.signal(signal.SIGTERM, ended)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        measured = chosen(subjects(root), only)
        arrange(root, [server.home for server in measured])
        samples: dict[str, list[dict[str, float]]] = {server.name: [] for server in measured}
        for number in range(1, rounds + 1):
            for server in random.sample(measured, len(measured)):
                click.echo(f"round {number} of {rounds}: {server.name}", err=True)
                samples[server.name].append(measure(server, seconds))
    found, here = rows(samples), machine()
    if as_json:
        facts = {"benchmark": "servers", "machine": here, "rounds": rounds, "unit notes": NOTES, "rows": found}
        click.echo(json.dumps(facts, indent=2))
        return
    click.echo(f"{sentence(here)}; medians of {rounds} starts, {seconds:g} s of load at each level\n")
    click.echo(f"{table(found)}\n\n{NOTES}")


def chosen(servers: list[Server], only: Sequence[str]) -> list[Server]:
    """Return the servers to measure, by default all. Raises UsageError for an unknown name."""
    for name in only:
        if not any(name.lower() in server.name.lower() for server in servers):
            raise click.UsageError(f"unknown server {name!r}: there are {', '.join(each.name for each in servers)}")
    return [each for each in servers if not only or any(name.lower() in each.name.lower() for name in only)]


if __name__ == "__main__":
    main()
