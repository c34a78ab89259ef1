"""`modelet invoke`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from modelet.dev.cli.command import command, current_project, name_argument, open_store, store_option
from modelet.dev.cli.output import document


@command(
    "modelet invoke sentiment -e events/sentiment/infer.json\nmodelet invoke sentiment -e - < event.json | jq .body"
)
@name_argument
@click.option(
    "-e",
    "--event",
    required=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="A file that contains a Lambda event, or - for standard input.",
)
@store_option
def invoke(name: str, event: Path, store: str | None) -> None:
    """Send one Lambda event to a model and print the response.

    The model runs in the official Lambda runtime client. The function's log goes to standard error.
    The exit code is 1 if the response is an error.
    """
    from modelet.dev.local.prepare import local_function
    from modelet.dev.local.runtime.once import invoke_once

    data = sys.stdin.buffer.read() if str(event) == "-" else event.read_bytes()
    try:
        json.loads(data)
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(f"{event} is not JSON: {error}", param_hint="'--event'") from error
    outcome = invoke_once(local_function(current_project().function(name), open_store(store)), data)
    answer = json.loads(outcome.payload)
    document(answer)
    if outcome.error or is_problem(answer):
        raise click.exceptions.Exit(1)


def is_problem(answer: object) -> bool:
    """Return whether a model's answer, an HTTP response or a bare value, is an error."""
    if not isinstance(answer, dict):
        return False
    status = answer.get("statusCode", 200)
    kind = answer.get("type", "")
    return (isinstance(status, int) and status >= 400) or str(kind).startswith("urn:modelet:problem:")
