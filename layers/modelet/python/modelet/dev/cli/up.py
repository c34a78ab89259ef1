"""`modelet up`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from modelet.dev.cli.verb import complete_name, here, open_store, store_option, verb

if TYPE_CHECKING:
    from modelet.dev.local.function import LocalFunction
    from modelet.dev.project import Function
    from modelet.store import Store


@verb("modelet up\nmodelet up sentiment --reload\nmodelet up --publish --port 9000 --stage prod")
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=complete_name)
@click.option("--port", type=click.IntRange(0, 65_535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--publish", "publish_missing", is_flag=True, help="First publish the models that have no version yet.")
@click.option("--stage", help="The stage of model.yaml whose overrides apply.")
@click.option("--reload", is_flag=True, help="Start environments anew when a function's files change.")
@click.option(
    "--api",
    type=click.Choice(["http", "rest"]),
    default="http",
    show_default=True,
    help="The gateway's kind: an HTTP API (payload format 2.0) or a REST API (1.0).",
)
@store_option
def up(
    names: tuple[str, ...],
    port: int,
    publish_missing: bool,
    stage: str | None,
    reload: bool,
    api: Literal["http", "rest"],
    store: str | None,
) -> None:
    """Serve models here, as Lambda and API Gateway do.

    Serves all of them where none is named. Listens on 127.0.0.1 only, until Ctrl-C. A model is served at the version in
    its model.lock; without a lock, at the one that model.yaml means now.
    """
    from modelet.dev.cli.welcome import welcome
    from modelet.dev.local.serve import bound, serve
    from modelet.dev.prepare import index_function, local_function, lock_for
    from modelet.errors import CommandError

    project, kept = here(), open_store(store)
    found = [project.function(name) for name in dict.fromkeys(names)] if names else project.functions()
    if not found:
        raise CommandError("there are no models in functions/ yet: start one with modelet new NAME")
    bound("127.0.0.1", port).close()  # a port in use is said before minutes are spent on publishing
    _require_versions(found, kept, publish=publish_missing)
    functions = {function.name: function.at_stage(stage) for function in found}
    versions = {name: lock_for(function, kept).version for name, function in functions.items()}
    index = index_function(project, versions.items())

    def ready_to_run(name: str) -> LocalFunction:
        if index is not None and name == index.name:
            return index
        return local_function(project.function(name).at_stage(stage), kept)

    serve(
        [*map(ready_to_run, functions), *([index] if index else [])],
        default=index.name if index else None,
        port=port,
        api=api,
        reload=reload,
        rebuild=ready_to_run,
        ready=lambda url: welcome(url, project, versions),
    )


def _require_versions(functions: list[Function], store: Store, *, publish: bool) -> None:
    """Publish the models that the store does not have. Raises CommandError that says how to, unless asked to."""
    from modelet.dev.progress import progress
    from modelet.dev.publish import publish as publish_version
    from modelet.errors import CommandError
    from modelet.registry.listing import versions

    missing = [function for function in functions if not versions(store, function.name)]
    if missing and not publish:
        names = ", ".join(function.name for function in missing)
        raise CommandError(f"{store.url} has no version of {names}: modelet up --publish trains and publishes first")
    for function in missing:
        click.echo(f"{function.name}: no version yet, publishing one", err=True)
        with progress() as shown:
            publish_version(function, store, progress=shown)
