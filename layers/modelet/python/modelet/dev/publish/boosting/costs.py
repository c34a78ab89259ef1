"""What serving a booster costs: as a graph, by its own library, and pickled with scikit-learn."""

from __future__ import annotations

from typing import Any, NamedTuple

from modelet.dev.publish.boosting.libraries import library_of, unsaved
from modelet.dev.publish.source.parts import parts


class Cost(NamedTuple):
    """The first answer of a new environment: CPU time in ms, and MB of memory, both above a bare interpreter."""

    cpu_ms: int
    memory_mb: int

    def __str__(self) -> str:
        return f"{self.cpu_ms} ms of CPU time and {self.memory_mb} MB"


GRAPH = Cost(101, 58)
NATIVE = {"lightgbm": Cost(265, 71), "xgboost": Cost(258, 65), "catboost": Cost(325, 102)}
"""Measured with 100 trees, the libraries in images without scikit-learn, and but for CatBoost without pandas."""

PICKLED = {"lightgbm": Cost(975, 115), "xgboost": Cost(968, 118), "catboost": Cost(1215, 159)}
"""The same for a pickled pipeline of a scaler and the booster, outside of an image, which takes about 12 MB more."""

NAMES = {"lightgbm": "LightGBM", "xgboost": "XGBoost", "catboost": "CatBoost"}
SKLEARN = "set backend: sklearn in model.yaml"


def with_native(message: str, estimator: Any) -> str:
    """Return the error of a conversion with the cost of what serves a booster instead; others unchanged.

    That is its own library for a booster alone, which becomes the remedy. It is a pickle for one in a pipeline, or if
    the library's own file does not have all that the estimator predicts with.
    """
    library = library_inside(estimator)
    if library is None:
        return message
    first, newline, rows = message.partition("\n")
    is_own = library_of(estimator) is not None and not unsaved(estimator)
    if is_own:
        native = f"set backend: {library} in model.yaml"
        first = first.replace(SKLEARN, native) if SKLEARN in first else f"{first}, or {native}"
    return f"{first}. {compared(library, is_pickled=not is_own)}{newline}{rows}"


def library_inside(estimator: Any) -> str | None:
    """Return the library of a booster, or of the first one inside an estimator; None if there is none."""
    return library_of(estimator) or next((found for part in parts(estimator) if (found := library_of(part))), None)


def compared(library: str, *, is_pickled: bool = False) -> str:
    """Return one sentence with the cost of a library, or of a pickle with it and scikit-learn, and of a graph."""
    what = f"scikit-learn with {NAMES[library]}" if is_pickled else f"{NAMES[library]} itself"
    cost = PICKLED[library] if is_pickled else NATIVE[library]
    return f"{what} needs {cost} for its first answer, a graph {GRAPH}"
