"""The HTTP benchmark: what it accepts as a prediction, what it counts, and that it leaves nothing behind."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
import psutil
import pytest

from benchmarks import servers
from benchmarks.machine import rows
from benchmarks.server import Running, Server

ROOT = Path(__file__).parents[3]
SERVER = """
import json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
asked = 0
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        global asked
        asked += 1
        rows = json.loads(self.rfile.read(int(self.headers["content-length"])))["rows"]
        status = 503 if len(sys.argv) > 3 and asked % 2 == 0 else 200
        body = json.dumps({"labels": [sys.argv[2] for _ in rows]}).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def server(folder: Path, *words: str, source: str = SERVER) -> Server:
    (folder / "server.py").write_text(source)
    command = ("python", "server.py", "{port}", *words)
    home = Path(sys.executable).parents[1]
    return Server("tiny", command, "/predict", '{"rows": [[1, 2]]}', ("labels", 0), home, folder)


def test_a_server_with_right_answers_has_every_figure(tmp_path: Path) -> None:
    found = servers.measure(server(tmp_path, "setosa"), 0.1)
    assert found["not_200"] == 0
    assert all(found[name] > 0 for name in found if name != "not_200")
    assert found["p50_1_ms"] <= found["p99_1_ms"]
    assert "| tiny |" in servers.table(rows({"tiny": [found, found]}))
    assert not [each for each in psutil.Process().children() if "server.py" in each.cmdline()]


def test_a_wrong_label_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="predicts 'virginica', but 'setosa' is correct"):
        servers.measure(server(tmp_path, "virginica"), 0.1)


def test_answers_of_another_status_are_counted_and_have_no_part_in_the_latency(tmp_path: Path) -> None:
    with Running(server(tmp_path, "setosa", "refuses")) as running:
        running.first()
        load = running.load(2, 0.2)
    assert load.statuses[503] > 0
    assert len(load.latencies) == load.statuses[200] > 0


def test_a_server_that_ends_says_why(tmp_path: Path) -> None:
    broken = server(tmp_path, source="raise SystemExit('no model here')")
    with Running(broken) as running, pytest.raises(RuntimeError, match="no model here"):
        running.first()


def test_an_answer_of_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="tiny answers"):
        server(tmp_path).predicted(json.dumps({"labels": []}).encode())


def test_a_name_that_is_no_servers_is_refused(tmp_path: Path) -> None:
    tiny = server(tmp_path)
    assert servers.chosen([tiny], ["TIN"]) == [tiny]
    with pytest.raises(click.UsageError, match="there are tiny"):
        servers.chosen([tiny], ["huge"])


def test_an_environment_that_is_not_made_yet_names_the_way_to_it(tmp_path: Path) -> None:
    with pytest.raises(click.ClickException, match="make bench"):
        servers.arrange(tmp_path, [tmp_path / "nobody"])


@pytest.mark.parametrize("pins", sorted((ROOT / "requirements/bench").glob("*.txt")), ids=lambda path: path.stem)
def test_every_server_has_the_libraries_that_the_model_was_trained_with(pins: Path) -> None:
    stated = {line for line in pins.read_text().splitlines() if line.startswith(("joblib=", "numpy=", "scikit-learn="))}
    assert stated == {
        line
        for line in (ROOT / "requirements/dev.txt").read_text().splitlines()
        if line.startswith(("joblib=", "numpy=", "scikit-learn="))
    }
