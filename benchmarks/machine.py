"""The machine of a measurement, and the conversion of samples to rows, for every benchmark's JSON."""

from __future__ import annotations

import os
import platform
import statistics
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = ("numpy", "onnxruntime", "scikit-learn", "pydantic-core")

Row = dict[str, str | float]


def machine() -> dict[str, str]:
    """Return cores, CPU, memory, kernel, Python and the versions of the libraries that the figures depend on."""
    facts = {
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "cpu": _field("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "memory": _memory(),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
    return facts | {name: _version(name) for name in LIBRARIES}


def sentence(machine: dict[str, str]) -> str:
    """Return the machine as one line, for the text above a table."""
    libraries = ", ".join(f"{name} {machine[name]}" for name in LIBRARIES if name in machine)
    where = f"{machine['cores']} cores of {machine['cpu']}, {machine['memory']}, {machine['kernel']}"
    return f"{where}; Python {machine['python']}, {libraries}"


def rows(samples: dict[str, list[dict[str, float]]]) -> list[Row]:
    """Return one row per subject: each figure's median, `_min`, `_max`, and `_ratio` to the first row's median.

    samples: for each subject its figures, once per round. Figures keep four significant digits, ratios three. A figure
    that is missing or 0 for the first subject has no ratio.
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
    """Round a figure to a number of significant digits."""
    return float(f"{value:.{digits}g}")


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:  # a peer's environment has only the peer's packages
        return "absent"


def _field(file: str, name: str) -> str | None:
    """Return the first value of a `name : value` file of the kernel, or None."""
    try:
        lines = Path(file).read_text().splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), None)


def _memory() -> str:
    total = _field("/proc/meminfo", "MemTotal")
    return f"{int(total.split()[0]) / 2**20:.0f} GB" if total else "memory unknown"
