"""`modelet profile`."""

from __future__ import annotations

from pathlib import Path

import click

from modelet.dev.cli.command import command, current_project, name_argument, open_store, store_option
from modelet.dev.cli.output import document


@command(
    "modelet profile sentiment\n"
    "modelet profile sentiment --runs 15 --min 5\n"
    "modelet profile sentiment --json | jq .advice"
)
@name_argument
@click.option(
    "-e",
    "--event",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file that contains a Lambda event.  [default: the model's events/…/infer.json]",
)
@click.option(
    "--runs", type=click.IntRange(1, 100), default=5, show_default=True, help="The number of starts to measure."
)
@click.option(
    "--min",
    "least_ms",
    metavar="MS",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    help="Hide imports that cost less than this.",
)
@click.option("--all", "show_all", is_flag=True, help="Show every module of every import.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole profile as JSON.")
@store_option
def profile(
    name: str, event: Path | None, runs: int, least_ms: float, show_all: bool, as_json: bool, store: str | None
) -> None:
    """Show the cost of a model's cold start, and what to change.

    The model starts in fresh processes, as in Lambda, and each process answers one event: one process
    under -X importtime to measure imports, and --runs processes to measure CPU time, wall time and memory.
    """
    from modelet.dev.cli.profiled import show
    from modelet.dev.profile.profile import profile as take
    from modelet.dev.progress import progress

    project = current_project()
    function = project.function(name)
    path = event or project.root / "events" / function.folder.name / "infer.json"
    given = path.read_bytes() if path.is_file() else None
    with progress() as shown:
        found = take(function, open_store(store), given, runs, shown)
    asked = path.name if event else path.relative_to(project.root).as_posix()
    least_ms = 0.0 if show_all else least_ms
    if as_json:
        document({**found.document(least_ms), "event": asked if given is not None else None})
    else:
        show(found, asked, least_ms, modules=show_all)
    if given is None:
        click.echo(f"{asked} does not exist, so only the init was measured: pass a file with --event", err=True)
    elif found.status is not None and found.status >= 400:
        click.echo(f"{asked} got status {found.status}, so the first inference is an error response", err=True)
