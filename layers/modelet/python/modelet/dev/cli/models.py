"""`modelet models`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelet.dev.cli.command import command, find_project, open_store, store_option
from modelet.dev.cli.output import DAMAGED, NONE, hint, table, warn_of_damaged

if TYPE_CHECKING:
    from modelet.store.store import Store


@command("modelet models\nmodelet models --store s3://my-bucket/models | cut -f1")
@store_option
def models(store: str | None) -> None:
    """List the models in the store and in this project.

    The columns are: the model, its latest version, its aliases, and the version pinned in model.lock. The latest
    version is the one with the highest number. If no version has a number, the newest is shown in parentheses.
    """
    from modelet.registry.alias import aliases
    from modelet.registry.listing import models as names

    kept = open_store(store)
    project = find_project()
    functions = {function.name: function for function in project.functions()} if project else {}
    rows = []
    for name in sorted({*names(kept), *functions}):
        labels = aliases(kept, name)
        warn_of_damaged(name, labels)
        shown = ", ".join(f"{label} = {version or DAMAGED}" for label, version in labels.items())
        lock = functions[name].lock() if name in functions else None
        rows.append([name, _latest(kept, name), shown or NONE, lock.version if lock else NONE])
    table(["Model", "Latest", "Aliases", "Pinned"], rows)
    if not rows:
        hint(f"no models in {kept.url} yet: run `modelet new NAME`, then `modelet publish NAME`")


def _latest(store: Store, model: str) -> str:
    """Return the version that `latest` means, or the newest version in parentheses if none has a number."""
    from modelet.errors import ManifestError, UnknownVersionError
    from modelet.registry.listing import latest, read_manifest, versions

    def written(version: str) -> str:
        try:
            return read_manifest(store, model, version)[0].created_at
        except ManifestError:  # `modelet versions` reports the error
            return ""

    try:
        return latest(store, model)
    except UnknownVersionError:
        known = versions(store, model)
        return f"({max(known, key=written)})" if known else NONE
