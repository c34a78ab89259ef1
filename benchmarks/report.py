"""Write the measured results into docs/performance.md: `python -m benchmarks.report`, after `make bench`.

It reads `.modelet/bench/NAME.json`, and replaces the text between `<!-- begin NAME -->` and `<!-- end NAME -->`. The
rest of the document is written by hand. Plots go to docs/performance/. The same JSON gives the same files.
"""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from benchmarks import marks
from benchmarks.plots import Bar, bars
from benchmarks.tables import SECTIONS, table
from benchmarks.warm import CLIENT, DIRECT

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / ".modelet/bench"
DOCUMENT = ROOT / "docs/performance.md"


class Plot(NamedTuple):
    """A plot: the name of its file, its title, the benchmark, the figure, and a filter for the rows."""

    file: str
    title: str
    benchmark: str
    figure: str
    chosen: Callable[[dict[str, Any]], bool] = lambda _row: True


PLOTS = (
    Plot("cold_start", "Cold start to the first answer, CPU ms", "cold_start", "cpu_ms"),
    Plot("memory", "Memory after the first answer, MB", "cold_start", "resident_mb"),
    Plot(
        "warm",
        "One warm row through the runtime client, CPU µs",
        "warm",
        "cpu_us",
        lambda row: row["request"] == marks.ONE_ROW and row["way"] == CLIENT,
    ),
    Plot(
        "rows",
        "1,000 named rows of 30 features in process, CPU µs",
        "warm",
        "cpu_us",
        lambda row: row["request"] == marks.NAMED_ROWS and row["way"] == DIRECT,
    ),
    Plot("latency", "Over HTTP at one connection, p50 ms", "servers", "p50_1_ms"),
    Plot("rate", "Over HTTP at eight connections, answers a second", "servers", "rps_8"),
    Plot(
        "store",
        "300 MB from a server as S3, ms",
        "store",
        "wall_ms",
        lambda row: row["server"] == "as S3" and row["size_mb"] == 300,
    ),
)


def read(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the results of all benchmarks by name. Raises click.ClickException if results are missing."""
    found = {}
    for name in SECTIONS:
        file = folder / f"{name}.json"
        try:
            found[name] = json.loads(file.read_text())
        except FileNotFoundError:
            how = f"`make bench` measures all, `python -m benchmarks.{name} --json > {file}` this alone"
            raise click.ClickException(f"{file} is missing: {how}") from None
        except ValueError:
            raise click.ClickException(f"{file} is not valid JSON: delete it, and run `make bench` again") from None
    return found


def plot(wanted: Plot, results: marks.Results) -> str:
    """Return one plot as SVG, with Modelet's bars in colour."""
    rows = results[wanted.benchmark]["rows"]
    name = wanted.figure
    found = [
        Bar(
            row["subject"],
            row[name],
            row[f"{name}_min"],
            row[f"{name}_max"],
            row["subject"].lower().startswith("modelet"),
        )
        for row in rows
        if name in row and wanted.chosen(row)
    ]
    return bars(wanted.title, found)


def filled(document: str, texts: dict[str, str]) -> str:
    """Replace the texts between a document's markers. Raises click.ClickException if a marker is missing."""
    for name, text in texts.items():
        marked = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        document, count = marked.subn(partial(_between, text), document)
        if count != 1:
            raise click.ClickException(f"docs/performance.md needs {begin} and {end} once, and has them {count} times")
    return document


def _between(text: str, match: re.Match[str]) -> str:
    return f"{match[1]}\n{text}\n\n{match[2]}"


def write(results: marks.Results, document: Path) -> None:
    """Write tables into the document, and plots into the folder with its name."""
    texts = {name: table(result) for name, result in results.items()} | {"marks": marks.table(results)}
    document.write_text(filled(document.read_text(), texts))
    folder = document.with_suffix("")
    folder.mkdir(exist_ok=True)
    for each in PLOTS:
        (folder / f"{each.file}.svg").write_text(plot(each, results))


@click.command()
@click.option("--results", type=click.Path(path_type=Path), default=RESULTS, help="The folder of NAME.json.")
@click.option(
    "--document", type=click.Path(exists=True, path_type=Path), default=DOCUMENT, help="The document to update."
)
def main(results: Path, document: Path) -> None:
    """Update docs/performance.md from the measured results."""
    write(read(results), document)
    click.echo(f"wrote {document}")


if __name__ == "__main__":
    main()
