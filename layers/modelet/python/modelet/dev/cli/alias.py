"""`modelet alias`."""

from __future__ import annotations

import click

from modelet.dev.cli.command import command, name_argument, open_store, store_option
from modelet.dev.cli.output import DAMAGED, say


@command("modelet alias sentiment prod 3\nmodelet alias sentiment candidate latest")
@name_argument
@click.argument("alias")
@click.argument("version")
@store_option
def alias(name: str, alias: str, version: str, store: str | None) -> None:
    """Point an alias at a version.

    An alias can move; a version never changes. VERSION is a version, another alias, or latest. It is resolved
    now: the alias keeps pointing at that version until you set it again.
    """
    from modelet.registry.alias import aliases, set_alias
    from modelet.registry.resolve import resolve

    kept, name = open_store(store), name.replace("_", "-")
    resolved = resolve(kept, name, version)
    before = aliases(kept, name).get(alias, resolved)
    set_alias(kept, name, alias, resolved)
    say(f"{name}: {alias} is version {resolved}" + (f", was {before or DAMAGED}" if before != resolved else ""))
