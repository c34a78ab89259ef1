"""`modelet push`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from modelet.dev.cli.command import command, complete_name, current_project, find_project, open_store, store_option
from modelet.dev.cli.output import say

if TYPE_CHECKING:
    from modelet.store.store import Store


@command(
    "modelet push --to s3://my-bucket/models\n"
    "modelet push sentiment 3 --to s3://my-bucket/models\n"
    "modelet push sentiment latest --to s3://my-bucket/models"
)
@click.argument("name", required=False, shell_complete=complete_name)
@click.argument("version", required=False)
@click.option(
    "--to", "target", metavar="URL", required=True, help="The URL of the target store: file:///… or s3://bucket/prefix."
)
@store_option
def push(name: str | None, version: str | None, target: str, store: str | None) -> None:
    """Copy versions to another store.

    A copy has the same name and the same bytes. VERSION is a version, an alias, or latest; the default is the version
    in model.lock. Without NAME, the pinned version of every model is copied. Existing files are not overwritten, and
    an interrupted copy is completed. If model.lock names the version, its manifest must match the lock.
    """
    from modelet.dev.progress import progress
    from modelet.dev.publish.push import push as push_version

    source, there = open_store(store), open_store(target)
    for model, chosen, pinned in _chosen(name, version, source):
        with progress() as shown:
            push_version(source, there, model, chosen, shown, pinned=pinned)
        say(f"{model}: version {chosen} is in {target}")


def _chosen(name: str | None, version: str | None, store: Store) -> list[tuple[str, str, str | None]]:
    """Return each model with its version, and the manifest digest if its lock names that version.

    Raises CommandError if a model has no lock.
    """
    from modelet.dev.local.prepare import lock_for
    from modelet.errors import CommandError
    from modelet.registry.resolve import resolve

    if name is not None and version is not None:
        model = name.replace("_", "-")
        chosen, project = resolve(store, model, version), find_project()
        lock = project.lock(model) if project else None
        return [(model, chosen, lock.manifest_sha256 if lock and lock.version == chosen else None)]
    functions = current_project().functions() if name is None else [current_project().function(name)]
    for function in functions:
        if function.lock() is None:
            raise CommandError(
                f"functions/{function.folder.name} has no model.lock: "
                f"run `modelet pin {function.name}`, or give a version"
            )
    return [(function.name, *lock_for(function, store)) for function in functions]
