"""What publish writes into the folder of a model without a class: what is missing, and no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.parser.models import APIGatewayProxyEventV2Model
from packaging.requirements import Requirement

from modelet.backends import BACKENDS
from modelet.dev.project.project import Function, Project
from modelet.dev.scaffold.complete import complete
from modelet.store.manifest import Column, FrameColumn, Manifest, Pickled
from support.services import manifest

FIRST: dict[str, Any] = {"a": 1.5, "b": "가"}
SECOND: dict[str, Any] = {"a": 2.5, "b": "x"}


@pytest.fixture
def function(tmp_path: Path) -> Function:
    (tmp_path / "functions/tiny").mkdir(parents=True)
    (tmp_path / "functions/tiny/model.yaml").write_text("backend: auto\n")
    return Project(tmp_path).function("tiny")


def version(**said: Any) -> Manifest:
    columns = (Column("a", "number"), Column("b", "string"))
    return manifest()._replace(columns=columns, features=("a", "b"), runtime={"my-lib": "1.2", "pandas": "9.9"}, **said)


def test_requirements_and_events_are_written_once(function: Function) -> None:
    root = function.folder.parent.parent
    made = complete(function, "onnx", version(), [FIRST, SECOND])
    assert sorted(path.relative_to(root).as_posix() for path in made) == [
        "events/tiny/infer.json",
        "events/tiny/infer_batch.json",
        "events/tiny/infer_invalid.json",
        "events/tiny/infer_rest.json",
        "events/tiny/ready.json",
        "functions/tiny/requirements.txt",
    ]
    event = APIGatewayProxyEventV2Model.model_validate_json((root / "events/tiny/infer.json").read_bytes())
    assert json.loads(str(event.body)) == FIRST
    invalid = json.loads(json.loads((root / "events/tiny/infer_invalid.json").read_text())["body"])
    assert invalid["instances"] == [FIRST, {**FIRST, "a": "not a value"}]
    (root / "events/tiny/infer.json").write_text("mine")
    assert complete(function, "onnx", version(), [FIRST, SECOND]) == []
    assert (root / "events/tiny/infer.json").read_text() == "mine"


def test_requirements_have_the_versions_that_the_model_needs(function: Function) -> None:
    pickled = Pickled({"mylib": "my-lib"}, {})
    frame = (FrameColumn("float64"), FrameColumn("str"))
    [path] = complete(function, "sklearn", version(pickled=pickled, frame=frame), [])
    lines = path.read_text().splitlines()[1:]
    assert lines[0] == "modelet[sklearn]"
    assert {"my-lib==1.2", "pandas==9.9"} < set(lines)
    assert all("==" in line for line in lines[1:])


def test_a_backend_with_a_dockerfile_of_its_own_gets_it_with_all_packages(function: Function) -> None:
    """The Dockerfile installs no dependencies: what is not listed would be missing in the image."""
    booster = version()._replace(model_lib="catboost", model_lib_version="1.2.3")
    dockerfile, requirements = sorted(complete(function, "catboost", booster, []))
    assert dockerfile == function.folder / "Dockerfile"
    text = dockerfile.read_text()
    assert "docker build -f functions/tiny/Dockerfile" in text
    assert "$$" not in text
    listed = [Requirement(line) for line in requirements.read_text().splitlines()[1:]]
    assert "catboost==1.2.3" in map(str, listed)
    unpinned = {each.name for each in listed if not each.specifier}
    assert unpinned == {"modelet"}
    assert {each.name for each in listed} - {"modelet"} == {
        *("annotated-types", "catboost", "numpy", "obstore", "pandas", "pydantic-core", "python-dateutil"),
        *("scipy", "six", "typing-extensions"),
    }


def test_requirements_of_an_author_get_no_dockerfile_that_needs_others(function: Function) -> None:
    (function.folder / "requirements.txt").write_text("modelet[catboost]\n")
    assert complete(function, "catboost", version(), []) == []


@pytest.mark.parametrize("backend", [name for name, record in BACKENDS.items() if record.ending and name != "catboost"])
def test_the_other_backends_have_the_shared_dockerfile(function: Function, backend: str) -> None:
    complete(function, backend, version(), [])
    assert [path.name for path in sorted(function.folder.iterdir())] == ["model.yaml", "requirements.txt"]


def test_an_invalid_text_is_a_number(function: Function) -> None:
    texts = version()._replace(columns=(Column("b", "string"),))
    complete(function, "onnx", texts, [{"b": "x"}, {"b": "y"}])
    event = json.loads((function.folder.parent.parent / "events/tiny/infer_invalid.json").read_text())
    assert json.loads(event["body"])["instances"][1] == {"b": 5}
