"""`modelet alias`."""

from __future__ import annotations

import click

from modelet.dev.cli.output import say
from modelet.dev.cli.verb import name_argument, open_store, store_option, verb


@verb("modelet alias sentiment prod 3\nmodelet alias sentiment candidate latest")
@name_argument
@click.argument("alias")
@click.argument("version")
@store_option
def alias(name: str, alias: str, version: str, store: str | None) -> None:
    """Point an alias at a version.

    An alias is a name that moves; a version never changes. VERSION is a version, another alias, or latest:
    what it means now is what the alias keeps.
    """
    from modelet.registry.alias import read_alias, set_alias
    from modelet.registry.resolve import resolve

    kept, name = open_store(store), name.replace("_", "-")
    resolved, before = resolve(kept, name, version), read_alias(kept, name, alias)
    set_alias(kept, name, alias, resolved)
    say(f"{name}: {alias} is version {resolved}" + (f", was {before}" if before not in {None, resolved} else ""))
