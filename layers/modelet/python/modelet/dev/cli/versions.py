"""`modelet versions`."""

from __future__ import annotations

from modelet.dev.cli.command import command, name_argument, open_store, store_option
from modelet.dev.cli.output import NONE, table, warn_of_damaged


@command("modelet versions sentiment\nmodelet versions sentiment --store s3://my-bucket/models | tail -1")
@name_argument
@store_option
def versions(name: str, store: str | None) -> None:
    """List the versions of a model: numbers in order, then names.

    The columns are: the version, its main metric, its size in bytes, the time it was published, and its aliases.
    """
    from modelet.registry import alias, listing

    kept, name = open_store(store), name.replace("_", "-")
    known = listing.versions(kept, name)
    if not known:
        raise listing.unknown(kept, name, known, "no version")
    aliases = alias.aliases(kept, name)
    warn_of_damaged(name, aliases)
    rows = []
    for version in known:
        manifest, _ = listing.read_manifest(kept, name, version)
        headline = manifest.performance.get(manifest.metric)
        metric = NONE if headline is None else f"{manifest.metric} {headline:.4g}"
        size = f"{sum(file.bytes for file in manifest.files):,}"
        names = ", ".join(label for label, target in aliases.items() if target == version)
        rows.append([version, metric, size, manifest.created_at, names or NONE])
    table(["Version", "Metric", "Bytes", "Published", "Aliases"], rows)
