"""`modelet up`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import click

from modelet.dev.cli.missing import publish_option, require_versions
from modelet.dev.cli.verb import complete_name, here, open_store, store_option, verb

if TYPE_CHECKING:
    from modelet.dev.local.runtime.function import LocalFunction

ORIGIN = re.compile(r"\*|https?://(\*|[^/?#@\s*]+)")
"""What an HTTP API takes as an allowed origin: all, all of a scheme, or one, without a path."""


def _checked_origins(context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    for origin in given:
        if not ORIGIN.fullmatch(origin):
            message = f"{origin!r} is no origin: give scheme, host and port alone, as in http://localhost:3000."
            raise click.BadParameter(message, context, parameter)
    return given


@verb(
    "modelet up\n"
    "modelet up sentiment --reload\n"
    "modelet up --publish --port 9000 --stage prod\n"
    "modelet up --cors-origin http://localhost:3000"
)
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=complete_name)
@click.option("--port", type=click.IntRange(0, 65_535), default=8000, show_default=True, help="0 takes a free one.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Bind to another address or name of this machine, for other machines to reach; 0.0.0.0 binds to all.",
)
@publish_option
@click.option("--stage", help="The stage of model.yaml whose overrides apply.")
@click.option("--reload", is_flag=True, help="Take up changes of files and locks, once the new code loads.")
@click.option(
    "--api",
    type=click.Choice(["http", "rest"]),
    default="http",
    show_default=True,
    help="The gateway's kind: an HTTP API (payload format 2.0) or a REST API (1.0).",
)
@click.option(
    "--cors-origin",
    "origins",
    metavar="ORIGIN",
    multiple=True,
    callback=_checked_origins,
    help="Let pages of this origin read answers: https://app.example, or * for all. May be given again.",
)
@store_option
def up(
    *,
    names: tuple[str, ...],
    port: int,
    host: str,
    publish_missing: bool,
    stage: str | None,
    reload: bool,
    api: Literal["http", "rest"],
    origins: tuple[str, ...],
    store: str | None,
) -> None:
    """Serve models here, as Lambda and API Gateway do.

    Serves all of them where none is named, until Ctrl-C. A model is served at the version in its model.lock; without a
    lock, at the one that model.yaml means now. A model answers scaling.max_concurrency requests at once, ten where its
    model.yaml says nothing, and throttles the rest, as Lambda does.

    Only requests for localhost, 127.0.0.1, [::1] or the --host are answered, on any port, so that no page of the web
    reaches a model by a name of its own. With --host 0.0.0.0 or :: every address is accepted, and this machine's name.
    """
    if origins and api == "rest":
        raise click.UsageError("--cors-origin goes with --api http: a REST API leaves these headers to the function.")
    from modelet.dev.cli.welcome import welcome
    from modelet.dev.local.gateway.cors import Cors
    from modelet.dev.local.prepare import generation, index_function, lock_for
    from modelet.dev.local.serve import bound, serve
    from modelet.errors import CommandError

    project, kept = here(), open_store(store)
    found = [project.function(name) for name in dict.fromkeys(names)] if names else project.functions()
    if not found:
        raise CommandError("there are no models in functions/ yet: start one with modelet new NAME")
    if stage and not any(stage in function.spec.stages for function in found):
        known = sorted({name for function in found for name in function.spec.stages})
        raise CommandError(f"no model.yaml has a stage {stage!r}: the stages are {', '.join(known) or 'none'}")
    bound(host, port).close()  # a port in use is said before minutes are spent on publishing
    require_versions("up", found, kept, publish=publish_missing)
    functions = {function.name: function.at_stage(stage) for function in found}
    locks = {name: lock_for(function, kept) for name, function in functions.items()}
    versions = {name: lock.version for name, lock in locks.items()}  # as served: a reload may bring others
    index = index_function(project, versions.items())

    def rebuild(name: str) -> LocalFunction:
        if index is not None and name == index.name:
            if (renewed := index_function(project, versions.items())) is None:
                raise CommandError(f"functions/{index.watched.name}/app.py is missing: write it again")
            return renewed
        function = project.function(name).at_stage(stage)
        # Without a lock the version was pinned in memory, until model.yaml asks for another.
        kept_to = function.lock() is None and function.spec.version == functions[name].spec.version
        return generation(function, kept, locks[name] if kept_to else None)

    def served(function: LocalFunction) -> str | None:
        if index is None or function.name == index.name or versions[function.name] == function.version:
            return None
        versions[function.name] = function.version
        return index.name

    serve(
        [*(generation(functions[name], kept, locks[name]) for name in functions), *([index] if index else [])],
        default=index.name if index else None,
        host=host,
        port=port,
        api=api,
        cors=Cors(origins, exposed=("*",)) if origins else None,
        reload=reload,
        rebuild=rebuild,
        served=served,
        ready=lambda url: welcome(url, project, versions),
    )
