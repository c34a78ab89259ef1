"""Features by key on this machine: a batch of one model writes what another joins; the real server and emulator."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.local.session import running
from modelet.dev.project.project import Project
from modelet.store.store import Store
from support.batches import csv_text
from support.projects import APP, make_tiny
from support.repository import ROOT
from support.versions import classifier, onnx_bytes, write_version

from .test_command import COMMAND, Run, environment, runner

ORDERS = """
from typing_extensions import TypedDict
from modelet import ModelHandler
from modelet.backends.onnx import OnnxModel

class Row(TypedDict):
    a: float
    b: float
    town: str

class Echo(TypedDict):
    b: float
    town: str

class Orders(OnnxModel[Row, Echo]):
    def preprocess(self, instances):
        return instances

    def infer(self, inputs):
        return [{"b": each["b"], "town": each["town"]} for each in inputs]

    def postprocess(self, outputs, instances):
        return outputs

handler = ModelHandler(Orders)
"""
SPEC = """backend: onnx
features:
  from: tiny
  key: customer
  columns: [{probability: b}, passed.town]
id: order
batch: {}
jobs: {}
"""
KEYS = [f"k{number}" for number in range(10)]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of two models with batches; orders reads the predictions of tiny."""
    root = tmp_path_factory.mktemp("project")
    make_tiny(root, app=APP, spec="batch: {}\n")
    folder = root / "functions" / "orders"
    folder.mkdir()
    (folder / "model.yaml").write_text(SPEC)
    (folder / "app.py").write_text(ORDERS)
    store = Store(Project(root).store_url(None))
    lock = write_version(store, {"model.onnx": onnx_bytes(classifier())}, name="orders")
    write_bundle(Project(root).function("orders"), store, lock)
    shutil.copytree(
        ROOT / "functions" / "batches", root / "functions" / "batches", ignore=shutil.ignore_patterns("__pycache__")
    )
    return root


@pytest.fixture(scope="module")
def url(project: Path) -> Iterator[str]:
    """The URL of `modelet up`."""
    log = (project / "up.log").open("wb")
    with log, subprocess.Popen(
        [*COMMAND, "up", "--port", "0"], cwd=project, env=environment(), stdout=log, stderr=log
    ) as process:  # fmt: skip
        until = time.monotonic() + 60
        while (found := running(project, "orders")) is None:
            assert process.poll() is None, (project / "up.log").read_text()
            assert time.monotonic() < until
            time.sleep(0.1)
        yield found
        process.send_signal(signal.SIGINT)
        process.wait(90)


@pytest.fixture
def run(project: Path) -> Run:
    return runner(project)


def ask(url: str, body: Any, query: str = "") -> tuple[int, Any]:
    return exchange(f"{url}/models/orders/infer{query}", body)


def exchange(url: str, body: Any = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data, {"content-type": "application/json"})
    try:
        with urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def order(customer: str, number: int = 1) -> dict[str, Any]:
    return {"a": 1, "customer": customer, "order": number}


def load(run: Run, project: Path, value: int) -> None:
    rows = [{"id": key, "a": value, "b": value, "town": f"town {value}"} for key in KEYS]
    (project / "customers.csv").write_bytes(csv_text(rows))
    started = run("batch", "start", "tiny", "customers.csv", "--key", "id", "--pass", "town")
    assert started.returncode == 0, started.stderr


def test_a_batch_writes_what_another_model_joins(run: Run, project: Path, url: str) -> None:
    status, body = ask(url, order("k1"))
    assert (status, body["type"]) == (503, "urn:modelet:problem:no-features"), body
    assert "tiny has no predictions yet: run a batch of tiny" in body["detail"]

    load(run, project, 1)
    time.sleep(2.1)  # the pointer that was read before stays for two seconds
    status, body = ask(url, {"instances": [order("k1", 7), order("k2", 8), order("k1", 9)]})
    assert status == 200, body
    assert [each["order"] for each in body["predictions"]] == [7, 8, 9]
    assert {each["town"] for each in body["predictions"]} == {"town 1"}
    expected = json.loads(run("batch", "results", "tiny", "--key", "k1").stdout)["predictions"][0]["prediction"]
    assert body["predictions"][0]["b"] == expected["probability"]

    status, body = ask(url, {"instances": [order("k1"), order("x", 2)]})
    assert (status, body["errors"][0]["instance"], body["errors"][0]["field"]) == (422, 1, "customer")
    status, body = ask(url, {"instances": [order("k1"), order("x", 2)]}, "?partial=true")
    assert (status, [each.get("status") for each in body["predictions"]]) == (200, [None, 422])
    assert [each["order"] for each in body["predictions"]] == [1, 2]

    status, job = exchange(f"{url}/models/orders/jobs", order("k1", 17))
    assert status == 202, job
    until = time.monotonic() + 60
    while (answer := exchange(f"{url}/models/orders/jobs/{job['id']}")[1])["state"] not in {"done", "failed"}:
        assert time.monotonic() < until
        time.sleep(0.2)
    assert answer["result"] == {"order": 17, "b": expected["probability"], "town": "town 1"}, answer

    rows = [{"row": number, "a": 1, "customer": key, "order": f"o{number}"} for number, key in enumerate([*KEYS, "x"])]
    (project / "orders.csv").write_bytes(csv_text(rows))
    started = run("batch", "start", "orders", "orders.csv", "--key", "row")
    assert "DONE, 10 rows, 1 rejected" in started.stdout, started.stderr
    results = [json.loads(line) for line in run("batch", "results", "orders").stdout.splitlines()]
    assert {each["key"]: each["prediction"]["order"] for each in results} == {str(n): f"o{n}" for n in range(10)}
    assert {each["prediction"]["b"] for each in results} == {expected["probability"]}
    [rejected] = [json.loads(line) for line in run("batch", "results", "orders", "--rejected").stdout.splitlines()]
    assert (rejected["key"], rejected["field"]) == ("10", "customer")
    assert "tiny has no row of this key" in rejected["reason"]


def test_each_answer_is_whole_from_one_generation_while_it_switches(run: Run, project: Path, url: str) -> None:
    load(run, project, 1)
    ended, answers = threading.Event(), []

    def keep_asking() -> None:
        while not ended.is_set():
            answers.append(ask(url, {"instances": [order(key) for key in KEYS]}))

    threads = [threading.Thread(target=keep_asking) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        load(run, project, 9)
        time.sleep(2.5)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert {status for status, _ in answers} == {200}
    towns = [{each["town"] for each in body["predictions"]} for _, body in answers]
    assert all(len(each) == 1 for each in towns)
    assert towns[0] == {"town 1"}
    assert towns[-1] == {"town 9"}
