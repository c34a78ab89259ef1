"""Processes of this Python beside a benchmark."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
EMULATOR = """
import time
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
time.sleep(1e9)
"""


@contextmanager
def listening(*command: str) -> Iterator[int]:
    """Run a command of this Python that prints its port, until the block ends; yield the port."""
    with subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as running:
        try:
            yield int(running.stdout.readline())  # type: ignore[union-attr] # it was asked for
        finally:
            running.terminate()


@contextmanager
def emulated() -> Iterator[int]:
    """Run an emulator of AWS, and yield its port."""
    with listening("-c", EMULATOR) as port:
        yield port
