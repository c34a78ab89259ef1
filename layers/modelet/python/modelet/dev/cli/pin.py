"""`modelet pin`."""

from __future__ import annotations

import click

from modelet.dev.cli.output import say
from modelet.dev.cli.verb import here, name_argument, open_store, store_option, verb


@verb("modelet pin sentiment\nmodelet pin sentiment prod\nmodelet pin sentiment 3")
@name_argument
@click.argument("version", required=False)
@store_option
def pin(name: str, version: str | None, store: str | None) -> None:
    """Choose the version that a function serves, in model.lock.

    The lock holds the version and the SHA-256 of its manifest.

    VERSION is a version, an alias, or latest; without it, model.yaml says which.
    """
    from modelet.dev.publish import pin as pin_version

    project = here()
    function = project.function(name)
    before = function.lock()
    lock = pin_version(function, open_store(store), version)
    was = f", was {before.version}" if before and before != lock else ""
    say(f"{function.name}: pinned version {lock.version}{was} in {function.lock_path.relative_to(project.root)}")
