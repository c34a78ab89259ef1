"""Models that have no version in the store yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from modelet.dev.project.project import Function
    from modelet.store.store import Store

publish_option = click.option(
    "--publish", "publish_missing", is_flag=True, help="First publish every model that has no version yet."
)


def require_versions(command: str, functions: list[Function], store: Store, *, publish: bool) -> None:
    """Publish every model that has no version if `publish` is true. Raises CommandError otherwise."""
    from modelet.dev.progress import progress
    from modelet.dev.publish.publish import publish as publish_version
    from modelet.errors import CommandError
    from modelet.registry.listing import versions

    missing = [function for function in functions if not function.is_code and not versions(store, function.name)]
    if missing and not publish:
        names = ", ".join(function.name for function in missing)
        raise CommandError(
            f"{store.url} has no version of {names}: run `modelet {command} --publish` to publish them first"
        )
    for function in missing:
        click.echo(f"{function.name}: no version yet, publishing the first one", err=True)
        with progress() as shown:
            publish_version(function, store, progress=shown)
