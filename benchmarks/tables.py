"""Tables of the benchmarks' results in Markdown, and their columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.machine import sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Column(NamedTuple):
    """A column of a table.

    figure: its key in a row. span: show minimum and maximum with the median. ratio: show the ratio to the first row.
    """

    title: str
    figure: str
    span: bool = False
    ratio: bool = False


class Section(NamedTuple):
    """The table of one benchmark. names: the keys that identify a row, with their titles."""

    names: dict[str, str]
    columns: tuple[Column, ...]


def plain(titles: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return a table of rows as they are, each with one value for a title."""
    lines = [titles, ["---"] * len(titles), *(list(map(str, row.values())) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


SUBJECT = {"subject": ""}
SECTIONS = {
    "cold_start": Section(
        SUBJECT,
        (
            Column("CPU ms", "cpu_ms", span=True, ratio=True),
            Column("wall ms", "wall_ms", span=True, ratio=True),
            Column("resident MB", "resident_mb", ratio=True),
            Column("peak MB", "peak_mb", ratio=True),
            Column("later round trip µs", "warm_us"),
        ),
    ),
    "stages": Section(
        SUBJECT,
        (
            Column("interpreter", "interpreter_cpu_ms"),
            Column("runtime client", "client_cpu_ms"),
            Column("imports", "imports_cpu_ms"),
            Column("own init", "init_cpu_ms"),
            Column("of it fetch", "fetch_ms"),
            Column("verify", "verify_ms"),
            Column("load", "load_ms"),
            Column("first inference", "first_cpu_ms"),
            Column("all CPU ms", "cpu_ms", span=True, ratio=True),
        ),
    ),
    "evicted": Section(
        SUBJECT,
        (
            Column("wall ms, evicted", "wall_ms", span=True, ratio=True),
            Column("MB read", "read_mb", ratio=True),
            Column("wall ms, cached", "warm_wall_ms", span=True, ratio=True),
        ),
    ),
    "images": Section(
        SUBJECT,
        (
            Column("wall ms", "wall_ms", span=True, ratio=True),
            Column("CPU ms", "cpu_ms", ratio=True),
            Column("process MB", "resident_mb", ratio=True),
            Column("group's peak MB", "group_peak_mb", ratio=True),
            Column("packages and code MB", "task_mb"),
        ),
    ),
    "warm": Section(
        {"request": "request", "way": "way", "subject": ""},
        (
            Column("CPU µs", "cpu_us", span=True, ratio=True),
            Column("above", "cpu_us_above"),
            Column("p50 µs", "p50_us", ratio=True),
            Column("above", "p50_us_above"),
            Column("p99 µs", "p99_us"),
        ),
    ),
    "servers": Section(
        SUBJECT,
        (
            Column("start s", "start_s", span=True, ratio=True),
            Column("p50 ms, 1", "p50_1_ms", span=True, ratio=True),
            Column("p99 ms, 1", "p99_1_ms"),
            Column("req/s, 1", "rps_1", ratio=True),
            Column("p50 ms, 8", "p50_8_ms"),
            Column("p99 ms, 8", "p99_8_ms"),
            Column("req/s, 8", "rps_8", span=True, ratio=True),
            Column("CPU µs, 1", "cpu_1_us"),
            Column("MB, 1", "memory_1_mb"),
            Column("MB, 8", "memory_8_mb"),
            Column("packages", "packages"),
            Column("installed MB", "installed_mb"),
            Column("not 200", "not_200"),
        ),
    ),
    "store": Section(
        {"server": "server", "size_mb": "MB", "subject": ""},
        (
            Column("ms", "wall_ms", span=True, ratio=True),
            Column("CPU ms", "cpu_ms", ratio=True),
            Column("MB/s", "mb_a_second"),
            Column("extra peak MB", "extra_peak_mb"),
        ),
    ),
    "publish": Section(
        {"subject": "sample"},
        (
            Column("start s", "start_s", span=True),
            Column("publish s", "publish_s"),
            Column("its CPU s", "publish_cpu_s"),
            Column("pin s", "pin_s"),
            Column("served s", "served_s"),
            Column("total s", "total_s", span=True),
        ),
    ),
    "batch": Section(
        SUBJECT,
        (
            Column("CPU µs a row", "cpu_us", span=True),
            Column("alone", "alone_us"),
            Column("rows/s of CPU", "rows_s", ratio=True),
            Column("peak MB", "peak_mb"),
        ),
    ),
    "batch_writing": Section(
        SUBJECT,
        (
            Column("CPU µs a row", "cpu_us", span=True),
            Column("rows/s of CPU", "rows_s", ratio=True),
            Column("rows/s, wall", "wall_rows_s"),
        ),
    ),
    "lookup": Section(SUBJECT, (Column("CPU µs", "cpu_us", span=True, ratio=True),)),
}
"""Every benchmark in docs/performance.md, in order."""


def table(result: dict[str, Any]) -> str:
    """Return one benchmark's result: the machine, the rows and the notes."""
    section = SECTIONS[result["benchmark"]]
    skipped = [str(row["skipped"]) for row in result["rows"] if "skipped" in row]
    if skipped:
        return f"Not measured in this run: {'; '.join(skipped)}."
    titles = [*section.names.values(), *(column.title for column in section.columns)]
    lines = [f"{sentence(result['machine'])}. Medians of {result['rounds']} rounds (least–most), × the first row.", ""]
    lines += [_line(titles), _line(["---"] * len(titles))]
    for row in result["rows"]:
        names = [str(row[name]) for name in section.names]
        lines.append(_line([*names, *(cell(row, column) for column in section.columns)]))
    return "\n".join([*lines, "", result["unit notes"].strip()])


def cell(row: dict[str, Any], column: Column) -> str:
    """Format a figure for a table, as in `91.8 (82.4–135) ×1.33`, or a dash if the row has none."""
    figure = column.figure
    if figure not in row:
        return "–"
    parts = [number(row[figure])]
    if column.span:
        parts.append(f"({number(row[f'{figure}_min'])}–{number(row[f'{figure}_max'])})")
    if column.ratio and f"{figure}_ratio" in row:
        parts.append(f"×{row[f'{figure}_ratio']:.2f}")
    return " ".join(parts)


def number(value: float) -> str:
    """Format a figure with three significant digits, or with all digits before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
