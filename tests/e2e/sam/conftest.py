"""The rungs that need containers, each made once for the run, and the table of what every model said on each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from e2e.engine.engine import Engine, Skipped
from e2e.engine.skip import skip
from e2e.sam.cli import Sam
from e2e.sam.place import emulated, push_all
from e2e.sam.table import lines
from e2e.sam.template import Template, synthesize
from modelet.dev.project.project import Project
from support.repository import ROOT


@pytest.fixture(scope="session")
def project() -> Project:
    """The project itself, whose versions are pinned and bundled: what is deployed is what is run."""
    return Project(ROOT)


@pytest.fixture(scope="session")
def emulator(engine: Engine) -> Iterator[str]:
    """The endpoint of an emulator that containers can reach."""
    with ExitStack() as stack:
        try:
            yield stack.enter_context(emulated(engine))
        except Skipped as why:
            skip(why)


@pytest.fixture(scope="session")
def store(emulator: str, project: Project) -> dict[str, str]:
    """The variables of a function whose store has every pinned version."""
    return push_all(project, emulator)


@pytest.fixture(scope="session")
def template(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """What the CDK app says is deployed."""
    return synthesize(tmp_path_factory.mktemp("cdk") / "cdk.out", engine.build_args)


@pytest.fixture(scope="session")
def sam(engine: Engine, template: Template, store: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Sam:
    """SAM with the images of all models built."""
    sam = Sam(engine, tmp_path_factory.mktemp("sam") / "home", store)
    sam.build(template.path)
    return sam


@pytest.fixture(scope="session")
def api(sam: Sam) -> Iterator[str]:
    """The URL of `sam local start-api`."""
    with sam.api() as url:
        yield url


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table at the end of the run."""
    found = lines(config)
    if found:
        terminalreporter.section("model × event × rung")
        terminalreporter.write("\n".join([*found, ""]))
