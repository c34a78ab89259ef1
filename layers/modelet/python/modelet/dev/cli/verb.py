"""Parts that all commands share: help with examples, the store option, completion of model names."""

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
    """A command whose help ends with examples."""

    def __init__(self, *args: Any, examples: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the examples unwrapped, so that they can be copied."""
        with formatter.section("Examples"):
            for line in self.examples.splitlines():
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")


def verb(examples: str) -> Callable[[Callable[..., Any]], Verb]:
    """Turn a function into a command. examples: command lines, one per line."""
    return click.command(cls=Verb, examples=examples)


def complete_name(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the names of the project's models that start with `begun`, for shell completion."""
    from modelet.errors import CommandError

    try:
        return [name for name in here().names() if name.startswith(begun)]
    except CommandError:
        return []


def name_argument(command: CommandT) -> CommandT:
    """Add the argument NAME, the model's name."""
    return click.argument("name", shell_complete=complete_name)(command)


def store_option(command: CommandT) -> CommandT:
    """Add the option --store. An empty value means the default, as from an unset variable in a Makefile."""
    return click.option(
        "--store",
        metavar="URL",
        envvar="MODELET_STORE",
        show_envvar=True,
        callback=lambda _context, _parameter, value: value or None,
        help="The store of the models: file:///folder or s3://bucket/prefix.  [default: .modelet/store in the project]",
    )(command)


def found() -> Project | None:
    """Return the project of the current directory, or None."""
    from modelet.errors import CommandError

    try:
        return here()
    except CommandError:
        return None


def here() -> Project:
    """Return the project of the current directory. Raises CommandError if there is none."""
    from modelet.dev.project.project import Project

    return Project.find(Path.cwd())


def open_store(url: str | None) -> Store:
    """Open the given store, or the project's own, with boto3's credentials. Raises CommandError."""
    from modelet.dev.project.project import checked_url
    from modelet.store.store import Store

    return Store(checked_url(url) if url else here().store_url(None), sign_in_as_boto3=True)
