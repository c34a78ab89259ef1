"""`modelet batch cancel`, `resume` and `rollback`."""

from __future__ import annotations

import click

from modelet.dev.cli.batch.service import api_options, batch_service
from modelet.dev.cli.batch.watch import watch
from modelet.dev.cli.command import command, name_argument
from modelet.dev.cli.output import say


@command("modelet batch cancel diabetes 20261129T051200Z-1a2b3c4d")
@name_argument
@click.argument("batch")
@api_options
def cancel(name: str, batch: str, url: str | None, region: str | None, api_key: str | None, token: str | None) -> None:
    """Cancel a batch. Chunks that run already end first, and the active generation stays."""
    with batch_service(name, url, region, api_key, token) as service:
        service.delete("batches", batch)
    say(f"{batch} is cancelled: {service.command('resume', batch)} runs what is missing")


@command("modelet batch resume diabetes 20261129T051200Z-1a2b3c4d --tolerated 0.2")
@name_argument
@click.argument("batch")
@click.option("--tolerated", type=click.FloatRange(0, 1), help="A new share of rows that may be rejected.")
@api_options
def resume(
    name: str,
    batch: str,
    tolerated: float | None,
    url: str | None,
    region: str | None,
    api_key: str | None,
    token: str | None,
) -> None:
    """Run what is missing of a failed or cancelled batch."""
    with batch_service(name, url, region, api_key, token) as service:
        service.post("batches", batch, "resume", body=None if tolerated is None else {"tolerated": tolerated})
        if service.is_local:
            watch(service, batch)
            return
    say(f"{batch} runs again: {service.command('status', batch, '--watch')} follows it")


@command("modelet batch rollback diabetes")
@name_argument
@api_options
def rollback(name: str, url: str | None, region: str | None, api_key: str | None, token: str | None) -> None:
    """Make the previous predictions active again. A second rollback undoes the first."""
    with batch_service(name, url, region, api_key, token) as service:
        active = service.post("batches", "rollback")
    say(f"{name} serves the generation {active['generation']}")
