"""One account and one deployment for the scenario, and what it found as a table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e.deploy.deployment import Deployment
from e2e.deploy.ministack import account
from e2e.deploy.project import copy_project

Rows = list[tuple[str, str, str]]
ROWS = pytest.StashKey[Rows]()
DEPLOYMENT = pytest.StashKey[Deployment]()


@pytest.fixture(scope="session")
def rows(request: pytest.FixtureRequest) -> Rows:
    """Model, event, and how the deployed API answered it."""
    return request.config.stash.setdefault(ROWS, [])


@pytest.fixture(scope="session")
def deployment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A copy of the project and an empty account; the emulator ends with the tests."""
    with account(tmp_path_factory.mktemp("account")) as found:
        made = Deployment(found, copy_project(tmp_path_factory.mktemp("copy") / "project"))
        request.config.stash[DEPLOYMENT] = made
        yield made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print model × event × answer, and how long each step took."""
    deployment = config.stash.get(DEPLOYMENT, None)
    if deployment is None:
        return
    terminalreporter.section("deployed to MiniStack")
    for model, event, answer in config.stash.get(ROWS, []):
        terminalreporter.write_line(f"{model:<16}{event:<16}{answer}")
    terminalreporter.write_line("")
    for step, seconds in deployment.seconds.items():
        terminalreporter.write_line(f"{step:<32}{seconds:6.1f} s")
