"""`modelet bundle`."""

from __future__ import annotations

import click

from modelet.dev.cli.command import command, complete_name, current_project, open_store, store_option
from modelet.dev.cli.output import say


@command("modelet bundle\nmodelet bundle sentiment --stage prod")
@click.argument("name", required=False, shell_complete=complete_name)
@click.option("--stage", help="The stage of model.yaml whose overrides apply.")
@store_option
def bundle(name: str | None, stage: str | None, store: str | None) -> None:
    """Write bundle.json, the run-time data of a function.

    Without NAME, write the bundle of every model. The version comes from model.lock, or from
    model.yaml if there is no lock. With `artifact: baked`, the version's files are copied
    next to the bundle, for the image.
    """
    from modelet.dev.bundle.bake import BAKED, bake
    from modelet.dev.bundle.bundle import write_bundle
    from modelet.dev.local.prepare import lock_for
    from modelet.dev.progress import progress

    project = current_project()
    kept = open_store(store)
    for found in [project.function(name)] if name else project.functions():
        function = found.at_stage(stage)
        # A lock of code is compared with the code: the lock that is committed must name what is deployed.
        pinned = function.lock() if function.is_code else None
        bundled = write_bundle(function, kept, pinned or lock_for(function, kept))
        with progress() as shown:
            bake(function.folder, bundled.bundle, kept, shown)
        cost = f" (pydantic serves it: {bundled.needs_pydantic})" if bundled.needs_pydantic else ""
        path = function.bundle_path.relative_to(project.root)
        files = f", its files in {path.with_name(BAKED)}" if function.spec.artifact == "baked" else ""
        say(f"{function.name}: version {bundled.bundle.lock.version} in {path}{files}{cost}")
