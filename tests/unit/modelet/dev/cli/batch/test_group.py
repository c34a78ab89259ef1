"""The help of `modelet batch` and `modelet jobs`."""

from __future__ import annotations

import click
import pytest

from modelet.dev.cli.batch import batch
from modelet.dev.cli.jobs import jobs
from support.commands import Run

GROUPS: dict[str, click.Group] = {"batch": batch, "jobs": jobs}
COMMANDS = [(group, name) for group, found in GROUPS.items() for name in found.commands]


def test_the_commands_stand_in_the_order_of_their_use(run: Run) -> None:
    assert list(batch.commands) == ["plan", "start", "list", "status", "cancel", "resume", "results", "rollback"]
    assert list(jobs.commands) == ["list", "show", "cancel", "redrive"]
    listed = run("batch", "--help").stdout.split("\nCommands:\n")[1].split("\nExamples:\n")[0]
    assert [line.split()[0] for line in listed.splitlines() if line] == list(batch.commands)


@pytest.mark.parametrize("words", [("batch",), ("jobs",), *COMMANDS], ids="-".join)
def test_every_help_has_an_example_that_calls_it(run: Run, words: tuple[str, ...]) -> None:
    result = run(*words, "--help")
    assert result.exit_code == 0
    _, examples = result.stdout.split("\nExamples:\n")
    assert all(line.strip().startswith(f"modelet {' '.join(words)} ") for line in examples.splitlines())
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize("group", GROUPS)
def test_the_list_of_commands_is_not_cut_off(run: Run, group: str) -> None:
    assert "..." not in run(group, "--help").stdout.split("Commands:")[1].split("Examples:")[0]


@pytest.mark.parametrize(("group", "name"), COMMANDS, ids=[f"{group}-{name}" for group, name in COMMANDS])
def test_a_command_without_its_arguments_is_one_line(run: Run, group: str, name: str) -> None:
    result = run(group, name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith(f"See modelet {group} {name} --help.\n")
    assert len(result.stderr.splitlines()) == 1
