"""`modelet jobs list` and `modelet jobs show`."""

from __future__ import annotations

import click

from modelet.dev.cli.batch.service import api_options, batch_service
from modelet.dev.cli.command import command, name_argument
from modelet.dev.cli.output import NONE, document, hint, table


@command("modelet jobs list diabetes\nmodelet jobs list diabetes --limit 100 --url https://abc.execute-api.…")
@name_argument
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="The most jobs to show.")
@api_options
def listing(name: str, limit: int, url: str | None, region: str | None, api_key: str | None, token: str | None) -> None:
    """List a model's jobs, the newest first."""
    with batch_service(name, url, region, api_key, token) as service:
        found = service.get("jobs", query=f"limit={limit}")["jobs"]
    rows = [
        [job["id"], job["state"], str(job["attempts"]), job["created"], (job["problem"] or {}).get("detail", NONE)]
        for job in found
    ]
    table(["job", "state", "attempts", "created", "problem"], rows)
    if not found:
        hint(f"create one with POST /models/{name}/jobs")


listing.name = "list"


@command("modelet jobs show diabetes diabetes.20261129T051200123Z-1a2b3c4d")
@name_argument
@click.argument("job")
@api_options
def show(name: str, job: str, url: str | None, region: str | None, api_key: str | None, token: str | None) -> None:
    """Show a job with its result or its problem."""
    with batch_service(name, url, region, api_key, token) as service:
        document(service.get("jobs", job))
