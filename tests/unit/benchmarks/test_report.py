from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import click
import pytest

from benchmarks import batch, batch_writing, lookup, marks
from benchmarks.kinds import ATTENTIVE
from benchmarks.lineup import NAIVE
from benchmarks.machine import machine, rows
from benchmarks.plots import Bar, bars
from benchmarks.report import DOCUMENT, PLOTS, filled, read, write
from benchmarks.tables import SECTIONS, Column, cell, number, table
from benchmarks.warm import CLIENT, DIRECT

SUBJECTS = {
    "cold_start": ["floor: numpy + onnxruntime", "modelet, S3", NAIVE],
    "stages": ["floor: numpy + onnxruntime"],
    "evicted": ["floor: numpy + onnxruntime"],
    "images": ["floor, in the same image"],
    "warm": ["bare onnxruntime", "modelet", ATTENTIVE, marks.FASTAPI],
    "servers": ["Modelet", *marks.PEERS, "FastAPI + uvicorn"],
    "store": ["boto3 download_file", "boto3 download_file, then SHA-256", "modelet to disk, hashed"],
    "publish": ["sentiment", "diabetes"],
    "batch": [batch.SUBJECTS["plain"], batch.SUBJECTS["write"], batch.SUBJECTS["import"]],
    "batch_writing": [batch_writing.FIRST, batch_writing.WRITE, batch_writing.IMPORT],
    "lookup": [lookup.WHOLE, lookup.FRAME],
}
FIXED: dict[str, list[dict[str, Any]]] = {
    "warm": [
        {"request": request, "way": way} for request in (marks.ONE_ROW, marks.NAMED_ROWS) for way in (CLIENT, DIRECT)
    ],
    "store": [{"server": "as S3", "size_mb": 300}, {"server": "at once", "size_mb": 300}],
}


def results() -> dict[str, dict[str, Any]]:
    """Tiny results of every benchmark: the first subject's figures are 2, the next one's 4, and so on."""
    found = {}
    for name, section in SECTIONS.items():
        figures = [column.figure for column in section.columns]
        samples = {subject: [dict.fromkeys(figures, 2.0 * place)] for place, subject in enumerate(SUBJECTS[name], 1)}
        made = [{**fixed, **row} for fixed in FIXED.get(name, [{}]) for row in rows(samples)]
        head = {"benchmark": name, "machine": machine(), "rounds": 1, "unit notes": f"Notes on {name}."}
        found[name] = head | {"rows": made}
    return found


def kept_in(folder: Path) -> Path:
    for name, result in results().items():
        (folder / f"{name}.json").write_text(json.dumps(result))
    return folder


def test_every_table_says_where_it_was_measured_how_often_and_what_it_means() -> None:
    for name, result in results().items():
        text = table(result)
        assert f"numpy {result['machine']['numpy']}" in text
        assert "Medians of 1 rounds" in text
        assert f"Notes on {name}." in text
        assert all(subject in text for subject in SUBJECTS[name])


def test_a_cell_has_the_median_the_spread_and_the_ratio() -> None:
    [_, row] = rows({"floor": [{"ms": 50.0}], "ours": [{"ms": 91.84}, {"ms": 82.4}, {"ms": 1351.0}]})
    assert cell(row, Column("ms", "ms", span=True, ratio=True)) == "91.8 (82.4–1,351) ×1.84"
    assert cell(row, Column("ms", "ms")) == "91.8"


def test_a_figure_that_a_row_lacks_is_a_dash() -> None:
    assert cell({"subject": "floor"}, Column("fetch", "fetch_ms", span=True)) == "–"


def test_a_benchmark_that_could_not_run_says_why() -> None:
    result = results()["images"] | {"rows": [{"subject": "image", "skipped": "there is no Docker engine"}]}
    assert table(result) == "Not measured in this run: there is no Docker engine."


@pytest.mark.parametrize(("value", "shown"), [(0.04567, "0.0457"), (1.5, "1.5"), (99.96, "100"), (12345.6, "12,346")])
def test_figures_are_shown_with_the_digits_that_they_deserve(value: float, shown: str) -> None:
    assert number(value) == shown


