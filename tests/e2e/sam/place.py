"""AWS for containers: an emulator at the address by which they reach this machine, with every pinned version in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.request import Request, urlopen

from conftest import SIGNED_IN
from e2e.engine.engine import Engine
from e2e.sam.template import ENDPOINT
from modelet.dev.project.project import Project
from support.repository import ROOT
from support.worker_events import WorkerPlace

BUCKET = "artifacts"


@contextmanager
def emulated(engine: Engine) -> Iterator[str]:
    """Serve the emulator, with an empty bucket of artifacts; gives its endpoint. Raises Skipped where none can be."""
    from moto.server import ThreadedMotoServer

    host = engine.gateway
    server = ThreadedMotoServer(host, 0, verbose=False)
    server.start()
    url = f"http://{host}:{server.get_host_and_port()[1]}"
    with urlopen(Request(f"{url}/{BUCKET}", method="PUT")):
        pass
    try:
        yield url
    finally:
        server.stop()


def push_all(project: Project, url: str) -> dict[str, str]:
    """Copy every pinned version to the bucket, as `make deploy` does; gives the variables of functions that read it."""
    variables = {"MODELET_STORE": f"s3://{BUCKET}/models", ENDPOINT: url}
    modelet = Path(sys.executable).parent / "modelet"
    for function in project.functions():
        lock = function.lock()
        assert lock is not None, f"{function.name} has no model.lock: run make locks"
        subprocess.run(
            [modelet, "push", function.name, lock.version, "--to", variables["MODELET_STORE"]],
            cwd=ROOT,
            env={**os.environ, **SIGNED_IN, ENDPOINT: url},
            check=True,
        )
    return variables


def worker_place(url: str, mark: str) -> WorkerPlace:
    """What the worker's events need, in the emulator. mark: the first part of its names."""
    import boto3

    keys = {name.lower(): value for name, value in SIGNED_IN.items() if name.startswith("AWS_") and "KEY" in name}
    return WorkerPlace(partial(boto3.client, endpoint_url=url, region_name=SIGNED_IN["AWS_REGION"], **keys), mark)
