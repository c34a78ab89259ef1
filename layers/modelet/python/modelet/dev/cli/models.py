"""`modelet models`."""

from __future__ import annotations

from modelet.dev.cli.output import NONE, hint, table
from modelet.dev.cli.verb import found, open_store, store_option, verb


@verb("modelet models\nmodelet models --store s3://my-bucket/models | cut -f1")
@store_option
def models(store: str | None) -> None:
    """List the models of the store and of this project.

    The columns are the model, its latest version, its aliases, and the version that model.lock pins.
    """
    from modelet.registry import alias, listing

    kept = open_store(store)
    project = found()
    functions = {function.name: function for function in project.functions()} if project else {}
    rows = []
    for name in sorted({*listing.models(kept), *functions}):
        versions = listing.versions(kept, name)
        aliases = ", ".join(f"{label} = {version}" for label, version in alias.aliases(kept, name).items())
        lock = functions[name].lock() if name in functions else None
        rows.append([name, versions[-1] if versions else NONE, aliases or NONE, lock.version if lock else NONE])
    table(["Model", "Latest", "Aliases", "Pinned"], rows)
    if not rows:
        hint(f"no models in {kept.url} yet: modelet new NAME, modelet publish NAME")
