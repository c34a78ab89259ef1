"""`modelet pin`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from modelet.dev.cli.command import command, complete_name, current_project, open_store, store_option
from modelet.dev.cli.missing import publish_option, require_versions
from modelet.dev.cli.output import say

if TYPE_CHECKING:
    from modelet.dev.project.project import Function
    from modelet.store.store import Store


@command("modelet pin sentiment\nmodelet pin sentiment prod\nmodelet pin sentiment 3\nmodelet pin --publish")
@click.argument("name", required=False, shell_complete=complete_name)
@click.argument("version", required=False)
@publish_option
@store_option
def pin(name: str | None, version: str | None, publish_missing: bool, store: str | None) -> None:
    """Pin the version that a function serves, in model.lock.

    The lock contains the version and the SHA-256 of its manifest.

    VERSION is a version, an alias, or latest; the default is the version in model.yaml. Without NAME, every model
    that has no lock is pinned, and existing locks do not change, but those of models with `version: code`.
    """
    project, kept = current_project(), open_store(store)
    if name is None:
        functions = project.functions()
        unpinned = [function for function in functions if function.is_code or function.lock() is None]
    else:
        functions = unpinned = [project.function(name)]
    require_versions("pin", unpinned, kept, publish=publish_missing)
    for function in functions:
        if function in unpinned:
            _pin(function, kept, version)
        elif lock := function.lock():
            say(f"{function.name}: stays at version {lock.version}")


def _pin(function: Function, store: Store, version: str | None) -> None:
    from modelet.dev.publish.pin import pin as pin_version

    before = function.lock()
    lock = pin_version(function, store, version)
    was = f", was {before.version}" if before and before != lock else ""
    shown = "/".join(function.lock_path.parts[-3:])
    say(f"{function.name}: pinned version {lock.version}{was} in {shown}")
