"""Which library for gradient boosting a model is from, found without importing any of them."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import packages_distributions, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

LIBRARIES = ("lightgbm", "xgboost", "catboost")
BARE = {"lightgbm": "Booster", "xgboost": "Booster", "catboost": "CatBoost"}
"""The classes of models without the methods of a scikit-learn estimator."""


def library_of(value: object) -> str | None:
    """Return the library of a model's class, or of a class that it derives from; None for other objects."""
    if isinstance(value, type):
        return None
    modules = (base.__module__.removeprefix(f"{__package__}.") for base in type(value).__mro__)
    return next((top for module in modules if (top := module.partition(".")[0]) in LIBRARIES), None)


def is_bare(value: object) -> bool:
    """Return whether a model is a booster that is not an estimator."""
    library = library_of(value)
    return library is not None and type(value).__name__ == BARE[library]


def adapter(library: str) -> ModuleType:
    """Import and return Modelet's module for a library: what it knows about its models and files."""
    return import_module(f"modelet.dev.publish.boosting.{library}")


def adapted(value: Any) -> Any:
    """Return a booster as an estimator with the same predictions; any other object unchanged.

    Raises ConversionError for a booster whose predictions no estimator gives.
    """
    library = library_of(value)
    return adapter(library).estimator_of(value) if library and (library == "catboost" or is_bare(value)) else value


def feature_names(estimator: Any) -> Sequence[str] | None:
    """Return the column names that an estimator was fitted with; None if it has none, or its library made them up."""
    library = library_of(estimator)
    if library is not None:
        found: Sequence[str] | None = adapter(library).feature_names(estimator)
        return found
    names = getattr(estimator, "feature_names_in_", None)
    return None if names is None else list(names)


def unsaved(estimator: Any) -> str:
    """Return which parameter changes a booster's predictions and is in no file of its library; empty if none.

    The sentence says what to do, and its subject is the booster.
    """
    library = library_of(estimator)
    return str(adapter(library).unsaved(estimator)) if library else ""


def distribution(library: str) -> str:
    """Return the name of the installed distribution of a library: xgboost-cpu may provide xgboost."""
    return min(packages_distributions().get(library, [library]))


def released(library: str) -> tuple[str, str]:
    """Return a library's distribution and version."""
    name = distribution(library)
    return name, version(name)
