"""A generation of sources: all that a function can read, and nothing that an edit can reach."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelet.dev.local.snapshot import LARGE, take_snapshot

NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=8
)
TREES = st.recursive(
    st.binary(max_size=20),
    lambda inner: st.dictionaries(NAMES.filter(lambda name: name not in {".", ".."}), inner, max_size=4),
    max_leaves=12,
)


def write(folder: Path, tree: dict[str, object]) -> None:
    folder.mkdir(parents=True)
    for name, value in tree.items():
        if isinstance(value, dict):
            write(folder / name, value)
        else:
            assert isinstance(value, bytes)
            (folder / name).write_bytes(value)


def read(folder: Path) -> dict[str, object]:
    return {path.name: read(path) if path.is_dir() else path.read_bytes() for path in folder.iterdir()}


@settings(deadline=None)
@given(st.dictionaries(NAMES.filter(lambda name: name not in {".", ".."}), TREES, max_size=5))
def test_every_file_is_there_byte_for_byte_and_edits_do_not_reach_it(tree: dict[str, object]) -> None:
    with tempfile.TemporaryDirectory() as root:
        sources, copy = Path(root, "sources"), Path(root, "run", "copy")
        write(sources, tree)
        take_snapshot(sources, copy)
        assert read(copy) == tree
        for path in sources.rglob("*"):
            if path.is_file():
                path.write_bytes(b"edited in place")
        assert read(copy) == tree


def test_what_is_baked_or_of_a_tool_is_left_out(tmp_path: Path) -> None:
    tree: dict[str, object] = {
        "app.py": b"1",
        "baked": {"tiny": b"model"},
        ".baked.x1": {"new": b""},
        ".git": {"HEAD": b""},
        "__pycache__": {"app.pyc": b""},
        "deep": {"baked": {"kept.csv": b"2"}, ".git": {"HEAD": b""}},
        ".env": b"3",
    }
    write(tmp_path / "sources", tree)
    take_snapshot(tmp_path / "sources", tmp_path / "copy")
    assert read(tmp_path / "copy") == {"app.py": b"1", "deep": {"baked": {"kept.csv": b"2"}}, ".env": b"3"}


def test_links_become_what_they_point_to_and_those_that_lead_back_or_nowhere_are_left_out(tmp_path: Path) -> None:
    write(tmp_path / "shared", {"common.py": b"1", "more": {"deep.py": b"2"}})
    write(tmp_path / "sources", {"app.py": b"3"})
    for name, target in {
        "common.py": "../shared/common.py",
        "shared": "../shared",
        "itself": ".",
        "all": "..",
        "gone": "nowhere",
    }.items():
        (tmp_path / "sources" / name).symlink_to(target)
    take_snapshot(tmp_path / "sources", tmp_path / "copies" / "copy")
    found = read(tmp_path / "copies" / "copy")
    shared = {"common.py": b"1", "more": {"deep.py": b"2"}}
    assert found.pop("all") == {"shared": shared, "copies": {}}
    assert found == {"app.py": b"3", "common.py": b"1", "shared": shared}


def test_what_is_no_file_does_not_hold_it_up(tmp_path: Path) -> None:
    write(tmp_path / "sources", {"app.py": b"1"})
    os.mkfifo(tmp_path / "sources" / "pipe")
    take_snapshot(tmp_path / "sources", tmp_path / "copy")
    assert read(tmp_path / "copy") == {"app.py": b"1"}


@pytest.mark.parametrize("size", [LARGE - 1, LARGE])
def test_large_files_cost_no_room_and_stay_when_they_are_replaced(tmp_path: Path, size: int) -> None:
    write(tmp_path / "sources", {})
    data = tmp_path / "sources" / "data.bin"
    with data.open("wb") as file:
        file.truncate(size)
    take_snapshot(tmp_path / "sources", tmp_path / "copy")
    copy = tmp_path / "copy" / "data.bin"
    assert copy.samefile(data) is (size >= LARGE)
    (tmp_path / "new").write_bytes(b"new")
    (tmp_path / "new").replace(data)
    assert copy.stat().st_size == size
