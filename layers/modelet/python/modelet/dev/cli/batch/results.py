"""`modelet batch results`."""

from __future__ import annotations

import click

from modelet.dev.cli.batch.service import api_options, batch_service
from modelet.dev.cli.command import command, name_argument
from modelet.dev.cli.output import document


@command(
    "modelet batch results diabetes 17 18\n"
    "modelet batch results diabetes 'order/2026 #1' --url https://abc.execute-api.…"
)
@name_argument
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
@api_options
def results(
    name: str, keys: tuple[str, ...], url: str | None, region: str | None, api_key: str | None, token: str | None
) -> None:
    """Look up the predictions of the active generation by their keys."""
    with batch_service(name, url, region, api_key, token) as service:
        document(service.post("predictions", body={"keys": list(keys)}))
