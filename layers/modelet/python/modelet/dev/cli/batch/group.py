"""The group of the commands for batches."""

from __future__ import annotations

import click

from modelet.dev.cli.batch.control import cancel, resume, rollback
from modelet.dev.cli.batch.plan import plan
from modelet.dev.cli.batch.results import results
from modelet.dev.cli.batch.start import start
from modelet.dev.cli.batch.status import listing, status
from modelet.dev.cli.command import Command


class Batch(Command, click.Group):
    """The group, whose help ends with examples."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the commands in the order in which a user needs them."""
        return list(self.commands)


@click.group(
    "batch",
    cls=Batch,
    examples="modelet batch start diabetes patients.csv --key id\n"
    "modelet batch status diabetes --watch\n"
    "modelet batch rollback diabetes",
)
def batch() -> None:
    """Score many rows into a prediction table, or into files."""


for each in (plan, start, listing, status, cancel, resume, results, rollback):
    batch.add_command(each)
