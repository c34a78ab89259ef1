"""What rules in model.yaml cost beside the same in Python: a start, a request, a row.

`python -m benchmarks.logic` prints one table. Both functions make the same answers from the same instances, without a
model: `rules` by logic.preprocess and logic.postprocess, `python` by a class. `empty` answers with the instance, by a
class. Each is started in fresh processes from the local disk; ratios are of medians in one run. The cost of a row is
the difference of requests of 1 and of 100 rows.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmarks.environment import Subject, measure
from benchmarks.lineup import command
from benchmarks.machine import machine, sentence
from benchmarks.tables import plain
from modelet.bundle import BUNDLE_FILE, ENTRY_POINT
from modelet.dev.local.runtime.variables import LAYER
from modelet.dev.scaffold.scaffold import events
from modelet.digest import digest

if TYPE_CHECKING:
    from collections.abc import Iterator

RULES = """
version: code
backend: python
logic:
  instance: {age: number, city: string, spent: number, visits: integer}
  predict_fn: none
  preprocess:
    age_group: {if: [{"<": [{var: age}, 20]}, young, {"<": [{var: age}, 60]}, adult, old]}
    is_home: {"==": [{var: city}, Seoul]}
    per_visit: {if: [{var: visits}, {"/": [{var: spent}, {var: visits}]}, 0]}
  postprocess:
    dict:
      items:
        - dict:
            id: {cat: [offer-, {var: features.age_group}]}
            name: {if: [{">": [{var: features.per_visit}, 10]}, gold, plain]}
            type: offer
            props: {dict: {home: {var: features.is_home}, visits: {var: instance.visits}}}
"""
TYPES = """
from typing import Any
from modelet import ModelHandler
from modelet.backends.python import RuleModel
from modelet.typing import TypedDict


class Visitor(TypedDict):
    age: float
    city: str
    spent: float
    visits: int

"""
PYTHON = f"""{TYPES}
class Offers(RuleModel[Visitor, dict[str, Any]]):
    def decide(self, instance: Visitor) -> dict[str, Any]:
        group = "young" if instance["age"] < 20 else "adult" if instance["age"] < 60 else "old"
        per_visit = instance["spent"] / instance["visits"] if instance["visits"] else 0
        name = "gold" if per_visit > 10 else "plain"
        props = {{"home": instance["city"] == "Seoul", "visits": instance["visits"]}}
        return {{"items": [{{"id": "offer-" + group, "name": name, "type": "offer", "props": props}}]}}

handler = ModelHandler(Offers)
"""
EMPTY = f"""{TYPES}
class Same(RuleModel[Visitor, dict[str, Any]]):
    def infer(self, inputs: list[Visitor]) -> list[dict[str, Any]]:
        return inputs

handler = ModelHandler(Same)
"""
CODE = "version: code\nbackend: python\n"
VISITOR = {"age": 31.5, "city": "Seoul", "spent": 120.0, "visits": 7}
MANY = 100
WARM = 300


@contextmanager
def lineup() -> Iterator[dict[str, tuple[Subject, bytes, bytes]]]:
    """Yield each function with its event of one row, and of many."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        for name, app in (("rules", ""), ("python", PYTHON), ("empty", EMPTY)):
            place = root / "functions" / name
            place.mkdir(parents=True)
            (place / "model.yaml").write_text(CODE if app else RULES)
            if app:
                (place / "app.py").write_text(app)
        command(root, "pin")
        command(root, "bundle")
        yield {name: _entry(root, name) for name in ("empty", "python", "rules")}


def _entry(root: Path, name: str) -> tuple[Subject, bytes, bytes]:
    folder = root / "functions" / name
    given = {
        "MODELET_BUNDLE_SHA256": digest((folder / BUNDLE_FILE).read_bytes()),
        "MODELET_STORE": (root / ".modelet/store").as_uri(),
        "PYTHONPATH": str(LAYER),
    }
    one = events(name, {"first": VISITOR, "second": VISITOR, "invalid": {}})["infer"]
    many = {**one, "body": json.dumps({"instances": [VISITOR] * MANY})}
    return Subject(name, folder, ENTRY_POINT, given), _bytes(one), _bytes(many)


def _bytes(event: object) -> bytes:
    return json.dumps(event).encode()


@click.command()
@click.option("--rounds", type=click.IntRange(1, 100), default=15, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(rounds: int, as_json: bool) -> None:
    """Measure, as in: python -m benchmarks.logic --rounds 5."""
    cpu: dict[str, list[float]] = {}
    warm: dict[tuple[str, int], list[float]] = {}
    with lineup() as entries, click.progressbar(range(rounds), label="rounds", file=sys.stderr) as counted:
        for _ in counted:
            for name in random.sample(list(entries), len(entries)):
                subject, one, many = entries[name]
                for rows, event in ((1, one), (MANY, many)):
                    sample = measure(subject, event, warm=WARM)
                    if json.loads(sample.answers[0])["statusCode"] != 200:
                        raise RuntimeError(f"{name} answers {sample.answers[0][:300]!r}")
                    warm.setdefault((name, rows), []).append(statistics.median(sample.warm_us))
                    if rows == 1:
                        cpu.setdefault(name, []).append(sample.cpu_ms)
    start = {name: statistics.median(values) for name, values in cpu.items()}
    request = {key: min(values) for key, values in warm.items()}
    found = [
        {
            "function": name,
            "start_cpu_ms": round(start[name], 1),
            "of_empty": round(start[name] / start["empty"], 3),
            "request_us": round(request[name, 1]),
            "row_us": round((request[name, MANY] - request[name, 1]) / (MANY - 1), 2),
        }
        for name in entries
    ]
    if as_json:
        figures = {"benchmark": "logic", "machine": machine(), "rounds": rounds, "rows": found}
        click.echo(json.dumps(figures, indent=2))
        return
    click.echo(f"{sentence(machine())}; medians of {rounds} rounds\n")
    click.echo(plain(("function", "start, CPU ms", "× empty", "µs a request of one row", "µs a row more"), found))


if __name__ == "__main__":
    main()
