"""`modelet infer`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from modelet.dev.cli.command import command, current_project, name_argument, open_store, store_option
from modelet.dev.cli.output import document
from modelet.dev.cli.printing import printable


class JsonArgument(click.ParamType[Any]):
    """JSON from the command line, from a file (`@file`), or from standard input (`-`)."""

    name = "JSON"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read and parse the argument; click reports the errors."""
        try:
            if value == "-":
                value = sys.stdin.buffer.read()
            elif value.startswith("@"):
                value = Path(value[1:]).read_bytes()
            return json.loads(value, parse_constant=_refuse)
        except OSError as error:
            self.fail(f"{value[1:]} cannot be read: {error.strerror}", param, ctx)
        except (ValueError, RecursionError) as error:
            self.fail(f"invalid JSON: {error}; quote it for the shell, or pass a file as @FILE.", param, ctx)


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not a JSON number")


@command(
    """modelet infer sentiment '{"text": "정말 좋아요"}'\n"""
    """modelet infer sentiment '{"instances": [{"text": "great"}, {"text": "awful"}]}'\n"""
    "modelet infer sentiment @instance.json\n"
    "jq -c '.[0]' rows.json | modelet infer sentiment -"
)
@name_argument
@click.argument("instances", metavar="JSON|@FILE|-", type=JsonArgument())
@store_option
def infer(name: str, instances: Any, store: str | None) -> None:
    """Get predictions from a model.

    One instance returns one prediction; {"instances": [...]} returns a list. The model's own pipeline
    runs in the official Lambda runtime client. The exit code is 1 if the model returns an error.
    """
    from modelet.dev.cli.invoke import is_problem
    from modelet.dev.local.prepare import local_function
    from modelet.dev.local.runtime.log import MemoryLog
    from modelet.dev.local.runtime.once import invoke_once

    log = MemoryLog()
    function = local_function(current_project().function(name), open_store(store))
    outcome = invoke_once(function, json.dumps(instances).encode(), log=log)
    answer = json.loads(outcome.payload)
    failed = bool(outcome.error) or is_problem(answer)
    if outcome.error or (failed and answer["status"] >= 500):
        for line in log.lines:
            click.echo(printable(line), err=True)
    batch = not failed and isinstance(answer, dict) and "predictions" in answer and "model" in answer
    document(answer["predictions"] if batch else answer)
    if failed:
        raise click.exceptions.Exit(1)
