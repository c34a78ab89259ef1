"""up: a project served over HTTP, as a person and a script start and stop it."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import shlex
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from click.testing import Result
from sklearn.linear_model import LogisticRegression

from modelet.dev.local.emulator import prepare
from modelet.errors import CommandError
from modelet.store.store import Store
from support.commands import failure
from support.events import rows_event
from support.projects import APP, GOOD, make_tiny
from support.repository import ROOT
from support.versions import INPUTS, LABELS, onnx_bytes, write_version

from .conftest import COMMAND

Run = Callable[..., Result]

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")

TRAIN = """
import numpy as np
from sklearn.linear_model import LogisticRegression
from modelet.publishing import Trained

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


def said(process: subprocess.Popen[str], words: str) -> None:
    """Read the log until it says this."""
    assert process.stderr is not None
    assert any(words in line for line in process.stderr)


def reloaded(process: subprocess.Popen[str], why: str) -> None:
    """Read the log until it says why something is reloaded, and what that brought is served."""
    said(process, f"Reload: {why}")
    said(process, "Reload: serving the new sources")


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def refusal(url: str) -> int:
    """The status of the first answer that is an error."""
    statuses: list[int] = []

    def refused() -> bool:
        statuses.append(httpx.post(f"{url}/infer", json=GOOD, timeout=20).status_code)
        return statuses[-1] >= 400

    wait_until(refused)
    return statuses[-1]


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


@pytest.fixture
def listed(tiny: Path) -> Path:
    """The project with a function that lists the models."""
    index = tiny / "functions" / "models_index"
    index.mkdir()
    (index / "app.py").write_text(
        "import json, os\n"
        "def handler(event, context):\n"
        "    return {'statusCode': 200, 'body': os.environ['MODELET_MODELS']}\n"
    )
    return tiny


def models(url: str) -> Any:
    return httpx.get(url.replace("/models/tiny", "/models"), timeout=20).json()


def test_the_platform_function_lists_the_models(listed: Path) -> None:
    with served() as (_, [row]):
        assert models(row[2]) == {"tiny": "1"}


def test_a_reload_lists_the_version_that_it_serves(run: Run, listed: Path) -> None:
    run("pin", "tiny")
    app = listed / "functions" / "tiny" / "app.py"
    with served("--reload") as (process, [row]):
        assert models(row[2]) == {"tiny": "1"}
        publish_again(listed)
        app.write_text(APP + "\nraise ValueError('not yet')\n")
        said(process, "Reload failed")
        assert run("pin", "tiny", "2").exit_code == 0
        said(process, "Reload failed")
        assert (versions_of(row[2], 1), models(row[2])) == ({"1"}, {"tiny": "1"})
        app.write_text(APP)
        reloaded(process, "app.py")
        reloaded(process, "tiny now serves version 2")
        assert (versions_of(row[2], 1), models(row[2])) == ({"2"}, {"tiny": "2"})
        (listed / "functions" / "models_index" / "app.py").touch()
        reloaded(process, "app.py")
        assert models(row[2]) == {"tiny": "2"}


def test_a_reload_without_the_platform_function_s_source_keeps_the_old_one(listed: Path) -> None:
    with served("--reload") as (process, [row]):
        assert models(row[2]) == {"tiny": "1"}
        (listed / "functions" / "models_index" / "app.py").unlink()
        said(
            process,
            "Reload failed, the old environments stay in use: functions/models_index/app.py is missing: restore it",
        )
        assert models(row[2]) == {"tiny": "1"}


def test_another_host_is_served_and_accepted(tiny: Path) -> None:
    with served("--host", "127.0.0.2") as (_, [row]):
        assert row[2].startswith("http://127.0.0.2:")
        assert ask(f"{row[2]}/infer", GOOD)["label"] == "high"
        refused = httpx.get(row[2], headers={"host": "evil.example"}, timeout=20)
        assert (refused.status_code, refused.json()) == (403, {"message": "Forbidden"})


@pytest.mark.parametrize(
    ("words", "allowed"),
    [([], True), (["--host", "localhost"], True), (["--host", "127.0.0.2"], True), (["--host", "0.0.0.0"], False)],
)
def test_batches_may_name_files_of_this_machine_only_if_no_other_machine_can_connect(
    run: Run, tiny: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], allowed: bool
) -> None:
    def prepared(*_: Any, takes_files: bool) -> None:
        raise CommandError(f"files: {takes_files}")

    monkeypatch.setattr(prepare, "prepare_emulated", prepared)
    assert run("up", "tiny", "--port", "0", *words).stderr == f"error: files: {allowed}\n"


