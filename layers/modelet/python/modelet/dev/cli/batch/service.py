"""The routes of a model's batches, on a deployed API or on this machine."""

from __future__ import annotations

import json
import shlex
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import click

from modelet.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from modelet.dev.cli.remote import Caller

    FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


PASSING = {429, 502, 503, 504}
"""Statuses of errors that may pass; only GET is sent again, so that watching a batch outlives them."""
MOST_REPEATS, PAUSE_S = 3, 1.0


@dataclass(frozen=True, slots=True)
class BatchService:
    """Calls the routes below `/models/NAME`. url: the API's URL. is_local: whether it reads files of this machine.

    ends: whether the API ends with this command, and its batches with it. A path is given in parts, which may have any
    characters; query: the part after the question mark.
    """

    url: str
    name: str
    caller: Caller
    is_local: bool
    ends: bool = False

    def command(self, verb: str, batch: str, *options: str) -> str:
        """Return the command line that does something else with a batch of this API."""
        url = () if self.is_local else ("--url", self.url)
        return f"`{shlex.join(('modelet', 'batch', verb, self.name, batch, *options, *url))}`"

    def get(self, *path: str, query: str = "") -> dict[str, Any]:
        """Send GET. Raises CommandError with the problem."""
        return self._call("GET", path, None, query)

    def post(self, *path: str, body: Any = None) -> dict[str, Any]:
        """Send POST with a JSON body. Raises CommandError with the problem."""
        return self._call("POST", path, json.dumps(body if body is not None else {}).encode())

    def delete(self, *path: str) -> dict[str, Any]:
        """Send DELETE. Raises CommandError with the problem."""
        return self._call("DELETE", path, None)

    def _call(self, method: str, path: Sequence[str], body: bytes | None, query: str = "") -> dict[str, Any]:
        quoted = "/".join(quote(part, safe="") for part in ("models", self.name, *path))
        url = f"{self.url.rstrip('/')}/{quoted}{'?' if query else ''}{query}"
        answer = self.caller.call(url, body, method=method)
        for _ in range(MOST_REPEATS if method == "GET" else 0):
            if answer.status not in PASSING:
                break
            time.sleep(PAUSE_S)
            answer = self.caller.call(url, body, method=method)
        try:
            document = json.loads(answer.body)
        except ValueError:
            document = None
        if answer.status >= 300:
            raise CommandError(_reason(document) or answer.remedy)
        if not isinstance(document, dict):
            raise CommandError(f"{url} does not answer with a JSON object: check that it is the URL of a Modelet API")
        return document


def _reason(problem: Any) -> str:
    """Return what a problem says; empty if it is none, as from a gateway."""
    if not isinstance(problem, dict):
        return ""
    errors = [": ".join(filter(None, (each.get("field"), each.get("message")))) for each in problem.get("errors", [])]
    return str(errors[0] if errors else problem.get("detail") or "")


def api_options(function: FunctionT) -> FunctionT:
    """Add the options that choose the API and how its calls are signed."""
    for option in (
        click.option("--token", metavar="TOKEN", help="Send this bearer token instead of a signature."),
        click.option("--api-key", metavar="KEY", help="Send this API key instead of a signature."),
        click.option("--region", metavar="REGION", help="The API's region.  [default: the one in its URL]"),
        click.option(
            "--url",
            metavar="URL",
            envvar="MODELET_URL",
            show_envvar=True,
            help="The URL of a deployed API.  [default: this machine]",
        ),
    ):
        function = option(function)
    return function


@contextmanager
def batch_service(
    name: str, url: str | None, region: str | None, api_key: str | None, token: str | None
) -> Iterator[BatchService]:
    """Connect to the API; without a URL, serve the model on this machine for the duration of the block.

    Raises CommandError if the project has no functions/batches, which answers these routes on this machine.
    """
    from modelet.dev.cli.remote import Caller

    if url is not None:
        signs = not (api_key or token)
        yield BatchService(url, name, Caller("execute-api", region, signs, api_key, token), is_local=False)
        return
    from modelet.dev.cli.command import current_project
    from modelet.dev.local.emulator.prepare import NO_BATCHES, has_batches
    from modelet.dev.local.session import running, serving

    project = current_project()
    function = project.function(name)
    if not has_batches(project):
        raise CommandError(NO_BATCHES)
    ends = running(project.root, function.name) is None
    with serving(project, function.name) as found:
        yield BatchService(found, function.name, Caller(signs=False), is_local=True, ends=ends)
