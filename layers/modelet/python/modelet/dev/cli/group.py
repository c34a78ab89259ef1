"""`modelet`: the group of all commands, and its exit codes.

Exit codes: 0 for success; 1 for an error, with a one-line message; 2 for wrong usage; 130 for Ctrl-C.
"""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import click

from modelet.dev.cli.alias import alias
from modelet.dev.cli.batch import batch
from modelet.dev.cli.bundle import bundle
from modelet.dev.cli.call import call
from modelet.dev.cli.command import Command
from modelet.dev.cli.infer import infer
from modelet.dev.cli.invoke import invoke
from modelet.dev.cli.jobs import jobs
from modelet.dev.cli.models import models
from modelet.dev.cli.new import new
from modelet.dev.cli.pin import pin
from modelet.dev.cli.printing import printable
from modelet.dev.cli.profile import profile
from modelet.dev.cli.publish import publish
from modelet.dev.cli.push import push
from modelet.dev.cli.show import show
from modelet.dev.cli.up import up
from modelet.dev.cli.versions import versions
from modelet.errors import ModeletError

FAILED, MISUSED, INTERRUPTED = 1, 2, 130


class Modelet(Command, click.Group):
    """The group of all commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the commands in the order in which a user needs them."""
        return list(self.commands)

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Run a command and exit with its code."""
        kwargs = {"prog_name": "modelet", **kwargs, "standalone_mode": False}
        try:
            code = super().main(*args, **kwargs)
        except click.exceptions.NoArgsIsHelpError as nothing:
            click.echo(nothing.message)
            code = MISUSED
        except click.UsageError as misuse:
            path = misuse.ctx.command_path if misuse.ctx else "modelet"
            message = misuse.format_message()
            fail(f"{message[:1].lower()}{message[1:]} See {path} --help.")
            code = MISUSED
        except (ModeletError, click.ClickException) as error:
            fail(str(error))
            code = FAILED
        except OSError as error:
            if not error.strerror:
                raise
            fail(f"{error.filename}: {error.strerror}" if error.filename else error.strerror)
            code = FAILED
        except (click.Abort, KeyboardInterrupt):
            code = INTERRUPTED
        sys.exit(code if isinstance(code, int) else 0)


def fail(message: str) -> None:
    """Print an error message on stderr."""
    click.echo(f"{click.style('error:', fg='red', bold=True)} {printable(message)}", err=True)


@click.group(
    "modelet",
    cls=Modelet,
    examples="modelet new churn            create a model\n"
    "modelet publish churn        train it and save it as a version\n"
    "modelet up                   serve all models on http://127.0.0.1:8000",
    context_settings={"max_content_width": 100},
)
@click.version_option(package_name="modelet", message="%(prog)s %(version)s")
def main() -> None:
    """Turn a trained model into a serverless HTTPS API: one folder, one class, one command."""


for each in (
    new,
    publish,
    pin,
    up,
    infer,
    invoke,
    batch,
    jobs,
    profile,
    models,
    versions,
    show,
    alias,
    push,
    bundle,
    call,
):
    main.add_command(each)
