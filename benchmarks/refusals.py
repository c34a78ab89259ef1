"""The cost of rejecting invalid requests, for every kind of error and every kind of contract.

`python -m benchmarks.refusals` prints a table, and JSON with --json; `--kind flat` measures one contract. A rejection
may take three times the CPU of the most expensive valid body of its size, and 128 MB or that body's memory.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmarks.bodies import KINDS, PARTIAL, TABLES, bad, bad_for_model, bad_tensors, good
from benchmarks.environment import Subject, variables
from benchmarks.lineup import prepare
from benchmarks.machine import machine, sentence
from modelet.bundle import ENTRY_POINT
from modelet.dev.local.runtime.variables import LAYER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.bodies import Kind

HERE = Path(__file__).parent
SIZES = (400_000, 6_000_000)
"""Sizes of bodies in bytes: one that a firewall allows, and the largest that fits into an event."""
MEMORY_MB, TIMES = 128, 3
LEAST_MS = 10
"""CPU time in ms that every rejection may take, because smaller values depend on other load on the machine."""


def prepared(root: Path) -> Path:
    """Create a project with a function of each kind, published, pinned and bundled, and return its folder."""
    given = {"flat": "project/functions/iris", "classes": "project/functions/iris_pydantic"}
    given |= {name: f"warm_project/functions/{name}" for name in ("wide", "text")}
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        shutil.copytree(HERE / "refusal_project", project, dirs_exist_ok=True)
        for kind in KINDS:
            function = project / "functions" / kind.name
            if kind.name in given:
                shutil.copytree(HERE / given[kind.name], function)
                continue
            if (function / "train.py").exists():
                continue
            function.mkdir(exist_ok=True)
            for file in ("train.py", "model.yaml"):  # a version there must be; the kinds that are not tables ignore it
                shutil.copy(HERE / given["flat"] / file, function)
        return prepare(project, root)


def measured(root: Path, kind: Kind, size: int) -> Iterator[dict[str, Any]]:
    """Yield a row for each invalid body: its cost, and the CPU and memory of the most expensive valid body."""
    folder = root / "functions" / kind.name
    own = {"MODELET_STORE": (root / ".modelet/store").as_uri(), "PYTHONPATH": str(LAYER)}
    subject = Subject(kind.name, folder, ENTRY_POINT, own)
    command = [sys.executable, "-P", str(HERE / "forked.py"), subject.handler]
    with (
        tempfile.TemporaryDirectory() as events,
        subprocess.Popen(
            command, env=variables(subject), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process,
    ):

        def ask(body: bytes, *, partial: bool = False) -> dict[str, Any]:
            path = Path(events) / "event.json"
            path.write_bytes(_event(kind.name, body, partial=partial))
            print(path, file=process.stdin, flush=True)
            found: dict[str, Any] = json.loads(process.stdout.readline())  # type: ignore[union-attr] # it was asked for
            return found

        answers = {name: ask(body) for name, body in good(kind, size).items()}
        for name, answer in answers.items():
            if answer["status"] not in {200, 413}:
                raise click.ClickException(f"{kind.name}: {name} is rejected: {answer['said']}")
        bodies = bad(kind, size) | (bad_tensors(kind, size) if kind.tensors else {})
        bodies |= bad_for_model(kind, size) if kind.name in TABLES else {}
        found = {name: ask(body, partial=name.startswith(PARTIAL)) for name, body in bodies.items()}
        # A contract that accepts nearly anything accepts some of these bodies.
        answers |= {name: each for name, each in found.items() if each["status"] == 200 and PARTIAL not in name}
        most = {figure: max(each[figure] for each in answers.values()) for figure in ("cpu_ms", "extra_peak_mb")}
        for name, each in found.items():
            if name not in answers:
                yield {"contract": kind.name, "bytes": size, "body": name, **each, "answer": most}
        process.stdin.close()  # type: ignore[union-attr] # it was asked for


def is_kept(row: dict[str, Any]) -> bool:
    """Return whether a rejection costs no more than the limit."""
    answer = row["answer"]
    return bool(
        row["cpu_ms"] <= max(LEAST_MS, TIMES * answer["cpu_ms"])
        and row["extra_peak_mb"] <= max(MEMORY_MB, answer["extra_peak_mb"])
    )


def _event(name: str, body: bytes, *, partial: bool = False) -> bytes:
    found = json.loads((HERE.parent / "events/sentiment/infer.json").read_text())
    path = f"/v2/models/{name}/infer" if body.startswith(b'{"inputs"') else f"/models/{name}/infer"
    found |= {"rawPath": path, "body": body.decode(), "rawQueryString": "partial=true" if partial else ""}
    found["requestContext"]["http"]["path"] = path
    return json.dumps(found).encode()


@click.command()
@click.option("--kind", "names", multiple=True, help="Kinds of contract; by default all of them.")
@click.option("--size", "sizes", multiple=True, type=int, default=SIZES, show_default=True, help="Bytes of a body.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(names: tuple[str, ...], sizes: tuple[int, ...], as_json: bool) -> None:
    """Measure, as in: python -m benchmarks.refusals --kind flat."""
    if not hasattr(os, "fork") or not Path("/proc/self/clear_refs").exists():
        raise click.ClickException("this needs Linux, which measures the memory peak of one call")
    found = []
    with tempfile.TemporaryDirectory() as folder:
        root = prepared(Path(folder) / "project")
        for kind in KINDS:
            for size in sizes if not names or kind.name in names else ():
                click.echo(f"{kind.name}, {size} bytes", err=True)
                found += list(measured(root, kind, size))
    result = {"benchmark": "refusals", "machine": machine(), "rows": found}
    click.echo(json.dumps(result, indent=2, ensure_ascii=False) if as_json else table(result))


def table(result: dict[str, Any]) -> str:
    """Return the result as Markdown: the most expensive rejections, and all that exceed the limit."""
    lines = [sentence(result["machine"]), ""]
    lines += ["| contract | bytes | body | status | CPU ms | dearest answer | extra MB | dearest answer | kept |"]
    lines += ["|---|---|---|---|---|---|---|---|---|"]
    groups: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in result["rows"]:
        groups.setdefault((row["contract"], row["bytes"]), []).append(row)
    for rows in groups.values():
        worst = [max(rows, key=lambda row: row[figure]) for figure in ("cpu_ms", "extra_peak_mb")]
        shown = [row for row in rows if not is_kept(row) or row in worst]
        lines += [_line(row) for row in sorted(shown, key=lambda row: -row["cpu_ms"])]
    broken = sum(not is_kept(row) for row in result["rows"])
    return "\n".join([*lines, "", f"{len(result['rows'])} refusals, {broken} above the mark"])


def _line(row: dict[str, Any]) -> str:
    answer = row["answer"]
    figures = [row["cpu_ms"], answer["cpu_ms"], row["extra_peak_mb"], answer["extra_peak_mb"]]
    said = " | ".join(f"{figure:.0f}" for figure in figures)
    kept = "yes" if is_kept(row) else "**no**"
    return f"| {row['contract']} | {row['bytes']} | {row['body']} | {row['status']} | {said} | {kept} |"


if __name__ == "__main__":
    main()
