from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.kinds import KINDS, Published, event
from benchmarks.live import Block
from benchmarks.machine import rows
from benchmarks.warm import labels, measure, sample, table

INSTANCES = [{"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 4.0}]
PUBLISHED = Published(Path(), Path(), Path(), ["a", "b"], INSTANCES)


class Fake:
    """A function whose blocks cost what they are told to."""

    first = b"{}"

    def __init__(self, costs: Iterator[float]) -> None:
        self._costs = costs

    def block(self, count: int) -> Block:
        cost = next(self._costs)
        return Block(cost * count, [cost] * count)

    def stop(self) -> None:
        pass


def test_what_is_above_is_paired_within_a_round_so_that_drift_cancels() -> None:
    ups = {"bare": Fake(iter([99.0, 10.0, 20.0, 40.0])), "ours": Fake(iter([99.0, 15.0, 25.0, 45.0]))}
    [bare, ours] = rows(measure(ups, 3, 7))
    assert bare["cpu_us"] == 20.0
    assert ours["cpu_us_above"] == ours["cpu_us_above_min"] == ours["cpu_us_above_max"] == 5.0
    assert ours["p50_us_above"] == 5.0


def test_a_block_becomes_figures_of_one_request() -> None:
    times = [float(each) for each in range(1, 101)]
    assert sample(Block(1_000.0, times)) == {"cpu_us": 10.0, "p50_us": 50.5, "p99_us": 100.0}


def test_an_event_has_as_many_instances_as_its_kind_named_or_as_one_matrix() -> None:
    one, named, matrix, _text = [json.loads(json.loads(event(kind, PUBLISHED))["body"]) for kind in KINDS]
    assert one == {"instances": INSTANCES[:1]}
    assert len(named["instances"]) == 1_000
    assert matrix["inputs"][0]["shape"] == [1_000, 2]
    assert matrix["inputs"][0]["data"][:5] == [1.0, 2.0, 3.0, 4.0, 1.0]


@pytest.mark.parametrize(
    "body",
    [
        [{"label": "a"}, {"label": "b"}],
        {"predictions": [{"label": "a"}, {"label": "b"}], "model": "x"},
        {"outputs": [{"name": "probability", "data": [0.5, 0.5]}, {"name": "label", "data": ["a", "b"]}]},
    ],
)
def test_labels_are_found_in_every_shape_of_an_answer(body: object) -> None:
    assert labels(json.dumps({"statusCode": 200, "body": json.dumps(body)}).encode()) == ["a", "b"]


def test_an_answer_that_is_no_prediction_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="status 422"):
        labels(json.dumps({"statusCode": 422, "body": "{}"}).encode())


def test_the_table_shows_each_row_of_each_way() -> None:
    samples = {"bare": [{"cpu_us": 5.0, "cpu_us_above": 0.0, "p50_us": 5.0, "p50_us_above": 0.0, "p99_us": 9.0}]}
    found = [{"request": "1 row", "way": "in process", **row} for row in rows(samples)]
    where = dict.fromkeys(("cores", "cpu", "memory", "kernel", "python"), "x")
    text = table({"machine": where, "rounds": 1, "rows": found})
    assert "| 1 row | in process | bare | 5 | 0 | 5 | 0 | 9 | 1 |" in text
