"""up: a project served over HTTP, as a person and a script start and stop it."""

from __future__ import annotations

import json
import shlex
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import Result

from tiny import GOOD, make_tiny, rows_event

from .conftest import COMMAND, failure

Run = Callable[..., Result]

TRAIN = """
import numpy as np
from sklearn.linear_model import LogisticRegression
from modelet.dev.publish import Trained

def train():
    rows = np.random.default_rng(1).normal(2, 2, (200, 2)).astype(np.float32)
    labels = np.where(rows[:, 0] > 2, "high", "low")
    model = LogisticRegression().fit(rows, labels)
    metrics = {"accuracy": 1.0}
    return Trained(estimator=model, examples=rows, metrics=metrics, metric="accuracy", feature_names=["a", "b"])
"""


@pytest.fixture
def tiny(project: Path) -> Path:
    """The project with one model, tiny, published and not pinned, and an event for it."""
    (project / "functions").rmdir()
    make_tiny(project)
    (project / "events" / "tiny").mkdir(parents=True)
    (project / "events" / "tiny" / "infer.json").write_text(json.dumps(rows_event(GOOD)))
    return project


@contextmanager
def served(*words: str) -> Iterator[tuple[subprocess.Popen[str], list[list[str]]]]:
    """`modelet up` as a process, and the rows that it prints when it serves one model."""
    command = [*COMMAND, "up", "--port", "0", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, [process.stdout.readline().rstrip("\n").split("\t")]
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.communicate(timeout=20)


def ask(url: str, body: Any) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as response:
        return json.load(response)


def test_it_prints_each_model_with_a_curl_line_that_works(tiny: Path) -> None:
    with served() as (_, [row]):
        name, version, url, curl = row
        assert (name, version) == ("tiny", "1")
        assert url.startswith("http://127.0.0.1:")
        words = shlex.split(curl)
        assert words[:2] == ["curl", f"{url}/infer"]
        assert ask(f"{url}/infer", json.loads(words[-1]))["label"] == "high"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_all_that_it_started(tiny: Path, number: signal.Signals) -> None:
    with served() as (process, [row]):
        ask(f"{row[2]}/infer", GOOD)
        started = psutil.Process(process.pid).children(recursive=True)
        assert started
        process.send_signal(number)
        _, log = process.communicate(timeout=20)
        assert process.returncode == 0
        assert "Traceback" not in log
        assert not psutil.wait_procs(started, timeout=5)[1]


def test_rest_events_are_answered_too(tiny: Path) -> None:
    with served("--api", "rest") as (_, [row]):
        assert ask(f"{row[2]}/infer", GOOD)["label"] == "high"


def test_a_model_is_served_by_its_name_alone(tiny: Path) -> None:
    (tiny / "functions" / "broken").mkdir()
    (tiny / "functions" / "broken" / "model.yaml").write_text("nonsense: 1\n")
    with served("tiny") as (_, [row]):
        assert row[0] == "tiny"


def test_a_stage_overrides_what_is_served(tiny: Path) -> None:
    (tiny / "functions" / "tiny" / "model.yaml").write_text("stages: {prod: {limits: {max_instances: 1}}}\n")
    with served("--stage", "prod") as (_, [row]), pytest.raises(urllib.error.HTTPError, match="413"):
        ask(f"{row[2]}/infer", {"instances": [GOOD, GOOD]})


def test_the_platform_function_lists_the_models(tiny: Path) -> None:
    index = tiny / "functions" / "models_index"
    index.mkdir()
    (index / "app.py").write_text(
        "import json, os\n"
        "def handler(event, context):\n"
        "    return {'statusCode': 200, 'body': os.environ['MODELET_MODELS']}\n"
    )
    with (
        served() as (_, [row]),
        urllib.request.urlopen(row[2].replace("/models/tiny", "/models"), timeout=20) as response,
    ):
        assert json.load(response) == [{"name": "tiny", "version": "1"}]


def test_a_port_in_use_is_one_line(run: Run, tiny: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert failure(run("up", "--port", port)).startswith(f"port {port} of 127.0.0.1 is in use: choose another")


def test_a_port_in_use_is_said_before_anything_is_published(run: Run, tiny: Path) -> None:
    (tiny / ".modelet").rename(tiny / "elsewhere")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert " is in use: " in failure(run("up", "--publish", "--port", str(taken.getsockname()[1])))


def test_a_model_without_a_version_is_named_with_what_to_run(run: Run, project: Path) -> None:
    for folder in ("one", "two"):
        (project / "functions" / folder).mkdir()
        (project / "functions" / folder / "model.yaml").write_text("{}\n")
    said = failure(run("up"))
    assert said.endswith("has no version of one, two: modelet up --publish trains and publishes first")


def test_a_project_without_models_says_how_to_begin(run: Run) -> None:
    assert failure(run("up")) == "there are no models in functions/ yet: start one with modelet new NAME"


def test_publish_makes_the_missing_versions_first(tiny: Path) -> None:
    (tiny / "functions" / "tiny" / "train.py").write_text(TRAIN)
    (tiny / ".modelet").rename(tiny / "elsewhere")
    with served("--publish") as (_, [row]):
        assert ask(f"{row[2]}/infer", GOOD)["label"] == "high"
    assert (tiny / ".modelet" / "store" / "tiny" / "1" / "model.json").is_file()


def test_reload_serves_what_was_written(tiny: Path) -> None:
    app = tiny / "functions" / "tiny" / "app.py"
    with served("--reload") as (process, [row]):
        assert process.stderr is not None
        ask(f"{row[2]}/infer", GOOD)
        app.write_text(app.read_text().replace("Le(1000)", "Le(3)"))
        for line in process.stderr:
            if "Reload: app.py changed" in line:
                break
        refused = ""
        for _ in range(100):
            try:
                ask(f"{row[2]}/infer", GOOD)
            except urllib.error.HTTPError as error:
                refused = str(error)
                break
        assert "422" in refused


def test_a_terminal_gets_a_table_and_curl_lines_that_are_not_folded(tiny: Path) -> None:
    from modelet.dev.cli.welcome import curl

    event = tiny / "events" / "tiny" / "infer.json"
    event.write_text(json.dumps(rows_event({"text": "it's " + "long " * 50})))
    line = curl("http://127.0.0.1:8000/models/tiny", event)
    assert "\n" not in line
    assert json.loads(shlex.split(line)[-1])["text"].startswith("it's long")
    event.write_text("{}")
    assert curl("http://127.0.0.1:8000/models/tiny", event) == "curl http://127.0.0.1:8000/models/tiny"
