"""What serving a booster costs: as a graph, and by its own library."""

from __future__ import annotations

from typing import Any, NamedTuple

from modelet.dev.publish.boosting.libraries import library_of, unsaved


class Cost(NamedTuple):
    """The first answer of a new environment: CPU time in ms, and MB of memory, both above a bare interpreter."""

    cpu_ms: int
    memory_mb: int

    def __str__(self) -> str:
        return f"{self.cpu_ms} ms of CPU time and {self.memory_mb} MB"


GRAPH = Cost(101, 58)
NATIVE = {"lightgbm": Cost(265, 71), "xgboost": Cost(258, 65), "catboost": Cost(325, 102)}
"""Measured with 100 trees, the libraries in images without scikit-learn, and but for CatBoost without pandas."""

NAMES = {"lightgbm": "LightGBM", "xgboost": "XGBoost", "catboost": "CatBoost"}
SKLEARN = "set backend: sklearn in model.yaml"


def with_native(message: str, estimator: Any) -> str:
    """Return the error of a conversion; a booster alone gets its own library as a remedy, with its cost."""
    library = library_of(estimator)
    if library is None or unsaved(estimator):
        return message
    first, newline, rows = message.partition("\n")
    native = f"set backend: {library} in model.yaml"
    first = first.replace(SKLEARN, native) if SKLEARN in first else f"{first}, or {native}"
    return f"{first}. {compared(library)}{newline}{rows}"


def compared(library: str) -> str:
    """Return one sentence with the cost of a library and of a graph."""
    return f"{NAMES[library]} itself needs {NATIVE[library]} for its first answer, a graph {GRAPH}"