def test_the_marks_say_what_was_measured_and_whether_it_was_kept() -> None:
    text = marks.table(results())
    assert "| cold start, model in S3: CPU | ≤ 1.3 × floor | 2 × | **no** |" in text
    assert "| publish to served | ≤ 10 s | 2 s sentiment, 4 s diabetes | yes |" in text
    assert "| start of `modelet up` to the first prediction | ≤ 1 s | 2 s sentiment, 4 s diabetes | **no** |" in text
    assert "| cold start, model in the image: CPU | ≤ 1.15 × floor | not in this run | – |" in text


def test_a_fetch_is_marked_for_each_server_against_a_download_that_is_not_hashed() -> None:
    measured = results()
    for row in measured["store"]["rows"]:
        if row["subject"] == "boto3 download_file":
            row["wall_ms"] = 9.0 if row["server"] == "as S3" else 6.0
    text = marks.table(measured)
    assert "| ≥ 1.5 × faster | 1.5 ×; 0.667 × where boto3's is hashed too | yes |" in text
    assert "| ≥ 1.5 × faster | 1 ×; 0.667 × where boto3's is hashed too | **no** |" in text


def test_a_warm_row_is_marked_against_the_bare_handler_with_a_line_and_an_alarm_in_both_ways() -> None:
    figures = {CLIENT: {"modelet": 6.0, ATTENTIVE: 4.0}, DIRECT: {"modelet": 10.0, ATTENTIVE: 4.0}}
    measured = results()
    for row in measured["warm"]["rows"]:
        row["cpu_us"] = figures[row["way"]].get(row["subject"], 1.0)
    text = marks.table(measured)
    assert "| ≤ 1.35 × (aim 1.15) | 1.5 × | **no** |" in text
    assert "| … in process | ≤ 2.6 × (aim 1.6) | 2.5 × | yes |" in text


def test_batches_are_marked_by_rows_and_look_ups_by_their_cpu() -> None:
    measured = results()
    text = marks.table(measured)
    assert "| … `load: import` | ≥ 8 × | 3 × | **no** |" in text
    assert "`batch_writer`: rows/s of CPU | ≥ 3 × | 2 × | **no** |" in text
    assert "| a warm look-up of a prediction: CPU | ≤ 2 ms | 0.002 ms" in text
    for row in measured["batch"]["rows"]:
        row["rows_s_ratio"] = 8.0
    measured["lookup"]["rows"][0]["cpu_us"] = 2001.0
    text = marks.table(measured)
    assert "| … `load: import` | ≥ 8 × | 8 × | yes |" in text
    assert "| ≤ 2 ms | 2 ms; without FastAPI, Mangum and the log 2 ms | **no** |" in text


def test_the_document_has_every_marker_once_and_shows_every_plot() -> None:
    document = DOCUMENT.read_text()
    assert filled(document, dict.fromkeys([*SECTIONS, "marks"], "new")).count("\nnew\n") == len(SECTIONS) + 1
    assert all(f"](performance/{each.file}.svg)" in document for each in PLOTS)


def test_a_document_without_a_marker_is_refused_by_the_marker() -> None:
    with pytest.raises(click.ClickException, match="<!-- begin warm -->"):
        filled("nothing here", {"warm": "new"})


def test_what_was_not_measured_is_named_with_the_command_that_measures_it(tmp_path: Path) -> None:
    (kept_in(tmp_path) / "warm.json").unlink()
    with pytest.raises(click.ClickException, match=r"warm\.json is missing: `make bench`.*benchmarks\.warm --json"):
        read(tmp_path)


def test_a_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    (kept_in(tmp_path) / "warm.json").write_text("{")
    with pytest.raises(click.ClickException, match=r"warm\.json is not valid JSON"):
        read(tmp_path)


def test_the_same_results_write_the_same_files_again(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text(DOCUMENT.read_text())
    taken = read(kept_in(tmp_path))
    write(taken, document)
    files = [document, *sorted((tmp_path / "performance").iterdir())]
    first = [file.read_text() for file in files]
    write(taken, document)
    assert [file.read_text() for file in files] == first
    assert len(files) == 1 + len(PLOTS)


def test_a_plot_is_svg_whose_longest_bar_is_the_largest_figure() -> None:
    drawn = ElementTree.fromstring(bars('"a" < b', [Bar("floor", 2, 1, 3), Bar("modelet", 4, 4, 4, ours=True)]))
    _, floor, ours = [float(each.attrib["width"]) for each in drawn.iter("{http://www.w3.org/2000/svg}rect")]
    assert ours == pytest.approx(2 * floor)
    texts = [each.text for each in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ['"a" < b', "floor", "2", "modelet", "4"]
