"""The tree that comes out is the one that was imported, whatever else is printed between."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from modelet.dev.profile.importtime import Import, parse

NAMES = st.from_regex(r"[a-z_]\w{0,8}(\.[a-z_]\w{0,8}){0,3}", fullmatch=True)
TREES = st.recursive(
    st.builds(Import, NAMES, st.integers(0, 10**7)),
    lambda below: st.builds(Import, NAMES, st.integers(0, 10**7), st.lists(below, max_size=4)),
    max_leaves=30,
)
HEADING = "import time: self [us] | cumulative | imported package"


def written(tree: Import, depth: int = 0) -> Iterator[str]:
    """As CPython writes it (import.c): what is imported comes before its importer."""
    for child in tree.children:
        yield from written(child, depth + 1)
    yield f"import time: {tree.self_us:9d} | {tree.cumulative_us:10d} | {'  ' * depth}{tree.module}"


def all_lines(trees: list[Import]) -> list[str]:
    return [HEADING, *(line for tree in trees for line in written(tree))]


@given(st.lists(TREES, max_size=5))
def test_what_was_written_is_read_back(trees: list[Import]) -> None:
    assert parse(all_lines(trees)) == trees


@given(st.lists(TREES, max_size=3), st.data())
def test_what_the_function_prints_changes_nothing(trees: list[Import], data: st.DataObject) -> None:
    lines = all_lines(trees)
    for said in data.draw(st.lists(st.sampled_from(["hello", "", '{"level":"INFO"}', "import time: fast", HEADING]))):
        lines.insert(data.draw(st.integers(0, len(lines))), said)
    assert parse(lines) == trees


@given(st.lists(TREES, max_size=3))
def test_a_print_without_a_newline_loses_no_import(trees: list[Import]) -> None:
    assert parse([f"loading… {line}" for line in all_lines(trees)]) == trees


@given(st.lists(st.tuples(NAMES, st.integers(0, 1000), st.integers(0, 9))))
def test_lines_that_threads_have_mixed_lose_no_import(mixed: list[tuple[str, int, int]]) -> None:
    lines = [f"import time: {took:9d} | {took:10d} | {'  ' * depth}{name}" for name, took, depth in mixed]
    found = [each for root in parse(lines) for each in root.walk()]
    assert sorted((each.module, each.self_us) for each in found) == sorted((name, took) for name, took, _ in mixed)


def test_this_very_interpreter_writes_what_is_read() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import json"], capture_output=True, text=True, check=True
    )
    roots = {root.module: root for root in parse(done.stderr.splitlines())}
    assert {"json.decoder", "json.encoder"} <= {each.module for each in roots["json"].children}
    assert roots["json"].cumulative_us >= sum(each.cumulative_us for each in roots["json"].children)
