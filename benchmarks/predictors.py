"""What a plain predictor costs beside a bare call and a model with a contract: `python -m benchmarks.predictors`.

All three do the same arithmetic on the same body, warm and in this process: the handlers get the same event of API
Gateway, the bare call the event's body alone, which it parses and whose answer it writes. They take turns, and each
figure is the median of the blocks' fastest calls; the ratios are within this run.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.project.author import author_modules
from modelet.dev.project.project import Project
from modelet.dev.publish.code import code_lock
from modelet.handler import ModelHandler
from modelet.settings import Settings
from modelet.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCKS, CALLS = 60, 300
PREDICTOR = """
class Score:
    def predict(self, payload):
        return {"score": 2.0 * payload["a"] + payload["b"] - payload["c"] * payload["d"]}
"""
CONTRACT = """
from modelet import ModelHandler
from modelet.backends.python import RuleModel
from modelet.typing import TypedDict


class Row(TypedDict):
    a: float
    b: float
    c: float
    d: float


class Scored(TypedDict):
    score: float


class Score(RuleModel[Row, Scored]):
    def decide(self, payload):
        return {"score": 2.0 * payload["a"] + payload["b"] - payload["c"] * payload["d"]}


handler = ModelHandler(Score)
"""
BODY = '{"a": 5.1, "b": 3.5, "c": 1.4, "d": 0.2}'


class Context:
    """The context of an invocation, with ten seconds left."""

    aws_request_id = "8f0b1a6e-0000-4000-8000-000000000000"
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:score"

    def get_remaining_time_in_millis(self) -> int:
        """Return the time that is left."""
        return 10_000


def event(name: str) -> dict[str, Any]:
    """Return an event of API Gateway's payload version 2.0."""
    path = f"/models/{name}/infer"
    return {
        "version": "2.0",
        "routeKey": f"ANY /models/{name}/{{proxy+}}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"accept": "*/*", "content-type": "application/json", "host": "a.example", "user-agent": "curl/8"},
        "requestContext": {"http": {"method": "POST", "path": path}, "stage": "$default", "requestId": "a"},
        "pathParameters": {"proxy": "infer"},
        "body": BODY,
        "isBase64Encoded": False,
    }


def bare() -> str:
    """Do what the models do, and nothing else."""
    payload = json.loads(BODY)
    return json.dumps({"score": 2.0 * payload["a"] + payload["b"] - payload["c"] * payload["d"]})


def handler(root: Path, name: str, code: str) -> ModelHandler:
    """Write a function whose version is its code, and load it in this process."""
    folder = root / "functions" / name
    folder.mkdir(parents=True)
    own = "predictor: {module: predictor, class: Score}\n" if "ModelHandler" not in code else ""
    (folder / "model.yaml").write_text(f"version: code\nbackend: python\n{own}")
    (folder / ("predictor.py" if own else "app.py")).write_text(code)
    project = Project(root)
    function, store = project.function(name), Store(project.store_url(None))
    write_bundle(function, store, code_lock(function, store))
    with author_modules(folder) as load:
        found: ModelHandler = ModelHandler() if own else load("app").handler
        found.load(Settings(folder, store.url, root / "tmp"))
    return found


def fastest(call: Callable[[], Any]) -> int:
    """Return the nanoseconds of the fastest call of a block."""
    best = 1 << 62
    for _ in range(CALLS):
        began = perf_counter_ns()
        call()
        best = min(best, perf_counter_ns() - began)
    return best


def measured(calls: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Return the µs of each call; the calls take turns."""
    found: dict[str, list[int]] = {name: [] for name in calls}
    for _ in range(BLOCKS):
        for name, call in calls.items():
            found[name].append(fastest(call))
    return {name: statistics.median(times) / 1000 for name, times in found.items()}


def main() -> None:
    """Print the table. The handlers' own lines go to /dev/null, as they go to a pipe in Lambda."""
    with tempfile.TemporaryDirectory() as made, ExitStack() as stack:
        root, context = Path(made), Context()
        stdout, null = os.dup(1), os.open(os.devnull, os.O_WRONLY)
        stack.callback(os.close, null)
        os.dup2(null, 1)
        handlers = {"plain predictor": ("plain", PREDICTOR), "model with a contract": ("contract", CONTRACT)}
        calls: dict[str, Callable[[], Any]] = {"bare call": bare}
        for title, (name, code) in handlers.items():
            served, asked = handler(root, name, code), event(name)
            calls[title] = partial(served, asked, context)
            assert json.loads(served(asked, context)["body"])["score"] == json.loads(bare())["score"]  # noqa: S101 - the measure of equals
        found = measured(calls)
        os.dup2(stdout, 1)
    table = io.StringIO()
    for title, us in found.items():
        table.write(f"{title:<24}{us:8.1f} µs{us - found['bare call']:+9.1f} µs{us / found['bare call']:8.1f} x\n")
    table.write(f"predictor / contract: {found['plain predictor'] / found['model with a contract']:.2f}\n")
    os.write(1, table.getvalue().encode())


if __name__ == "__main__":
    main()
