"""One fetch in a fresh process: `python -m benchmarks.fetched HOW KEY SIZE SHA256 TARGET` prints its figures as JSON.

Only the fetch is measured: before it, the library is imported, its client is created, one small object is fetched to
open a connection, and the memory peak is reset.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Fetch = Callable[[str, int, str, Path], object]
    """Fetches a key with the given size and digest to a path."""

BUCKET = "models"


def by_boto3() -> Fetch:
    """Return boto3's own download to a file."""
    import boto3

    client = boto3.client("s3")
    return lambda key, _size, _sha256, target: client.download_file(BUCKET, key, str(target))


def by_boto3_checked() -> Fetch:
    """Return boto3's download with a check of the file's digest, which is needed to detect changed files."""
    import hashlib

    download = by_boto3()

    def fetch(key: str, size: int, sha256: str, target: Path) -> None:
        download(key, size, sha256, target)
        with target.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                raise ValueError(key)

    return fetch


def to_disk() -> Fetch:
    """Return Modelet's fetch of large files, which are streamed to disk and hashed at the same time."""
    from modelet.store.store import Store

    store = Store(f"s3://{BUCKET}")
    return lambda key, size, sha256, target: store.fetch_to(key, target, size, sha256)


def to_memory() -> Fetch:
    """Return Modelet's fetch of files up to 64 MB, which are hashed in memory."""
    from modelet.store.store import Store

    store = Store(f"s3://{BUCKET}")
    return lambda key, size, sha256, _target: store.fetch(key, size, sha256)


WAYS: dict[str, Callable[[], Fetch]] = {
    "boto3": by_boto3,
    "boto3-checked": by_boto3_checked,
    "disk": to_disk,
    "memory": to_memory,
}


def main(how: str, key: str, size: int, sha256: str, target: Path) -> dict[str, float]:
    """Fetch one object. Return wall and CPU ms, and the memory peak above the start, in MB."""
    fetch = WAYS[how]()
    small = json.loads((target.parent / "small.json").read_text())
    fetch(small["key"], small["size"], small["sha256"], target)
    Path("/proc/self/clear_refs").write_text("5")  # reset the peak: man 5 proc_pid_clear_refs
    before = _status_mb("VmRSS")
    spent, began = time.process_time(), time.perf_counter()
    fetched = fetch(key, size, sha256, target)
    wall, cpu = time.perf_counter() - began, time.process_time() - spent
    del fetched
    return {"wall_ms": wall * 1000, "cpu_ms": cpu * 1000, "extra_peak_mb": _status_mb("VmHWM") - before}


def _status_mb(name: str) -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) / 1024


if __name__ == "__main__":
    how, key, size, sha256, target = sys.argv[1:]
    sys.stdout.write(json.dumps(main(how, key, int(size), sha256, Path(target))))
