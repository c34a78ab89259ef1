"""Parts that all commands share: help with examples, the store option, completion of model names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from modelet.dev.project.project import Project
    from modelet.store.store import Store

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


class Command(click.Command):
    """A command whose help ends with examples."""

    def __init__(self, *args: Any, examples: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the examples unwrapped, so that they can be copied."""
        with formatter.section("Examples"):
            for line in self.examples.splitlines():
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")


def command(examples: str) -> Callable[[Callable[..., Any]], Command]:
    """Turn a function into a command. examples: command lines, one per line."""
    return click.command(cls=Command, examples=examples)


def complete_name(_context: click.Context, _parameter: click.Parameter, prefix: str) -> list[str]:
    """Return the names of the project's models that start with `prefix`, for shell completion."""
    from modelet.errors import CommandError

    try:
        return [name for name in current_project().names() if name.startswith(prefix)]
    except CommandError:
        return []


def name_argument(function: FunctionT) -> FunctionT:
    """Add the argument NAME, the model's name."""
    return click.argument("name", shell_complete=complete_name)(function)


def store_option(function: FunctionT) -> FunctionT:
    """Add the option --store. An empty value means the default, as from an unset variable in a Makefile."""
    return click.option(
        "--store",
        metavar="URL",
        envvar="MODELET_STORE",
        show_envvar=True,
        callback=lambda _context, _parameter, value: value or None,
        help="The store of the models: file:///folder or s3://bucket/prefix.  [default: .modelet/store in the project]",
    )(function)


def find_project() -> Project | None:
    """Return the project of the current directory, or None."""
    from modelet.errors import CommandError

    try:
        return current_project()
    except CommandError:
        return None


def current_project() -> Project:
    """Return the project of the current directory. Raises CommandError if there is none."""
    from modelet.dev.project.project import Project

    return Project.find(Path.cwd())


def open_store(url: str | None) -> Store:
    """Open the given store, or the project's own, with boto3's credentials. Raises CommandError."""
    from modelet.dev.project.project import checked_url
    from modelet.store.store import Store

    return Store(checked_url(url) if url else current_project().store_url(None), sign_in_as_boto3=True)
