"""`modelet call`."""

from __future__ import annotations

import json
from typing import Any

import click

from modelet.dev.cli.command import command
from modelet.dev.cli.infer import JsonArgument
from modelet.dev.cli.output import document
from modelet.dev.cli.printing import printable


@command(
    "modelet call https://abc.execute-api.eu-central-1.amazonaws.com/models\n"
    """modelet call https://abc.execute-api.eu-central-1.amazonaws.com/models/sentiment/infer '{"text": "great"}'\n"""
    "modelet call http://127.0.0.1:8000/models/sentiment/infer @instance.json"
)
@click.argument("url")
@click.argument("body", metavar="[JSON|@FILE|-]", type=JsonArgument(), required=False)
@click.option("--region", metavar="REGION", help="The API's region.  [default: the one in its URL, else boto3's]")
@click.option("--service", default="execute-api", show_default=True, help="The service name in the signature.")
@click.option("--no-sign", is_flag=True, help="Do not sign the request, because the API is open.")
@click.option("--api-key", metavar="KEY", help="Send this API key instead of a signature.")
@click.option("--token", metavar="TOKEN", help="Send this bearer token (JWT, Cognito) instead of a signature.")
def call(
    url: str,
    body: Any,
    region: str | None,
    service: str,
    no_sign: bool,
    api_key: str | None,
    token: str | None,
) -> None:
    """Call a deployed API, signed with your AWS credentials.

    Send a POST request with the JSON, or a GET request without it. Environment variables, profiles and SSO work as
    in the AWS CLI. The exit code is 1 if the response is an error.
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
