"""The start message of `modelet up`: the models, and a curl command to try each of them."""

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
    """Print the models; in a pipe, each line ends with a curl command. versions: by model name."""
    curls = {}
    for name in versions:
        folder = project.function(name).folder.name
        curls[name] = curl(f"{url}/models/{name}", project.root / "events" / folder / "infer.json")
    rows = [[name, version, f"{url}/models/{name}"] for name, version in versions.items()]
    if on_terminal():
        table(["Model", "Version", "URL"], rows)
        for line in curls.values():
            click.echo(f"{line}\n")
        hint("press Ctrl-C to stop")
    else:
        table([], [[*row, curls[row[0]]] for row in rows])


def curl(url: str, event: Path) -> str:
    """Return a curl command that sends the event's query and body; without an event, one that describes the model."""
    try:
        given = json.loads(event.read_bytes())
        body = base64.b64decode(given["body"]) if given.get("isBase64Encoded") else given["body"]
        text = json.dumps(json.loads(body), ensure_ascii=False)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return f"curl {url}"
    query = given.get("rawQueryString")
    target = shlex.quote(f"{url}/infer?{query}") if query else f"{url}/infer"
    return f"curl {target} -H 'content-type: application/json' -d {shlex.quote(text)}"
