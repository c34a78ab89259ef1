"""The models' images, built as CDK builds them, and the table of their sizes."""

from __future__ import annotations

import time
from dataclasses import dataclass

from e2e.engine.engine import Engine
from modelet.dev.project.project import Function

DOCKERFILE = "functions/Dockerfile"
TASK = "/var/task"


@dataclass(frozen=True)
class Image:
    """An image that was built: sizes in bytes, `task` of /var/task alone."""

    tag: str
    size: int
    task: int
    seconds: float


def build(engine: Engine, function: Function, target: str = "online", tag: str | None = None) -> Image:
    """Build a model's image as CDK and `docker build` do, from its project's root."""
    root, own = function.folder.parents[1], function.folder / "Dockerfile"
    tag = tag or f"modelet/{function.name}:{target}"
    arguments = {"FUNCTION": function.folder.name, **engine.build_args}
    given = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
    file = str(own if own.exists() else root / DOCKERFILE)
    started = time.monotonic()
    engine.run("build", "--quiet", "--file", file, "--target", target, "--tag", tag, *given, str(root), timeout=900)
    seconds = time.monotonic() - started
    du = engine.run("run", "--rm", "--network=none", "--entrypoint=du", tag, "-sb", TASK).stdout
    return Image(tag, int(engine.inspect(tag, "{{.Size}}")), int(du.split()[0]), seconds)


def table(images: list[Image]) -> str:
    """The images, one a line, sizes in MB."""
    rows = [("image", "MB", TASK, "built in s")]
    rows += [(one.tag, f"{one.size / 1e6:.0f}", f"{one.task / 1e6:.0f}", f"{one.seconds:.0f}") for one in images]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        row[0].ljust(widths[0])
        + "".join(f"  {cell.rjust(width)}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    )
