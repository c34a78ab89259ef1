"""The project: folders become models, and what cannot is said in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from modelet.dev.project.project import Function, Project
from modelet.dev.project.spec import ModelSpec
from modelet.errors import BundleError, CommandError, SpecError

if TYPE_CHECKING:
    from pathlib import Path


def project(root: Path, *folders: str) -> Project:
    (root / "functions").mkdir()
    for folder in folders:
        (root / "functions" / folder).mkdir()
        (root / "functions" / folder / "model.yaml").write_text("version: 1\n")
    return Project(root)


def test_a_project_is_found_from_any_folder_in_it(tmp_path: Path) -> None:
    project(tmp_path, "toy")
    assert Project.find(tmp_path / "functions" / "toy") == Project(tmp_path)


def test_no_project_is_one_line_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"no functions/ folder in .* or its parents: .*`mkdir functions`$"):
        Project.find(tmp_path)


def test_folders_with_a_model_yaml_are_models_named_with_hyphens(tmp_path: Path) -> None:
    found = project(tmp_path, "breast_cancer", "toy")
    (tmp_path / "functions" / "models_index").mkdir()
    (tmp_path / "functions" / "model.schema.json").write_text("{}")
    assert [function.name for function in found.functions()] == ["breast-cancer", "toy"]
    assert found.functions()[0].folder == tmp_path / "functions" / "breast_cancer"


@pytest.mark.parametrize("name", ["breast-cancer", "breast_cancer"])
def test_a_model_is_found_by_its_name_and_by_its_folders(tmp_path: Path, name: str) -> None:
    function = project(tmp_path, "breast_cancer").function(name)
    assert (function.name, function.folder.name, function.spec.version) == ("breast-cancer", "breast_cancer", "1")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("breast-canser", "no model 'breast-canser' in functions/: did you mean breast-cancer?"),
        ("zzz", "no model 'zzz' in functions/: the models are breast-cancer, toy"),
    ],
)
def test_an_unknown_model_is_answered_with_what_there_is(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(CommandError) as caught:
        project(tmp_path, "toy", "breast_cancer").function(name)
    assert str(caught.value) == said


def test_an_empty_project_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"there are none yet: run `modelet new toy`$"):
        project(tmp_path).function("toy")


def test_two_folders_that_give_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"functions/a-b and functions/a_b both name the model a-b: rename one"):
        project(tmp_path, "a_b", "a-b").functions()


@pytest.mark.parametrize("folder", ["Toy", "2toy", "to y", "töy", "t" * 64])
def test_a_folder_that_cannot_name_a_model_is_refused(tmp_path: Path, folder: str) -> None:
    with pytest.raises(CommandError, match=rf"functions/{folder} is not a valid model folder: rename it"):
        project(tmp_path, folder).functions()


def test_a_wrong_spec_of_another_model_does_not_stand_in_the_way(tmp_path: Path) -> None:
    here = project(tmp_path, "toy", "broken")
    (tmp_path / "functions" / "broken" / "model.yaml").write_text("nope: 1\n")
    assert here.function("toy").name == "toy"
    with pytest.raises(SpecError, match=r"functions/broken/model\.yaml: unknown key 'nope'"):
        here.functions()


def test_a_function_knows_its_files(tmp_path: Path) -> None:
    function = Function(tmp_path / "toy", ModelSpec())
    function.folder.mkdir()
    assert (function.has_app, function.lock()) == (False, None)
    (function.folder / "app.py").touch()
    function.lock_path.write_text(f'{{"model": "toy", "version": "3", "manifest_sha256": "{"0" * 64}"}}\n')
    assert function.has_app
    assert (lock := function.lock()) is not None
    assert (lock.version, lock.manifest_sha256) == ("3", "0" * 64)
    assert (function.bundle_path.name, function.lock_path.name) == ("bundle.json", "model.lock")


def test_a_damaged_lock_is_named_with_its_folder(tmp_path: Path) -> None:
    function = project(tmp_path, "toy").function("toy")
    function.lock_path.write_text("{")
    with pytest.raises(BundleError, match=r"functions/toy/model\.lock is not a valid lock"):
        function.lock()


def test_the_store_is_the_projects_own_unless_one_is_given(tmp_path: Path) -> None:
    here = project(tmp_path)
    assert here.store_url(None) == f"{tmp_path.as_uri()}/.modelet/store"
    assert here.store_url("s3://bucket/models") == "s3://bucket/models"


@pytest.mark.parametrize("given", ["./store", "https://example.com", "", "file://store"])
def test_what_is_no_store_is_refused_with_the_forms_that_are(tmp_path: Path, given: str) -> None:
    with pytest.raises(CommandError, match=r"is not the URL of a store: give file:///… or s3://bucket/prefix"):
        project(tmp_path).store_url(given)
