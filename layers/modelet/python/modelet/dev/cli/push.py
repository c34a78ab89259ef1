"""`modelet push`."""

from __future__ import annotations

import click

from modelet.dev.cli.output import say
from modelet.dev.cli.verb import name_argument, open_store, store_option, verb


@verb("modelet push sentiment 3 --to s3://my-bucket/models\nmodelet push sentiment latest --to s3://my-bucket/models")
@name_argument
@click.argument("version")
@click.option(
    "--to", "target", metavar="URL", required=True, help="The store to copy to: file:///… or s3://bucket/prefix."
)
@store_option
def push(name: str, version: str, target: str, store: str | None) -> None:
    """Copy a version to another store.

    The copy is the same, byte for byte, under the same name. VERSION is a version, an alias, or latest.
    """
    from modelet.dev.progress import progress
    from modelet.dev.publish import push as push_version
    from modelet.registry.resolve import resolve

    source, name = open_store(store), name.replace("_", "-")
    resolved = resolve(source, name, version)
    with progress() as shown:
        push_version(source, open_store(target), name, resolved, shown)
    say(f"{name}: version {resolved} is in {target}")
