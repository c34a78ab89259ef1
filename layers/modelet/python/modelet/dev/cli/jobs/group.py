"""The group of the commands for jobs."""

from __future__ import annotations

import click

from modelet.dev.cli.command import Command
from modelet.dev.cli.jobs.change import cancel, redrive
from modelet.dev.cli.jobs.show import listing, show


class Jobs(Command, click.Group):
    """The group, whose help ends with examples."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the commands in the order in which a user needs them."""
        return list(self.commands)


@click.group("jobs", cls=Jobs, examples="modelet jobs list diabetes\nmodelet jobs redrive diabetes")
def jobs() -> None:
    """Show, cancel or redrive asynchronous requests.

    They are created by POST /models/NAME/jobs.
    """


for each in (listing, show, cancel, redrive):
    jobs.add_command(each)