def test_a_host_that_is_not_here_is_one_line(run: Run, tiny: Path) -> None:
    told = failure(run("up", "--host", "192.0.2.1", "--port", "0"))
    assert told.startswith("port 0 of 192.0.2.1 is not available (")
    assert told.endswith("choose another --port, or a --host of this machine")


def test_the_help_says_how_many_requests_a_model_answers_at_once(run: Run) -> None:
    told = " ".join(run("up", "--help").stdout.split())
    assert "requests at once (default: ten)" in told


def test_a_stage_that_no_model_has_is_one_line(run: Run, tiny: Path) -> None:
    (tiny / "functions" / "tiny" / "model.yaml").write_text("stages: {prod: {limits: {max_instances: 1}}}\n")
    assert failure(run("up", "--stage", "prdo")) == "no model.yaml has the stage 'prdo': the stages are prod"


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
    told = failure(run("up"))
    assert told.endswith("has no version of one, two: run `modelet up --publish` to publish them first")


def test_a_project_without_models_says_how_to_begin(run: Run) -> None:
    assert failure(run("up")) == "no models in functions/ yet: create one with `modelet new NAME`"


def test_publish_makes_the_missing_versions_first(tiny: Path) -> None:
    (tiny / "functions" / "tiny" / "train.py").write_text(TRAIN)
    (tiny / ".modelet").rename(tiny / "elsewhere")
    with served("--publish") as (_, [row]):
        assert ask(f"{row[2]}/infer", GOOD)["label"] == "high"
    assert (tiny / ".modelet" / "store" / "tiny" / "1" / "model.json").is_file()


def test_reload_serves_what_was_written(tiny: Path) -> None:
    app = tiny / "functions" / "tiny" / "app.py"
    with served("--reload") as (process, [row]):
        ask(f"{row[2]}/infer", GOOD)
        app.write_text(app.read_text().replace("Le(1000)", "Le(3)"))
        reloaded(process, "app.py")
        assert refusal(row[2]) == 422


def versions_of(url: str, calls: int) -> set[str]:
    """The versions that answer calls made at once."""
    with ThreadPoolExecutor(calls) as callers:
        answers = callers.map(lambda _: ask(f"{url}/infer", {"instances": [GOOD]}), range(calls))
        return {answer["version"] for answer in answers}


def publish_again(tiny: Path) -> None:
    """Version 2, which says low where version 1 says high."""
    graph = onnx_bytes(LogisticRegression().fit(INPUTS, LABELS[::-1]))
    write_version(Store(f"{tiny.as_uri()}/.modelet/store"), {"model.onnx": graph}, version="2")


@pytest.mark.parametrize("pinned", [False, True])
def test_what_it_serves_stays_whatever_other_commands_do_meanwhile(run: Run, tiny: Path, pinned: bool) -> None:
    if pinned:
        run("pin", "tiny")
    with served() as (_, [row]):
        assert versions_of(row[2], 1) == {"1"}
        publish_again(tiny)
        if pinned:
            assert run("pin", "tiny", "2").exit_code == 0
        assert run("bundle", "tiny").exit_code == 0
        # More calls at once than there are environments: new ones start, after the other commands and while one runs.
        with ThreadPoolExecutor(1) as beside:
            asked = beside.submit(run, "infer", "tiny", json.dumps(GOOD))
            assert versions_of(row[2], 4) == {"1"}
            assert json.loads(asked.result().stdout)["label"] == "low"
        with served() as (_, [other]):
            assert other[1] == "2"
            assert versions_of(other[2], 2) == {"2"}
            assert versions_of(row[2], 6) == {"1"}
        assert versions_of(row[2], 8) == {"1"}
        assert ask(f"{row[2]}/infer", GOOD)["label"] == "high"


