"""`modelet new`: what it writes passes the gate at once, and what cannot be written leaves nothing."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from aws_lambda_powertools.utilities.parser.models import APIGatewayProxyEventModel, APIGatewayProxyEventV2Model
from hypothesis import given
from hypothesis import strategies as st

from modelet.backends import BACKENDS, DEFAULT
from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.bundle.requirements import lacking
from modelet.dev.cli.new import KINDS
from modelet.dev.cli.new import TASKS as OFFERED
from modelet.dev.project.project import Project
from modelet.dev.publish.parity.served import TASKS as SERVED
from modelet.dev.scaffold.name import Name
from modelet.dev.scaffold.scaffold import TASKS, TEMPLATES, write_scaffold
from modelet.errors import CommandError
from modelet.publishing import pin, publish
from modelet.store.keys import is_model
from modelet.store.store import Store

ROOT = Path(__file__).parents[5]
WITH_FILES = [record.name for record in BACKENDS.values() if record.ending]
"""The backends whose versions have a file; the others have kinds of models."""
OF_EVERY_MODEL = ("functions/test_events.py", "functions/test_every_model.py", "architecture/test_requirements.py")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "functions").mkdir()
    return Project(tmp_path)


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))


@pytest.fixture(scope="module", params=[*WITH_FILES, *KINDS, "question-answering"])
def gated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository like this one with one new model in it."""
    root = tmp_path_factory.mktemp("repository")
    (root / "functions").mkdir()
    (root / "layers").symlink_to(ROOT / "layers")
    (root / "infra").symlink_to(ROOT / "infra")
    (root / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    (root / "requirements").symlink_to(ROOT / "requirements")
    for test in (
        ROOT / "tests" / "conftest.py",
        *(ROOT / "tests" / "support").glob("*.py"),
        *(ROOT / "tests" / name for name in OF_EVERY_MODEL),
    ):
        (root / test.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
        (root / test.relative_to(ROOT)).write_bytes(test.read_bytes())
    task = request.param if request.param in TASKS else None
    kind = request.param if request.param in KINDS else None
    write_scaffold(Project(root), "review-mood", DEFAULT if task or kind else request.param, task, kind)
    return root


def tool(root: Path, *command: str) -> None:
    environ = {**os.environ, "PYTHONPATH": str(root / "layers" / "modelet" / "python")}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=root, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_files_are_where_the_layout_wants_them(project: Project) -> None:
    made = write_scaffold(project, "review-mood", "onnx")
    assert made.name == "review-mood"
    assert sorted(path.relative_to(project.root).as_posix() for path in made.paths) == [
        "events/review_mood/infer.json",
        "events/review_mood/infer_batch.json",
        "events/review_mood/infer_invalid.json",
        "events/review_mood/infer_rest.json",
        "events/review_mood/ready.json",
        "functions/review_mood/app.py",
        "functions/review_mood/model.yaml",
        "functions/review_mood/requirements-train.txt",
        "functions/review_mood/requirements.txt",
        "functions/review_mood/train.py",
        "tests/functions/test_review_mood.py",
    ]
    assert all(path.read_text().endswith("\n") and "$name" not in path.read_text() for path in made.paths)


@pytest.mark.parametrize("backend", WITH_FILES)
def test_its_spec_is_right_and_says_its_backend(project: Project, backend: str) -> None:
    write_scaffold(project, "churn", backend)
    assert project.function("churn").spec.backend == backend


@pytest.mark.parametrize("backend", WITH_FILES)
def test_its_events_are_lambda_events(project: Project, backend: str) -> None:
    write_scaffold(project, "churn", backend)
    events = project.root / "events" / "churn"
    for path in events.glob("*.json"):
        model = APIGatewayProxyEventModel if path.stem == "infer_rest" else APIGatewayProxyEventV2Model
        model.model_validate_json(path.read_text())
    assert json.loads((events / "infer.json").read_text())["rawPath"] == "/models/churn/infer"
    assert "body" not in json.loads((events / "ready.json").read_text())


@pytest.mark.parametrize("backend", WITH_FILES)
def test_what_it_runs_is_pinned_at_what_is_installed(project: Project, backend: str) -> None:
    write_scaffold(project, "churn", backend)
    text = (project.root / "functions" / "churn" / "requirements.txt").read_text()
    ours, *pins = [line for line in text.splitlines() if not line.startswith("#")]
    assert ours == f"modelet[{backend}]"
    pinned = dict(pin.split("==") for pin in pins)
    assert {"obstore", "pydantic-core", *BACKENDS[backend].libraries.values()} <= set(pinned)
    assert pinned == {name: version(name) for name in pinned}


@pytest.mark.parametrize("task", TASKS)
def test_a_model_of_each_task_is_published_and_pins_what_it_runs(project: Project, task: str) -> None:
    write_scaffold(project, "people", DEFAULT, task)
    function, store = project.function("people"), Store(project.store_url(None))
    publish(function, store)
    write_bundle(function, store, pin(function, store))
    text = (function.folder / "requirements.txt").read_text()
    ours, *pins = [line for line in text.splitlines() if not line.startswith("#")]
    assert ours == "modelet[onnx,texts]"
    assert dict(pin.split("==") for pin in pins).items() >= {("tokenizers", version("tokenizers"))}
    tool(project.root, "ruff", "format", "--check", "--line-length=120", "functions", "tests")


def test_the_command_offers_the_kinds_that_have_templates() -> None:
    assert sorted(path.name for path in (TEMPLATES / "kinds").iterdir()) == sorted(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_of_each_kind_is_served_and_pins_what_it_runs(project: Project, kind: str) -> None:
    write_scaffold(project, "people", DEFAULT, kind=kind)
    function, store = project.function("people"), Store(project.store_url(None))
    publish(function, store)
    bundled = write_bundle(function, store, pin(function, store))
    assert lacking(function.folder / "requirements.txt", bundled.bundle) == []
    text = (function.folder / "requirements.txt").read_text()
    _, *pins = [line for line in text.splitlines() if not line.startswith("#")]
    pinned = dict(each.split("==") for each in pins)
    assert pinned == {name: version(name) for name in pinned}


def test_the_command_offers_the_tasks_that_have_templates() -> None:
    assert list(TASKS) == list(OFFERED) == list(SERVED)


def test_catboost_has_an_image_of_its_own_which_differs_from_the_shared_one_in_what_pip_installs(
    project: Project,
) -> None:
    write_scaffold(project, "churn", "catboost")
    own = (project.root / "functions" / "churn" / "Dockerfile").read_text()
    shared = (ROOT / "functions" / "Dockerfile").read_text()
    said = "pip install --quiet --no-compile --target /var/task"
    start = "# Two targets:"
    assert shared.count(said) == 1
    expected = shared[shared.index(start) :].replace(said, said.replace("--quiet", "--quiet --no-deps"))
    assert own[own.index(start) :] == expected
    assert "functions/churn/Dockerfile" in own[: own.index(start)]


@pytest.mark.parametrize("backend", [backend for backend in WITH_FILES if backend != "catboost"])
def test_the_others_have_the_shared_image(project: Project, backend: str) -> None:
    write_scaffold(project, "churn", backend)
    assert not (project.root / "functions" / "churn" / "Dockerfile").exists()


def test_it_is_formatted_and_lints(gated: Path) -> None:
    tool(gated, "ruff", "format", "--check", "functions", "tests")
    tool(gated, "ruff", "check", "functions", "tests")


def test_its_types_are_strict(gated: Path) -> None:
    written = ["functions"] if list((gated / "functions").rglob("*.py")) else []
    tool(gated, "mypy", *written, "tests/functions/test_review_mood.py")


def test_its_own_tests_and_those_of_every_model_pass(gated: Path) -> None:
    tool(gated, "pytest", "-q", "-p", "no:cacheprovider", "tests/functions", "tests/architecture")
    assert not list((gated / "functions").rglob("bundle.json")), "a test leaves the author's folder as it was"


@pytest.mark.parametrize(
    "name", ["Churn", "2fast", "a b", "a--b", "-a", "a-", "ä", "", "a/b", "../up", "a" * 64, "a.b", "a\nb"]
)
def test_what_cannot_name_a_model_is_refused(project: Project, name: str) -> None:
    with pytest.raises(
        CommandError, match="is not a valid model name: use lower-case letters, digits and single hyphens"
    ):
        write_scaffold(project, name, "onnx")
    assert files(project.root) == ["functions"]


@pytest.mark.parametrize(("name", "near"), [("Churn", "churn"), ("My Model", "my-model"), ("2fast", "fast")])
def test_a_name_that_nearly_fits_is_answered_with_one_that_does(project: Project, name: str, near: str) -> None:
    with pytest.raises(CommandError, match=rf"such as {near}$"):
        write_scaffold(project, name, "onnx")


@pytest.mark.parametrize(
    "name", ["class", "import", "lambda", "app", "train", "models-index", "release-check", "tests"]
)
def test_a_word_of_python_or_of_the_project_is_refused(project: Project, name: str) -> None:
    with pytest.raises(CommandError, match="is reserved by Python or by the project: choose another name"):
        write_scaffold(project, name, "onnx")


@pytest.mark.parametrize("name", ["json", "numpy", "sklearn", "modelet", "random"])
def test_a_name_that_would_hide_a_module_is_refused(project: Project, name: str) -> None:
    with pytest.raises(CommandError, match="would hide the Python module of that name: choose another name"):
        write_scaffold(project, name, "onnx")


@pytest.mark.parametrize(
    "taken", ["functions/re_view", "functions/re-view", "events/re_view", "tests/functions/test_re_view.py"]
)
def test_nothing_that_exists_is_overwritten(project: Project, taken: str) -> None:
    (project.root / taken).mkdir(parents=True)
    before = files(project.root)
    with pytest.raises(CommandError, match=f"{taken} already exists: choose another name, or remove it first"):
        write_scaffold(project, "re-view", "onnx")
    assert files(project.root) == before


@pytest.mark.parametrize("blocked", ["events", "tests"])
def test_a_failed_write_leaves_nothing(project: Project, blocked: str) -> None:
    (project.root / blocked).write_text("a file where a folder should be")
    with pytest.raises(NotADirectoryError):
        write_scaffold(project, "churn", "onnx")
    assert files(project.root) == sorted([blocked, "functions"])


@given(st.from_regex(r"[a-z][a-z0-9]{0,8}([-_][a-z0-9]{1,8}){0,3}", fullmatch=True))
def test_a_name_that_is_taken_names_a_model_a_folder_and_a_class(
    tmp_path_factory: pytest.TempPathFactory, given: str
) -> None:
    try:
        name = Name.checked(given, Project(tmp_path_factory.getbasetemp()))
    except CommandError:
        return  # a keyword, or a module's name
    assert is_model(name.model)
    assert name.folder.isidentifier()
    assert isinstance(ast.parse(f"class {name.class_name}: ...").body[0], ast.ClassDef)
