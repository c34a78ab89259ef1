"""What `modelet up` prints when it serves: the models, and a line to try each with."""

from __future__ import annotations

import base64
import json
import shlex
from typing import TYPE_CHECKING

import click

from modelet.dev.cli.output import hint, on_terminal, table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from modelet.dev.project.project import Project


def welcome(url: str, project: Project, versions: Mapping[str, str]) -> None:
    """Print the models; into a pipe, each model's line ends in its curl line. versions: by the model's name."""
    curls = {}
    for name in versions:
        folder = project.function(name).folder.name
        curls[name] = curl(f"{url}/models/{name}", project.root / "events" / folder / "infer.json")
    rows = [[name, version, f"{url}/models/{name}"] for name, version in versions.items()]
    if on_terminal():
        table(["Model", "Version", "URL"], rows)
        for line in curls.values():
            click.echo(f"{line}\n")
        hint("Ctrl-C stops everything")
    else:
        table([], [[*row, curls[row[0]]] for row in rows])


def curl(url: str, event: Path) -> str:
    """A command line that sends the event's body to the model; where there is no such event, one that describes it."""
    try:
        given = json.loads(event.read_bytes())
        body = base64.b64decode(given["body"]) if given.get("isBase64Encoded") else given["body"]
        text = json.dumps(json.loads(body), ensure_ascii=False)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return f"curl {url}"
    return f"curl {url}/infer -H 'content-type: application/json' -d {shlex.quote(text)}"