def test_edits_do_not_reach_what_is_served_and_are_told_once(run: Run, tiny: Path) -> None:
    app = tiny / "functions" / "tiny" / "app.py"
    with served() as (process, [row]):
        assert versions_of(row[2], 1) == {"1"}
        for source in (app.read_text() + "# edited\n", "raise ValueError('half an edit')\n", ""):
            app.write_text(source)
            time.sleep(0.3)
        assert run("pin", "tiny").exit_code == 0
        # More calls at once than there are environments: new ones start, after the edits.
        assert versions_of(row[2], 6) == {"1"}
        assert ask(f"{row[2]}/infer", GOOD)["label"] == "high"
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=20)
    told = [line.split(":")[0] for line in log.splitlines() if "--reload" in line]
    assert told == ["tiny | app.py changed", "tiny | model.lock changed"]


def test_what_cannot_start_is_said_instead_of_the_table(run: Run, tiny: Path) -> None:
    run("pin", "tiny")
    (tiny / "functions" / "tiny" / "app.py").write_text(
        APP.replace("onnx import OnnxModel", "sklearn import SklearnModel as OnnxModel")
    )
    assert "cannot open model.onnx of version 1: use another" in failure(run("up"))
    (tiny / "functions" / "tiny" / "app.py").write_text(APP)
    (tiny / ".modelet" / "store" / "tiny" / "1" / "model.onnx").unlink()
    assert "lacks model.onnx of tiny version 1" in failure(run("up"))
    publish_again(tiny)
    (tiny / ".modelet" / "store" / "tiny" / "1" / "model.json").unlink()
    assert "has no version '1'" in failure(run("up"))


def test_a_reload_keeps_the_version_that_was_pinned_in_memory(tiny: Path) -> None:
    app = tiny / "functions" / "tiny" / "app.py"
    with served("--reload") as (process, [row]):
        assert versions_of(row[2], 1) == {"1"}
        publish_again(tiny)
        app.write_text(app.read_text().replace("Le(1000)", "Le(3)"))
        reloaded(process, "app.py")
        assert refusal(row[2]) == 422
        assert ask(f"{row[2]}/infer", {"instances": [{"a": 0, "b": 1}]})["version"] == "1"
        (tiny / "functions" / "tiny" / "model.yaml").write_text("version: '2'\n")
        reloaded(process, "model.yaml")
        wait_until(lambda: ask(f"{row[2]}/infer", {"instances": [{"a": 0, "b": 1}]})["version"] == "2")


def test_nothing_of_a_run_is_left(tiny: Path) -> None:
    run_folders = tiny / ".modelet" / "run"
    with served() as (process, [row]):
        ask(f"{row[2]}/infer", GOOD)
        bundles = {path.name for path in run_folders.glob("*/*.json")}
        assert len(bundles) == 1
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert [path.name for path in run_folders.iterdir()] == ["turn"]


def test_pages_of_an_allowed_origin_read_answers_and_others_do_not(tiny: Path) -> None:
    page, other = "http://localhost:3000", "http://localhost:3001"
    with served("--cors-origin", "https://app.example", "--cors-origin", page) as (_, [row]):
        url = f"{row[2]}/infer"
        asked = {"Origin": page, "Access-Control-Request-Method": "POST"}
        preflight = httpx.options(url, headers=asked)
        assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, page)
        assert "access-control-allow-origin" not in httpx.options(url, headers={**asked, "Origin": other}).headers
        for body, status in ((GOOD, 200), ({"a": "x", "b": 1}, 422)):
            answer = httpx.post(url, json=body, headers={"Origin": page}, timeout=20)
            assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, page)
            assert answer.headers["access-control-expose-headers"] == "*"
        refused = httpx.post(url, json=GOOD, headers={"Origin": other}, timeout=20)
        assert "access-control-allow-origin" not in refused.headers


def test_a_star_allows_every_origin_and_without_the_option_there_is_none(tiny: Path) -> None:
    origin = {"Origin": "https://any.example"}
    with served("--cors-origin", "*") as (_, [row]):
        answer = httpx.post(f"{row[2]}/infer", json=GOOD, headers=origin, timeout=20)
        assert answer.headers["access-control-allow-origin"] == "*"
    with served() as (_, [row]):
        answer = httpx.post(f"{row[2]}/infer", json=GOOD, headers=origin, timeout=20)
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("origin", ["localhost:3000", "https://app.example/", "https://a b", "ftp://app.example", ""])
def test_what_is_no_origin_is_a_wrong_command_line(run: Run, tiny: Path, origin: str) -> None:
    result = run("up", "--cors-origin", origin)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is not an origin: give only scheme, host and port" in result.stderr


