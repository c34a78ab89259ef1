"""`modelet show`."""

from __future__ import annotations

import json

import click

from modelet.dev.cli.command import command, name_argument, open_store, store_option
from modelet.dev.cli.output import document, on_terminal, table


@command("modelet show sentiment\nmodelet show sentiment prod --json | jq .performance")
@name_argument
@click.argument("version", default="latest")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest, model.json, unchanged.")
@store_option
def show(name: str, version: str, as_json: bool, store: str | None) -> None:
    """Show the details of a version of a model.

    VERSION is a version, an alias, or latest (the default).
    """
    from modelet.registry.listing import read_manifest
    from modelet.registry.resolve import resolve

    kept, name = open_store(store), name.replace("_", "-")
    manifest, sha256 = read_manifest(kept, name, resolve(kept, name, version))
    values = json.loads(manifest.to_json())
    if as_json:
        document(values)
        return
    rows = [("model", name), ("version", manifest.version), ("created_at", manifest.created_at)]
    rows += [("library", f"{manifest.model_lib} {manifest.model_lib_version}"), ("class", manifest.class_name)]
    rows += [(f"performance.{metric}", f"{value:.6g}") for metric, value in manifest.performance.items()]
    rows += [("features", _shortened(manifest.features))]
    rows += [(f"info.{key}", _text(value)) for key, value in manifest.model_info.items()]
    rows += [(f"compiled.{key}", _text(value)) for key, value in (manifest.compiled or {}).items()]
    rows += [
        (f"model.{part}", f"{each.class_name}, {each.model_info.get('task')}, {each.model_data}")
        for part, each in (manifest.models or {}).items()
    ]
    rows += [(f"runtime.{library}", version) for library, version in manifest.runtime.items()]
    rows += [(f"file.{file.path}", f"{file.bytes:,} bytes, sha256 {file.sha256}") for file in manifest.files]
    table(["", f"{name} {manifest.version}"], [*rows, ("manifest_sha256", sha256)])


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _shortened(features: tuple[str, ...]) -> str:
    if not on_terminal() or len(features) <= 8:
        return ", ".join(features)
    return f"{', '.join(features[:8])} and {len(features) - 8} more"
