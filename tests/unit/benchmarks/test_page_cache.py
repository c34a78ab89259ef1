"""Files in and out of the page cache."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from benchmarks.page_cache import below, cached_share, evict


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two files that are on the disk, and in memory too."""
    found = [tmp_path / "one", tmp_path / "two"]
    for path in found:
        path.write_bytes(os.urandom(200_000))
        with path.open("rb") as handle:
            os.fsync(handle.fileno())
    return found


def test_evicted_files_are_read_from_the_disk_again(files: list[Path], tmp_path: Path) -> None:
    system = subprocess.run(["stat", "-f", "-c", "%T", tmp_path], capture_output=True, text=True, check=True).stdout
    if system.strip() == "tmpfs":
        pytest.skip("what is in memory only cannot be evicted")
    assert cached_share(files) == 1
    evict(files)
    assert cached_share(files) == 0
    files[0].read_bytes()
    assert 0 < cached_share(files) <= 1


def test_files_are_found_once_and_empty_ones_and_links_are_left_out(files: list[Path], tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "link").symlink_to(files[0])
    assert below([tmp_path, tmp_path]) == files
