"""The rungs that need containers, each made once for the run, and the table of what every model said on each."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import SIGNED_IN
from e2e.engine.engine import Engine, Skipped
from e2e.engine.skip import skip
from e2e.sam.cli import Sam
from e2e.sam.table import lines
from e2e.sam.template import ENDPOINT, Template, synthesize
from modelet.dev.project.project import Project
from support.repository import ROOT

BUCKET = "artifacts"


@pytest.fixture(scope="session")
def project() -> Project:
    """The project itself, whose versions are pinned and bundled: what is deployed is what is run."""
    return Project(ROOT)


@pytest.fixture(scope="session")
def bucket(engine: Engine) -> Iterator[str]:
    """The endpoint of an emulated S3 that containers can reach, with an empty bucket."""
    from urllib.request import Request, urlopen

    from moto.server import ThreadedMotoServer

    try:
        host = engine.gateway
    except Skipped as why:
        skip(why)
    server = ThreadedMotoServer(host, 0, verbose=False)
    server.start()
    url = f"http://{host}:{server.get_host_and_port()[1]}"
    with urlopen(Request(f"{url}/{BUCKET}", method="PUT")):
        pass
    yield url
    server.stop()


@pytest.fixture(scope="session")
def store(bucket: str, project: Project) -> dict[str, str]:
    """The variables of a function whose store has every pinned version, as `make deploy` copies them there."""
    variables = {"MODELET_STORE": f"s3://{BUCKET}/models", ENDPOINT: bucket}
    modelet = Path(sys.executable).parent / "modelet"
    for function in project.functions():
        lock = function.lock()
        assert lock is not None, f"{function.name} has no model.lock: run make locks"
        subprocess.run(
            [modelet, "push", function.name, lock.version, "--to", variables["MODELET_STORE"]],
            cwd=ROOT,
            env={**os.environ, **SIGNED_IN, ENDPOINT: bucket},
            check=True,
        )
    return variables


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
