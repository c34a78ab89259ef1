"""Where a figure was measured and with what, and how samples become rows: every benchmark's JSON is made of these."""

from __future__ import annotations

import os
import platform
import statistics
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = ("numpy", "onnxruntime", "scikit-learn", "pydantic-core")

Row = dict[str, str | float]


def machine() -> dict[str, str]:
    """Cores, CPU, memory, kernel, Python and the versions of the libraries that the figures depend on."""
    facts = {
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "cpu": _field("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "memory": _memory(),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
    return facts | {name: _version(name) for name in LIBRARIES}


def sentence(machine: dict[str, str]) -> str:
    """The same in one line, as it stands above a table."""
    libraries = ", ".join(f"{name} {machine[name]}" for name in LIBRARIES if name in machine)
    where = f"{machine['cores']} cores of {machine['cpu']}, {machine['memory']}, {machine['kernel']}"
    return f"{where}; Python {machine['python']}, {libraries}"


def rows(samples: dict[str, list[dict[str, float]]]) -> list[Row]:
    """One row a subject: each figure's median under its name, `_min`, `_max`, and `_ratio` to the first row's median.

    samples: for each subject its figures, once a round. Four significant digits are kept, of ratios three. A figure
    that the first subject lacks, or that is 0 there, gets no ratio.
    """
    found: list[Row] = []
    for subject, rounds in samples.items():
        row: Row = {"subject": subject}
        for figure in dict.fromkeys(name for each in rounds for name in each):
            values = [each[figure] for each in rounds if figure in each]
            median = statistics.median(values)
            row |= {figure: kept(median), f"{figure}_min": kept(min(values)), f"{figure}_max": kept(max(values))}
            first = found[0].get(figure) if found else median
            if first:
                row[f"{figure}_ratio"] = kept(median / float(first), 3)
        found.append(row)
    return found


def kept(value: float, digits: int = 4) -> float:
    """A figure with as many significant digits as it deserves."""
    return float(f"{value:.{digits}g}")


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:  # a peer's environment has what the peer needs
        return "absent"


def _field(file: str, name: str) -> str | None:
    """The first value of a `name : value` file of the kernel's, or None where there is none."""
    try:
        lines = Path(file).read_text().splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), None)


def _memory() -> str:
    total = _field("/proc/meminfo", "MemTotal")
    return f"{int(total.split()[0]) / 2**20:.0f} GB" if total else "memory unknown"
