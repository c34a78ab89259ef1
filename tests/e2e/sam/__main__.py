"""`python -m e2e.sam`, after `make sam`: everything that one event by hand needs, until Ctrl-C.

All images, and an emulator with the versions of the models and what the events of workers name.
"""

from __future__ import annotations

import shutil
import sys
import threading
from contextlib import suppress

from e2e.engine.base import ready_engine
from e2e.engine.engine import Skipped
from e2e.sam.cli import Sam
from e2e.sam.place import emulated, push_all, worker_place
from e2e.sam.template import synthesize
from modelet.dev.project.project import Project
from support.repository import ROOT
from support.worker_events import MODEL, STEPS

HOME = ROOT / ".modelet" / "sam"


def main() -> int:
    """Serve until Ctrl-C: the exit code."""
    try:
        engine = ready_engine()
        shutil.rmtree(HOME, ignore_errors=True)
        template = synthesize(HOME / "cdk.out", engine.build_args)
        with emulated(engine) as url:
            variables = push_all(Project(ROOT), url) | worker_place(url, "worker").variables
            sam = Sam(engine, HOME / "home", variables)
            sam.build(template.path)
            say(f"export DOCKER_HOST={engine.variables['DOCKER_HOST']}" if engine.ours else "ready")
            for folder, function in template.functions.items():
                say(sam.line(function, f"events/{folder}/infer.json"))
            for step in STEPS:
                say(sam.line(template.workers[MODEL], f"events/{MODEL}/worker/{step}.json"))
            with suppress(KeyboardInterrupt):
                threading.Event().wait()
    except Skipped as why:
        say(f"skipped: {why}")
        return 1
    return 0


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)  # noqa: T201 - the terminal is its user


if __name__ == "__main__":
    sys.exit(main())
