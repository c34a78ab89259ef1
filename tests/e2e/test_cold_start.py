"""What an online cold start loads: users pay for every import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modelet.dev.local.prepare import local_function
from modelet.dev.project.project import Project
from modelet.store.store import Store

SCRIPT = """
import json, sys, uuid
sys.path.insert(0, ".")
import awslambdaric.bootstrap
import modelet.app as app

class Context:
    aws_request_id, invoked_function_arn = str(uuid.uuid4()), "arn"
    def get_remaining_time_in_millis(self):
        return 9000

before = set(sys.modules)
event = json.load(open(sys.argv[1]))
status = app.handler(event, Context())["statusCode"]
print(json.dumps({"status": status, "modules": sorted(sys.modules), "first_call": sorted(set(sys.modules) - before)}))
"""
NEVER = {
    "aws_lambda_powertools", "boto3", "botocore", "click", "fastapi", "joblib", "mangum", "pandas", "rich", "scipy",
    "sklearn", "skl2onnx", "onnx", "starlette", "uvicorn", "yaml",
}  # fmt: skip
LAZY = {"asyncio", "concurrent", "email", "multiprocessing", "ssl", "unittest", "urllib.request", "xml"}
"""Parts of the standard library that cost milliseconds and that nothing on the path needs."""


def loaded(project: Project, name: str, event: str, **variables: str) -> dict[str, Any]:
    """The status and the modules of one environment after its first answer."""
    function = local_function(project.function(name), Store(project.store_url(None)))
    path = project.root / "events" / function.folder.name / f"{event}.json"
    environment = {
        "PATH": os.environ["PATH"],
        "LAMBDA_TASK_ROOT": str(function.folder),
        **function.environment,
        **variables,
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path)],
        cwd=function.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def roots(modules: list[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


@pytest.mark.parametrize("event", ["infer", "infer_batch", "infer_invalid", "ready"])
def test_a_compiled_contract_is_served_without_pydantic_or_anything_else_that_is_not_needed(
    published: Project, event: str
) -> None:
    found = loaded(published, "sentiment", event)
    assert not roots(found["modules"]) & (NEVER | {"pydantic"})
    assert not set(found["modules"]) & {*LAZY, "pydantic_core.core_schema"}
    assert not [name for name in found["modules"] if name.startswith(("modelet.dev", "modelet.registry"))]


def test_the_first_answer_imports_nothing_more(published: Project) -> None:
    assert loaded(published, "sentiment", "infer")["first_call"] == []


def test_a_contract_that_needs_pydantic_loads_it_and_nothing_else(published: Project) -> None:
    found = roots(loaded(published, "breast-cancer", "infer")["modules"])
    assert "pydantic" in found
    assert not found & NEVER


def test_a_planted_import_is_seen(published: Project, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(published.root, tmp_path / "copy", ignore=shutil.ignore_patterns("__pycache__", "done"))
    project = Project(tmp_path / "copy")
    app = project.function("sentiment").folder / "app.py"
    app.write_text("import yaml\n" + app.read_text())
    assert "yaml" in roots(loaded(project, "sentiment", "infer")["modules"])


def test_serving_leaves_no_file_behind(published: Project, tmp_path: Path) -> None:
    """onnxruntime's Linux builds would keep a device id in the home folder, and report each session."""
    home = tmp_path / "home"
    home.mkdir()
    found = loaded(published, "sentiment", "infer", HOME=str(home), TMPDIR=str(home))
    assert found["status"] == 200
    assert list(home.rglob("*")) == []
