"""profile: where a cold start goes and what to change, for a person, a pipe and a program."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from support.commands import failure, lines
from support.events import rows_event
from support.projects import APP, BAD, GOOD, make_tiny

Run = Callable[..., Result]
STAGES = ["interpreter", "runtime client", "imports", "fetch", "load", "first inference"]
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@pytest.fixture
def tiny(project: Path) -> Path:
    """The project with one model, tiny, that imports requests; it has its event."""
    (project / "functions").rmdir()
    make_tiny(project, app=f"import requests\n{APP}")
    (project / "events" / "tiny").mkdir(parents=True)
    (project / "events" / "tiny" / "infer.json").write_text(json.dumps(rows_event(GOOD)))
    return project


def test_a_pipe_gets_lines_that_say_what_they_are(run: Run, tiny: Path) -> None:
    found = lines(run("profile", "tiny", "--runs", "1"))
    assert [row[1] for row in found if row[0] == "stage"] == STAGES
    [whole] = [row for row in found if row[0] == "total"]
    assert all(float(figure) > 0 for figure in whole[2:])
    imports = [row for row in found if row[0] == "import"]
    assert {row[1] for row in imports} == {"yours", "modelet", "runtime"}
    [requests] = [row for row in imports if row[4] == "requests"]
    assert (requests[1], requests[5]) == ("yours", "functions/tiny/app.py:1")
    assert float(requests[2]) >= float(requests[3])
    assert ["advice", "import", "functions/tiny/app.py:1"] in [[*row[:2], row[3]] for row in found]


def test_imports_are_shown_from_a_cost_on_and_all_of_them_if_asked(run: Run, tiny: Path) -> None:
    def shown(*options: str) -> list[float]:
        found = lines(run("profile", "tiny", "--runs", "1", *options))
        return [float(row[2]) for row in found if row[0] == "import"]

    some, few, everything = shown(), shown("--min", "8"), shown("--all")
    assert 0 < len(few) < len(some) < len(everything)
    assert min(some) >= 1
    assert min(few) >= 8
    assert min(everything) < 1


def test_a_program_gets_json(run: Run, tiny: Path) -> None:
    result = run("profile", "tiny", "--runs", "2", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert (found["model"], found["version"], found["runs"], found["status"]) == ("tiny", "1", 2, 200)
    assert found["event"] == "events/tiny/infer.json"
    assert [stage["name"] for stage in found["stages"]] == STAGES
    assert found["advice"][0]["where"] == "functions/tiny/app.py:1"
    assert "2 measured starts" in result.stderr.splitlines()


def test_a_person_sees_a_table_a_tree_and_what_to_do(show: Callable[..., str], tiny: Path) -> None:
    seen = ESCAPES.sub("", show("profile", "tiny", "--runs", "1"))
    for said in ("Stage", "CPU ms", *STAGES, "imports that modelet needs", "└── ", "imports requests", "instead: "):
        assert said in seen
    assert "functions/tiny/app.py:1 imports requests" in seen


def test_a_clean_function_has_nothing_to_change(run: Run, tiny: Path) -> None:
    app = tiny / "functions" / "tiny" / "app.py"
    app.write_text(
        APP.replace("from annotated_types", "from modelet.typing").replace("typing_extensions", "modelet.typing")
    )
    assert lines(run("profile", "tiny", "--runs", "1"))[-1] == ["advice", "-", "-", "-", "nothing to change"]


def test_without_an_event_the_init_is_measured_and_that_is_said(run: Run, tiny: Path) -> None:
    (tiny / "events" / "tiny" / "infer.json").unlink()
    result = run("profile", "tiny", "--runs", "1")
    assert [row[1] for row in lines(result) if row[0] == "stage"] == [
        "interpreter",
        "runtime client",
        "imports",
        "load",
    ]
    assert result.stderr.splitlines()[-1] == (
        "events/tiny/infer.json does not exist, so only the init was measured: pass a file with --event"
    )


def test_another_event_can_be_given_and_a_refusal_is_said(run: Run, tiny: Path) -> None:
    (tiny / "bad.json").write_text(json.dumps(rows_event(BAD)))
    result = run("profile", "tiny", "--runs", "1", "-e", "bad.json")
    assert result.exit_code == 0
    assert result.stderr.splitlines()[-1] == ("bad.json got status 422, so the first inference is an error response")


def test_an_unknown_model_and_one_without_a_version_are_named(run: Run, tiny: Path) -> None:
    assert failure(run("profile", "tinny")) == "no model 'tinny' in functions/: did you mean tiny?"
    assert "tiny" in failure(run("profile", "tiny", "--store", f"{tiny.as_uri()}/nowhere"))


def test_an_init_that_fails_is_one_line_in_the_function_s_own_words(run: Run, tiny: Path) -> None:
    app = tiny / "functions" / "tiny" / "app.py"
    app.write_text(f"import os\nif '_HANDLER' in os.environ:\n    raise ValueError('no licence')\n{app.read_text()}")
    result = run("profile", "tiny")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1] == "error: tiny does not start: ValueError: no licence"


def test_it_leaves_no_file(run: Run, tiny: Path) -> None:
    def files() -> list[Path]:
        return sorted(path for path in tiny.rglob("*") if not {"__pycache__", ".modelet"} & set(path.parts))

    before = files()
    assert run("profile", "tiny", "--runs", "1").exit_code == 0
    assert files() == before
