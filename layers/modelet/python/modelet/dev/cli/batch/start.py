"""`modelet batch start`."""

from __future__ import annotations

import click

from modelet.dev.cli.batch.inputs import input_options, request_of
from modelet.dev.cli.batch.service import api_options, batch_service
from modelet.dev.cli.batch.watch import watch
from modelet.dev.cli.command import command, name_argument
from modelet.dev.cli.output import document, hint


@command(
    "modelet batch start diabetes patients.csv --key id\n"
    "modelet batch start diabetes 's3://lake/patients/*.parquet' --key id --url https://abc.execute-api.…\n"
    "modelet batch start diabetes patients.jsonl --key id --no-table --results out/ --results-format jsonl"
)
@name_argument
@input_options
@click.option("--watch/--no-watch", "watched", default=None, help="Wait for the end.  [default: on this machine only]")
@api_options
def start(
    name: str,
    watched: bool | None,
    url: str | None,
    region: str | None,
    api_key: str | None,
    token: str | None,
    **given: object,
) -> None:
    """Score the rows of files or of S3 objects.

    The formats are CSV, JSON Lines and Parquet; the former two may be gzip. Inputs may have wildcards. Without --url,
    the batch runs on this machine, and the command waits for its end. The exit code is 1 if the batch fails.
    """
    if watched is False and url is None:
        raise click.UsageError("--no-watch needs --url: on this machine, a batch ends with the command.")
    request = request_of(given, local=url is None)
    with batch_service(name, url, region, api_key, token) as service:
        record = service.post("batches", body=request.to_json())
        if watched or service.is_local:
            watch(service, str(record["id"]))
            return
    document(record)
    hint(f"{service.command('status', record['id'], '--watch')} follows it")
