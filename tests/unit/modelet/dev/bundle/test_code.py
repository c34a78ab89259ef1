"""The version of a function's code: the same code has the same one, and each change of an answer another."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelet.dev.bundle.code import LEFT_OUT, NOT_IN_IMAGE, NOTEBOOK, code_version
from modelet.dev.project.project import Function, Project
from modelet.errors import CommandError


@pytest.fixture
def function(tmp_path: Path) -> Function:
    folder = tmp_path / "functions" / "rules"
    (folder / "tables").mkdir(parents=True)
    (folder / "model.yaml").write_text("version: code\nbackend: python\n")
    (folder / "app.py").write_text("LIMIT = 1\n")
    (folder / "tables" / "rates.csv").write_text("1\n")
    (folder / "requirements.txt").write_text("modelet[python]\n")
    return Project(tmp_path).function("rules")


def test_its_name_is_that_of_a_version(function: Function) -> None:
    assert code_version(function).startswith("code-")
    assert len(code_version(function)) == len("code-") + 12


@pytest.mark.parametrize("path", ["app.py", "tables/rates.csv", "requirements.txt", "more.py", "tables/more.json"])
def test_each_file_that_the_answers_may_depend_on_changes_it(function: Function, path: str) -> None:
    before = code_version(function)
    (function.folder / path).write_text("changed\n")
    assert code_version(function) != before


def test_the_same_bytes_under_another_name_are_another_version(function: Function) -> None:
    before = code_version(function)
    (function.folder / "app.py").rename(function.folder / "rules.py")
    assert code_version(function) != before


@pytest.mark.parametrize(
    "path",
    ["bundle.json", "model.lock", "Dockerfile", "train.py", "requirements-train.txt", "training/fit.py", "look.ipynb",
     "__pycache__/app.pyc", ".idea/x", ".app.py.swp"],
)  # fmt: skip
def test_files_that_decide_no_answer_do_not_change_it(function: Function, path: str) -> None:
    before = code_version(function)
    (function.folder / path).parent.mkdir(exist_ok=True)
    (function.folder / path).write_text("changed\n")
    assert code_version(function) == before


def test_of_model_yaml_what_decides_the_answers_counts_and_not_where_it_runs(
    function: Function, tmp_path: Path
) -> None:
    before = code_version(function)
    spec = function.folder / "model.yaml"
    spec.write_text("version: code\nbackend: python\nresources: {memory_mb: 1024}\nbatch: {}\n# a comment\n")
    assert code_version(Project(tmp_path).function("rules")) == before
    spec.write_text("version: code\nbackend: python\npreprocessing: {module: app, function: f}\n")
    assert code_version(Project(tmp_path).function("rules")) != before


@pytest.mark.parametrize("path", ["rates.csv", "rates.parquet", "model/rates.json"])
def test_a_file_that_an_image_would_not_have_is_refused(function: Function, path: str) -> None:
    (function.folder / path).parent.mkdir(exist_ok=True)
    (function.folder / path).write_text("1\n")
    with pytest.raises(CommandError, match=f"functions/rules/{path} is left out of images.*tables/"):
        code_version(function)


@pytest.mark.parametrize("target", ["tables", "tables/rates.csv", "..", "absent"])
def test_a_link_is_refused_because_its_files_can_change_without_it(function: Function, target: str) -> None:
    (function.folder / "more").symlink_to(target)
    with pytest.raises(CommandError, match="functions/rules/more is a symbolic link"):
        code_version(function)


def test_what_images_leave_out_is_known() -> None:
    lines = (Path(__file__).parents[5] / ".dockerignore").read_text().splitlines()
    kept_out = {line.removeprefix("functions/*/") for line in lines if line.startswith("functions/*/")}
    assert kept_out <= {*LEFT_OUT, *NOT_IN_IMAGE, NOTEBOOK}
