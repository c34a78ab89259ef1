"""`modelet call`."""

from __future__ import annotations

import json
from typing import Any

import click

from modelet.dev.cli.infer import JsonArgument
from modelet.dev.cli.output import document
from modelet.dev.cli.printing import printable
from modelet.dev.cli.verb import verb


@verb(
    "modelet call https://abc.execute-api.eu-central-1.amazonaws.com/models\n"
    """modelet call https://abc.execute-api.eu-central-1.amazonaws.com/models/sentiment/infer '{"text": "great"}'\n"""
    "modelet call http://127.0.0.1:8000/models/sentiment/infer @instance.json"
)
@click.argument("url")
@click.argument("body", metavar="[JSON|@FILE|-]", type=JsonArgument(), required=False)
@click.option("--region", metavar="REGION", help="Where the API is.  [default: what its URL says, else boto3's]")
@click.option("--service", default="execute-api", show_default=True, help="What is called, as signatures name it.")
@click.option("--no-sign", is_flag=True, help="Send no signature: the API is open.")
@click.option("--api-key", metavar="KEY", help="Send this API key, and no signature.")
@click.option("--token", metavar="TOKEN", help="Send this bearer token (JWT, Cognito), and no signature.")
def call(
    url: str,
    body: Any,
    region: str | None,
    service: str,
    no_sign: bool,
    api_key: str | None,
    token: str | None,
) -> None:
    """Call a deployed API, signed as boto3 would sign in.

    Posts the JSON; without any it gets the URL. Variables, profiles and SSO work as they do for the AWS command
    line. The exit code is 1 where the answer is an error.
    """
    from modelet.dev.cli.remote import Caller

    caller = Caller(service, region, signs=not (no_sign or api_key or token), api_key=api_key, token=token)
    answer = caller.call(url, None if body is None else json.dumps(body).encode())
    try:
        document(json.loads(answer.body))
    except (ValueError, RecursionError):
        click.echo(printable(answer.body.decode(errors="replace")))
    if answer.remedy:
        from modelet.dev.cli.group import fail

        fail(answer.remedy)
        raise click.exceptions.Exit(1)
