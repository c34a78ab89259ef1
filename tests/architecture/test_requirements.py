"""What functions and the layer run is what the tests run: all that they need, pinned to the versions installed here."""

from __future__ import annotations

from importlib.metadata import requires, version
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from modelet.backends import DEFAULT
from support.requirement_files import hashes, requirements

ROOT = Path(__file__).parents[2]
FUNCTIONS = sorted(path.parent for path in (ROOT / "functions").glob("*/model.yaml"))
LAYER = ROOT / "layers" / "modelet"
PLATFORM = ("aws-lambda-powertools", "fastapi", "mangum")
"""What platform functions import besides modelet; boto3 comes with Lambda's own runtime."""
EXCLUDED = frozenset((ROOT / "requirements" / "excluded.in").read_text().split())
"""What CatBoost asks for and does not need: its own Dockerfile installs no dependencies."""
TESTED = set(requirements(ROOT / "requirements" / "dev.txt"))


def stated(folder: Path) -> list[str]:
    return requirements(folder / "requirements.txt")


def needed(requirement: Requirement) -> set[str]:
    """The names of all that a requirement brings along on this machine."""
    found: set[str] = set()
    waiting = [requirement]
    while waiting:
        each = waiting.pop()
        extras = [{"extra": extra} for extra in (each.extras or {""})]
        for below in map(Requirement, requires(each.name) or []):
            marker: Marker | None = below.marker
            name = canonicalize_name(below.name)
            if name not in found | EXCLUDED and (marker is None or any(marker.evaluate(extra) for extra in extras)):
                found.add(name)
                waiting.append(below)
    return found - {canonicalize_name(requirement.name)}


@pytest.mark.parametrize("folder", FUNCTIONS, ids=lambda folder: folder.name)
def test_a_function_pins_all_that_it_runs_as_the_tests_do(folder: Path) -> None:
    ours, *pins = stated(folder)
    assert Requirement(ours).name == "modelet"
    here = [pin for pin in map(Requirement, pins) if pin.marker is None or pin.marker.evaluate()]
    assert {canonicalize_name(pin.name) for pin in here} == needed(Requirement(ours))
    for pin in here:
        assert str(pin.specifier) == f"=={version(pin.name)}", f"{pin.name}: the tests run another version"


@pytest.mark.parametrize("folder", FUNCTIONS, ids=lambda folder: folder.name)
def test_pins_that_say_they_are_those_of_the_project_are_so_for_every_python(folder: Path) -> None:
    if "requirements/dev.txt" not in (folder / "requirements.txt").read_text():
        return
    pins = set(stated(folder)[1:])
    names = {canonicalize_name(Requirement(pin).name) for pin in pins}
    assert pins == {line for line in TESTED if canonicalize_name(Requirement(line).name) in names}


@pytest.mark.parametrize("folder", FUNCTIONS, ids=lambda folder: folder.name)
def test_a_function_has_the_backend_of_its_model_yaml(folder: Path) -> None:
    assert (
        yaml.safe_load((folder / "model.yaml").read_text()).get("backend", DEFAULT)
        in Requirement(stated(folder)[0]).extras
    )


def test_the_layer_pins_all_that_platform_functions_run_as_the_tests_do() -> None:
    pins = stated(LAYER)
    names = {canonicalize_name(Requirement(pin).name) for pin in pins}
    assert names == set(PLATFORM) | {name for each in ("modelet", *PLATFORM) for name in needed(Requirement(each))}
    assert set(pins) == {line for line in TESTED if canonicalize_name(Requirement(line).name) in names}


def test_platform_functions_bring_no_packages_of_their_own() -> None:
    folders = [path.parent for path in (ROOT / "functions").glob("*/app.py") if path.parent not in FUNCTIONS]
    assert not [folder for folder in folders if (folder / "requirements.txt").exists()]


@pytest.mark.parametrize("folder", FUNCTIONS, ids=lambda folder: folder.name)
def test_hashes_are_those_of_the_project(folder: Path) -> None:
    """An author's own packages are not the project's, and `modelet new` writes pins without hashes."""
    tested = hashes(ROOT / "requirements" / "dev.txt")
    found = hashes(folder / "requirements.txt")
    assert all(digests == tested.get(name, digests) for name, digests in found.items() if digests)
