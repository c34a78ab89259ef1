"""`modelet up`."""

from __future__ import annotations

import ipaddress
import re
from functools import partial
from typing import TYPE_CHECKING, Literal

import click

from modelet.dev.cli.command import command, complete_name, current_project, open_store, store_option
from modelet.dev.cli.missing import publish_option, require_versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from modelet.dev.local.runtime.function import LocalFunction
    from modelet.dev.project.project import Function, Project

ORIGIN = re.compile(r"\*|https?://(\*|[^/?#@\s*]+)")
"""An allowed origin of an HTTP API: all origins, all of a scheme, or one without a path."""


def _check_stage(stage: str | None, functions: Iterable[Function]) -> None:
    from modelet.errors import CommandError

    known = sorted({name for function in functions for name in function.spec.stages})
    if stage and stage not in known:
        raise CommandError(f"no model.yaml has the stage {stage!r}: the stages are {', '.join(known) or 'none'}")


def _checked_origins(context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    for origin in given:
        if not ORIGIN.fullmatch(origin):
            message = f"{origin!r} is not an origin: give only scheme, host and port, such as http://localhost:3000."
            raise click.BadParameter(message, context, parameter)
    return given


@command(
    "modelet up\n"
    "modelet up sentiment --reload\n"
    "modelet up --publish --port 9000 --stage prod\n"
    "modelet up --cors-origin http://localhost:3000"
)
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=complete_name)
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=8000, show_default=True, help="The port; 0 picks a free one."
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Bind to this address or host name, so that other machines can connect; 0.0.0.0 binds to all addresses.",
)
@publish_option
@click.option("--stage", help="The stage of model.yaml whose overrides apply.")
@click.option("--reload", is_flag=True, help="Reload a model when its files or its lock change, if the new code loads.")
@click.option(
    "--api",
    type=click.Choice(["http", "rest"]),
    default="http",
    show_default=True,
    help="The type of the gateway: HTTP API (payload format 2.0) or REST API (1.0).",
)
@click.option(
    "--cors-origin",
    "origins",
    metavar="ORIGIN",
    multiple=True,
    callback=_checked_origins,
    help="Allow pages from this origin to read responses: https://app.example, or * for all. Repeatable.",
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
    """Serve models on this machine, as Lambda and API Gateway do.

    Without NAMES, serve all models, until Ctrl-C. The version of a model comes from its model.lock, or from model.yaml
    if there is no lock. A model handles scaling.max_concurrency requests at once (default: ten) and throttles the rest,
    as Lambda does.

    The Host header of a request must be localhost, 127.0.0.1, [::1] or the --host, with any port. This protects the
    models from DNS rebinding by web pages. With --host 0.0.0.0 or ::, every IP address and this machine's name are
    accepted. Where other machines can connect, a batch cannot name files of this machine.
    """
    if origins and api == "rest":
        raise click.UsageError(
            "--cors-origin needs --api http: with a REST API, the function itself sets these headers."
        )
    from modelet.dev.local.emulator.prepare import prepare_again, prepare_emulated, with_features
    from modelet.dev.local.gateway.cors import Cors
    from modelet.dev.local.prepare import generation, index_function, lock_for
    from modelet.dev.local.serve import bound, serve
    from modelet.errors import CommandError

    project, kept = current_project(), open_store(store)
    found = [project.function(name) for name in dict.fromkeys(names)] if names else project.functions()
    if not found:
        raise CommandError("no models in functions/ yet: create one with `modelet new NAME`")
    _check_stage(stage, found)
    with bound(host, port) as sock:  # fail on a port in use before publishing, which can take minutes
        is_private = ipaddress.ip_address(sock.getsockname()[0]).is_loopback
    require_versions("up", found, kept, publish=publish_missing)
    functions = {function.name: function.at_stage(stage) for function in found}
    locks = {name: lock_for(function, kept) for name, function in functions.items()}
    versions = {name: lock.version for name, lock in locks.items()}  # the versions served now; a reload may change them
    index = index_function(project, versions.items())
    local = [generation(functions[name], kept, locks[name]) for name in functions]
    emulated = prepare_emulated(project, functions.values(), local, kept, takes_files=is_private)
    local = [with_features(emulated, functions[each.name], each, kept, project) for each in local]

    def staged(name: str) -> Function:
        return project.function(name).at_stage(stage)

    def rebuild(name: str) -> LocalFunction:
        if again := emulated and prepare_again(emulated, name, project, kept, find=staged, rebuild=rebuild):
            return again
        if index is not None and name == index.name:
            if (renewed := index_function(project, versions.items())) is None:
                raise CommandError(f"functions/{index.watched.name}/app.py is missing: restore it")
            return renewed
        function = staged(name)
        # Without a lock, the version is pinned in memory until model.yaml names another one.
        kept_to = (
            function.lock() is None and not function.is_code and function.spec.version == functions[name].spec.version
        )
        renewed_one = generation(function, kept, locks[name] if kept_to else None)
        return with_features(emulated, function, renewed_one, kept, project)

    def served(function: LocalFunction) -> str | None:
        if index is None or versions.get(function.name) in {None, function.version}:
            return None
        versions[function.name] = function.version
        return index.name

    serve(
        [*local, *([index] if index else [])],
        default=index.name if index else None,
        host=host,
        port=port,
        api=api,
        cors=Cors(origins, exposed=("*",)) if origins else None,
        reload=reload,
        rebuild=rebuild,
        served=served,
        ready=partial(_ready, project, versions),
        emulated=emulated,
    )


def _ready(project: Project, versions: Mapping[str, str], url: str) -> None:
    """Say that the models are served, to people and to other commands."""
    from modelet.dev.cli.welcome import welcome
    from modelet.dev.local.run import run_folder
    from modelet.dev.local.session import announce

    announce(run_folder(project.root), url, list(versions))
    welcome(url, project, versions)