def test_a_rest_api_says_that_it_has_no_origins(run: Run, tiny: Path) -> None:
    result = run("up", "--api", "rest", "--cors-origin", "*")
    assert result.exit_code == 2
    assert "--cors-origin needs --api http" in result.stderr


def test_a_terminal_gets_a_table_and_a_curl_line_that_works(tiny: Path) -> None:
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    command = [*COMMAND, "up", "--port", "0"]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environ) as process:
        os.close(theirs)
        seen = ""
        while "press Ctrl-C to stop" not in seen:
            seen += os.read(ours, 65_536).decode()
        shown = [line.split() for line in ESCAPE.sub("", seen).splitlines() if line.strip()]
        assert shown[0] == ["Model", "Version", "URL"]
        assert set("".join(shown[1])) == {"─"}
        name, version, url = shown[2]
        assert (name, version) == ("tiny", "1")
        assert "\x1b[36mtiny" in seen
        (curl,) = [line for line in ESCAPE.sub("", seen).splitlines() if line.startswith("curl ")]
        words = shlex.split(curl)
        assert words[:2] == ["curl", f"{url}/infer"]
        assert ask(words[1], json.loads(words[-1]))["label"] == "high"
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(OSError):  # Linux: the terminal's other end was closed
            while os.read(ours, 65_536):
                pass
    os.close(ours)


def test_a_curl_line_is_never_folded(tiny: Path) -> None:
    from modelet.dev.cli.welcome import curl

    event = tiny / "events" / "tiny" / "infer.json"
    event.write_text(json.dumps(rows_event({"text": "it's " + "long " * 50})))
    line = curl("http://127.0.0.1:8000/models/tiny", event)
    assert "\n" not in line
    assert json.loads(shlex.split(line)[-1])["text"].startswith("it's long")
    event.write_text("{}")
    assert curl("http://127.0.0.1:8000/models/tiny", event) == "curl http://127.0.0.1:8000/models/tiny"


@pytest.mark.parametrize("path", sorted((ROOT / "events").glob("*/infer.json")), ids=lambda path: path.parent.name)
def test_a_printed_command_sends_what_the_sample_event_has(path: Path) -> None:
    from modelet.dev.cli.welcome import curl

    given = json.loads(path.read_text())
    words = shlex.split(curl("http://127.0.0.1:8000/models/m", path))
    sent = urlsplit(words[1])
    assert (sent.path, sent.query) == ("/models/m/infer", given.get("rawQueryString", ""))
    assert json.loads(words[-1]) == json.loads(given["body"])


BATCHES = """
import json, os
import boto3

def handler(event, context):
    tables = boto3.client("dynamodb").list_tables()["TableNames"]
    said = {"route": event["routeKey"], "parameters": event["pathParameters"], "tables": tables}
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(said)}
"""


@pytest.fixture
def with_batches(tiny: Path) -> Path:
    """The project with batches of its model, and a tiny platform function."""
    (tiny / "functions" / "batches").mkdir()
    (tiny / "functions" / "batches" / "app.py").write_text(BATCHES)
    (tiny / "functions" / "tiny" / "model.yaml").write_text("backend: onnx\nbatch: {}\n")
    return tiny


def test_the_first_batch_starts_the_emulator_and_a_signal_ends_it_with_its_data_kept(with_batches: Path) -> None:
    home = with_batches / ".modelet" / "emulator"
    with served() as (process, [row]):
        assert ask(f"{row[2]}/infer", GOOD)["label"] == "high"
        assert not home.exists()
        answer = httpx.get(f"{row[2]}/batches/7", timeout=60).json()
        assert answer["route"] == "ANY /models/{name}/batches/{id}"
        assert answer["parameters"] == {"name": "tiny", "id": "7"}
        assert answer["tables"] == ["local-control", "local-tiny-predictions"]
        started = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=20)
        assert "emulator | starting the AWS emulator: tables, files and queued jobs are kept" in log
        assert "Traceback" not in log
        assert not psutil.wait_procs(started, timeout=10)[1]
    assert (home / "state" / "dynamodb.json").is_file()


def test_a_killed_modelet_up_leaves_no_emulator_and_loses_no_table(with_batches: Path) -> None:
    with served() as (process, [row]):
        httpx.get(f"{row[2]}/batches", timeout=60)
        started = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        assert not psutil.wait_procs(started, timeout=10)[1]
    assert (with_batches / ".modelet" / "emulator" / "state" / "dynamodb.json").is_file()
