"""Serve one model on this machine while a command needs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from modelet.dev.local.run import HELD, is_held
from modelet.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from modelet.dev.project.project import Project

URL_FILE = "url"
START_S, STOP_S = 600.0, 90.0
"""Seconds to wait: at the start a model may be trained and published, at the end the emulator saves its tables."""
UP = "from modelet.dev.local.session import end_with_input; end_with_input(); from modelet.dev.cli import main; main()"


def announce(folder: Path, url: str, names: list[str]) -> None:
    """Write the URL of a running `modelet up` and the models that it serves into its run folder."""
    unfinished = folder / f"{URL_FILE}.partial"
    unfinished.write_text(json.dumps({"url": url, "names": names}))
    unfinished.rename(folder / URL_FILE)


def running(root: Path, name: str) -> str | None:
    """Return the URL of a running `modelet up` of the project that serves a model; None if there is none."""
    for file in sorted((root / ".modelet" / "run").glob(f"*/{URL_FILE}")):
        try:
            found = json.loads(file.read_text())
            if (file.parent / HELD).exists() and is_held(file.parent) and name in found["names"]:
                return str(found["url"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # it ends at this moment, or another release of Modelet wrote the file
    return None


def end_with_input() -> None:
    """Send this process SIGTERM when its standard input ends: then the command that started it is gone, even killed."""

    def wait() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


@contextmanager
def serving(project: Project, name: str) -> Iterator[str]:
    """Return the URL of an API that serves the model; without a running `modelet up`, one is started and ended.

    Raises CommandError with its last words if it does not start.
    """
    found = running(project.root, name)
    if found is not None:
        yield found
        return
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [sys.executable, "-c", UP, "up", name, "--publish", "--port", "0"],
            cwd=project.root,
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        try:
            until = time.monotonic() + START_S
            while (found := running(project.root, name)) is None:
                if process.poll() is not None or time.monotonic() > until:
                    said.seek(0)
                    lines = [line.strip() for line in said.read().splitlines() if line.strip()]
                    raise CommandError(f"{name} cannot be served: {lines[-1] if lines else 'no output'}")
                time.sleep(0.1)
            yield found
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdin is not None:
                process.stdin.close()
