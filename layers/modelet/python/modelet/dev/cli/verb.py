"""What every verb shares: a help that ends in examples, the store option, names that complete."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from modelet.dev.project.project import Project
    from modelet.store.store import Store

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


class Verb(click.Command):
    """A command whose help ends in examples."""

    def __init__(self, *args: Any, examples: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the examples as they are, so that they can be copied."""
        with formatter.section("Examples"):
            for line in self.examples.splitlines():
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")


def verb(examples: str) -> Callable[[Callable[..., Any]], Verb]:
    """Make a function a verb. examples: command lines, one on each line."""
    return click.command(cls=Verb, examples=examples)


def complete_name(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """The project's models whose names begin so, for the shell."""
    from modelet.errors import CommandError

    try:
        return [name for name in here().names() if name.startswith(begun)]
    except CommandError:
        return []


def name_argument(command: CommandT) -> CommandT:
    """The model that a verb is about."""
    return click.argument("name", shell_complete=complete_name)(command)


def store_option(command: CommandT) -> CommandT:
    """Where models are kept; empty means not given, as an unset variable does in a Makefile."""
    return click.option(
        "--store",
        metavar="URL",
        envvar="MODELET_STORE",
        show_envvar=True,
        callback=lambda _context, _parameter, value: value or None,
        help="Where models are kept: file:///folder or s3://bucket/prefix.  [default: .modelet/store of the project]",
    )(command)


def found() -> Project | None:
    """The project that the command was called in, if any."""
    from modelet.errors import CommandError

    try:
        return here()
    except CommandError:
        return None


def here() -> Project:
    """The project that the command was called in. Raises CommandError."""
    from modelet.dev.project.project import Project

    return Project.find(Path.cwd())


def open_store(url: str | None) -> Store:
    """The store that was given, else that of the project here; signs in as boto3 does. Raises CommandError."""
    from modelet.dev.project.project import checked_url
    from modelet.store.store import Store

    return Store(checked_url(url) if url else here().store_url(None), sign_in_as_boto3=True)
