"""`python -m e2e.engine up` makes an engine ready, `images` builds the models' images, `stop` ends what `up` started.

Where no engine can run, it says `skipped: why` and exits with 77; under CI=true that is a failure.
"""

from __future__ import annotations

import os
import sys

from e2e.engine.base import ready_engine
from e2e.engine.engine import Skipped, say, stop
from e2e.engine.images import build, table
from modelet.dev.project.project import Project
from modelet.errors import CommandError
from support.repository import ROOT

SKIPPED = 77


def up() -> None:
    """Make an engine ready."""
    engine = ready_engine()
    say(f"ready: export DOCKER_HOST={engine.variables['DOCKER_HOST']}" if engine.ours else "ready")


def images() -> None:
    """Build the images of all models and workers, and print their sizes. Raises CommandError for a missing bundle."""
    functions = Project(ROOT).functions()
    for function in functions:
        if not function.bundle_path.exists():
            raise CommandError(f"functions/{function.folder.name}/bundle.json is missing: run `modelet bundle`")
        if not (function.folder / "requirements.txt").exists():
            raise CommandError(
                f"functions/{function.folder.name}/requirements.txt is missing: write what the image needs"
            )
    engine = ready_engine()
    found = [build(engine, function) for function in functions]
    found += [build(engine, function, "worker") for function in functions if function.spec.own_worker]
    print(table(found))  # noqa: T201 - the table is the command's result


VERBS = {"up": up, "images": images, "stop": stop}


def main(verb: str) -> int:
    """Run a verb: the exit code."""
    try:
        VERBS[verb]()
    except Skipped as why:
        print(f"skipped: {why}", file=sys.stderr)  # noqa: T201 - the terminal is its user
        return 1 if os.environ.get("CI") == "true" else SKIPPED
    except CommandError as wrong:
        print(f"error: {wrong}", file=sys.stderr)  # noqa: T201 - the terminal is its user
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
