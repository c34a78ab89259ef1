"""What a command line printed, as tests of commands read it."""

from __future__ import annotations

from collections.abc import Callable

from click.testing import Result

Run = Callable[..., Result]
"""Runs a command line: its words."""


def lines(result: Result) -> list[list[str]]:
    """The rows that a command printed into a pipe."""
    assert result.exit_code == 0, result.output
    return [line.split("\t") for line in result.stdout.splitlines()]


def failure(result: Result) -> str:
    """The one line that a failing command prints, and nothing else."""
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("error: ")
    return result.stderr.removeprefix("error: ").rstrip("\n")
