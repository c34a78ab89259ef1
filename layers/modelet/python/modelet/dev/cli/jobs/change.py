"""`modelet jobs cancel` and `modelet jobs redrive`."""

from __future__ import annotations

import click

from modelet.dev.cli.batch.service import api_options, batch_service
from modelet.dev.cli.command import command, name_argument
from modelet.dev.cli.output import say


@command("modelet jobs cancel diabetes diabetes.20261129T051200123Z-1a2b3c4d")
@name_argument
@click.argument("job")
@api_options
def cancel(name: str, job: str, url: str | None, region: str | None, api_key: str | None, token: str | None) -> None:
    """Cancel a job. A queued one never runs, the result of a running one is dropped."""
    with batch_service(name, url, region, api_key, token) as service:
        service.delete("jobs", job)
    say(f"{job} is cancelled")


@command("modelet jobs redrive diabetes")
@name_argument
@api_options
def redrive(name: str, url: str | None, region: str | None, api_key: str | None, token: str | None) -> None:
    """Run the jobs of the dead-letter queue again.

    First cure the cause of their failures.
    """
    with batch_service(name, url, region, api_key, token) as service:
        answer = service.post("jobs", "redrive")
    say(f"jobs that run again: {answer['redriven']}; messages dropped without a failed job: {answer['dropped']}")
